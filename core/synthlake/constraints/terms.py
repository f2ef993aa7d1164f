"""What the rules of a table come to: who makes which column, and what is left to be tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import pyarrow as pa

from synthlake.constraints.bounds import Limits, family_of, limits_of, value_type
from synthlake.constraints.declared import FORMULAS, Declared, declared
from synthlake.errors import SchemaError
from synthlake.schema.model import Table

_JOINT = ("fixed_combinations", "one_hot")


@dataclass(frozen=True)
class Terms:
    """The rules of one table by how they are kept.

    Attributes:
        rules: all of them.
        limits: by column: between which values it is learned and made.
        formulas: rules that compute a column from others.
        joints: rules whose columns are learned as one category of combinations.
        determined: rules that map combinations to one column.
        below: by column: those that are at most as great (True: less), so that it is learned as
            its distance from them.
        together: rules whose columns share one mask of NULL.
        exclusive: rules of which at most one column is set.
        unique: rules by the column that their rows are told apart by.
        patterns: by column, of texts.
        tried: rules that rows are drawn again for, as other rules may have a say in their columns.
        under: by column: columns of parents that are at least as great (True: greater).
        copies: rules whose column is that of a parent.
        marks: rules by which one row of a family has a flag.
        balances: rules by which a column adds up in each family.
        totals: rules whose column is computed from children.
        parts: columns that a parent's total is computed from.
    """

    rules: tuple[Declared, ...] = ()
    limits: Mapping[str, Limits] = field(default_factory=dict)
    formulas: tuple[Declared, ...] = ()
    joints: tuple[Declared, ...] = ()
    determined: tuple[Declared, ...] = ()
    below: Mapping[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)
    together: tuple[Declared, ...] = ()
    exclusive: tuple[Declared, ...] = ()
    unique: Mapping[str, Declared] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    tried: tuple[Declared, ...] = ()
    under: Mapping[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)
    copies: tuple[Declared, ...] = ()
    marks: tuple[Declared, ...] = ()
    balances: tuple[Declared, ...] = ()
    totals: tuple[Declared, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def categories(self) -> set[str]:
        """Columns that are learned as categories, whatever their type."""
        joint = {n for rule in self.joints for n in rule.columns}
        held = (*self.determined, *self.marks)
        return joint | {rule.rule["column"] for rule in held}

    @property
    def added(self) -> set[str]:
        """Totals of children, and what they are totals of."""
        return {rule.rule["aggregate"] for rule in self.totals} | set(self.parts)

    @property
    def claimed(self) -> set[str]:
        """Columns that no rule found in the data may make: declared ones win."""
        kept = (*self.formulas, *self.determined, *self.together, *self.exclusive)
        named = {n for rule in kept for n in rule.columns}
        gaps = set(self.below) | {n for pairs in self.below.values() for n, _ in pairs}
        family = self.added | set(self.under) | {rule.rule["copy"] for rule in self.copies}
        family |= {rule.rule["balance"] for rule in self.balances}
        return named | gaps | family | self.categories | set(self.unique)

    @property
    def made(self) -> set[str]:
        """Columns that formulas compute."""
        return {rule.rule[rule.kind] for rule in self.formulas}


def terms_of(table: Table, distinct: Callable[[str], int] = lambda name: 0) -> Terms:
    """The rules of a table, sorted.

    Args:
        table: with its rules.
        distinct: values of a column, by which the one that tells unique rows apart is chosen.

    Raises:
        SchemaError: two rules contradict each other, or no order is known to keep both.
    """
    every = declared(table)
    parts: tuple[str, ...] = getattr(table, "parts", ())
    if not every and not parts:
        return Terms()
    rules = tuple(r for r in every if not r.across and r.kind != "copy")
    formulas = tuple(r for r in rules if r.kind in FORMULAS)
    joints = tuple(r for r in rules if r.kind in _JOINT)
    determined = tuple(r for r in rules if r.kind == "determines")
    _check_makers(formulas, joints, determined)
    _check_cycle(formulas)
    unique = _unique(rules, distinct)
    fixed = {r.rule[r.kind] for r in formulas} | {n for r in joints for n in r.columns}
    fixed |= {r.rule["column"] for r in determined} | set(unique)
    gaps = [r for r in rules if r.kind == "inequality" and not fixed & set(r.columns)]
    held = set(fixed) | {n for r in gaps for n in r.columns}
    together = [r for r in rules if r.kind == "null_together" and not fixed & set(r.columns)]
    together = _apart(together)
    held |= {n for r in together for n in r.columns}
    exclusive = [r for r in rules if r.kind == "exclusive" and not held & set(r.columns)]
    exclusive = _apart(exclusive)
    patterns = {r.rule["regex"]: r.rule["pattern"] for r in rules if r.kind == "regex"}
    built = [*formulas, *joints, *gaps, *together, *exclusive]
    above: tuple[str, ...] = getattr(table, "above", ())
    below = _below(gaps)
    return Terms(
        rules=rules,
        limits=_limits(rules, table),
        formulas=formulas,
        joints=joints,
        determined=determined,
        below={name: pairs for name, pairs in below.items() if name not in above},
        under=_under(below, above),
        copies=tuple(r for r in every if r.kind == "copy" and not r.across),
        marks=tuple(r for r in every if r.kind == "one_per"),
        balances=tuple(r for r in every if r.kind == "balance"),
        totals=tuple(r for r in every if r.kind == "aggregate"),
        parts=parts,
        together=tuple(together),
        exclusive=tuple(exclusive),
        unique=unique,
        patterns=patterns,
        tried=tuple(_tried(rules, built, unique)),
    )


def _apart(rules: Sequence[Declared]) -> list[Declared]:
    """The first rules that share no column with an earlier one of them."""
    out: list[Declared] = []
    for rule in rules:
        if not any(set(rule.columns) & set(other.columns) for other in out):
            out.append(rule)
    return out


def _tried(
    rules: Sequence[Declared], built: Sequence[Declared], unique: Mapping[str, Declared]
) -> Iterator[Declared]:
    """Rules that nothing keeps by construction alone: they share columns, or have no maker."""
    for rule in rules:
        if rule.condition is None or (rule.kind == "range" and rule.rule["range"] in unique):
            continue
        others = [r for r in built if r is not rule and set(r.columns) & set(rule.columns)]
        alone = rule in built or rule.kind in ("range", "regex")
        if (
            not alone
            or any(_may_break(other, rule) for other in others)
            or (rule.kind == "inequality" and not _alike(rule))
        ):
            yield rule


def _alike(rule: Declared) -> bool:
    """Whether columns have one type, whose ticks are whole numbers."""
    types = {value_type(rule.table.column(n).type) for n in rule.columns}
    return len(types) == 1 and not pa.types.is_floating(next(iter(types)))


def _may_break(other: Declared, rule: Declared) -> bool:
    """Whether what another rule does to shared columns may break what this one did."""
    if other.kind in FORMULAS:
        return other.rule[other.kind] in rule.columns
    if rule.kind in FORMULAS:
        return rule.rule[rule.kind] in other.columns
    if other.kind == "inequality":
        return rule.kind not in ("inequality", "range") or not _alike(other)
    return rule.kind not in ("range", "regex")


def _check_makers(
    formulas: Sequence[Declared], joints: Sequence[Declared], determined: Sequence[Declared]
) -> None:
    """No column is made by two rules, and formulas compute from numbers."""
    makers: dict[str, Declared] = {}
    made = [(r, (r.rule[r.kind],)) for r in formulas] + [(r, r.columns) for r in joints]
    made += [(r, (r.rule["column"],)) for r in determined]
    for rule, names in made:
        for name in names:
            if name in makers:
                raise _clash(makers[name], rule, f"both make {name}", "keep one of the two")
            makers[name] = rule
    for rule in formulas:
        for part in rule.rule["of"]:
            maker = makers.get(part)
            if maker is not None and maker not in formulas:
                raise _clash(
                    maker, rule, f"{part} is learned as a category by the first and computed with "
                    "by the second", "keep one of the two",
                )  # fmt: skip


def _check_cycle(formulas: Sequence[Declared]) -> None:
    todo = {r.rule[r.kind]: r for r in formulas}
    while todo:
        free = [n for n, r in todo.items() if not set(r.rule["of"]) & set(todo)]
        if not free:
            first = next(iter(todo.values()))
            labels = "; ".join(f"{{{r.label}}}" for r in todo.values())
            raise SchemaError(
                f"{first.table.name}: these rules compute each other in a cycle: {labels}",
                hint="leave one of them out",
            )
        for name in free:
            del todo[name]


def _clash(one: Declared, two: Declared, why: str, hint: str) -> SchemaError:
    return SchemaError(
        f"{one.table.name}: the rules {{{one.label}}} and {{{two.label}}} do not go together: "
        f"{why}",
        hint=hint,
    )


def _below(rules: Sequence[Declared]) -> dict[str, tuple[tuple[str, bool], ...]]:
    """By column, those that come before it in an inequality."""
    out: dict[str, dict[str, bool]] = {}
    said: dict[tuple[str, str], Declared] = {}
    for rule in rules:
        for low, high in combinations(rule.rule["inequality"], 2):
            held = out.setdefault(high, {})
            held[low] = held.get(low, False) or bool(rule.rule.get("strict"))
            said[low, high] = rule
    _check_circle(said)
    return {name: tuple(held.items()) for name, held in out.items()}


def _under(
    below: Mapping[str, tuple[tuple[str, bool], ...]], above: tuple[str, ...]
) -> dict[str, tuple[tuple[str, bool], ...]]:
    """By column, columns of parents above it, also by way of others above it."""
    out: dict[str, dict[str, bool]] = {}
    for high in above:
        waiting = list(below.get(high, ()))
        while waiting:
            name, strict = waiting.pop()
            held = out.setdefault(name, {})
            if name in above or (held.get(high, False) >= strict and high in held):
                continue
            held[high] = strict
            waiting += [(low, strict or more) for low, more in below.get(name, ())]
    return {name: tuple(held.items()) for name, held in out.items() if held}


def _check_circle(said: Mapping[tuple[str, str], Declared]) -> None:
    """No column is at most itself by way of others."""
    todo = dict(said)
    while todo:
        ends = {low for low, _ in todo} - {high for _, high in todo}
        if not ends:
            rules = list(dict.fromkeys(todo.values()))
            labels = " and ".join(f"{{{r.label}}}" for r in rules)
            raise SchemaError(
                f"{rules[0].table.name}: {labels} put a column below itself",
                hint="columns that are equal need no inequality; leave one direction out",
            )
        todo = {pair: rule for pair, rule in todo.items() if pair[0] not in ends}


def _limits(rules: Sequence[Declared], table: Table) -> dict[str, Limits]:
    """Limits of columns, also those that follow along inequalities.

    Raises:
        SchemaError: nothing lies within them.
    """
    out: dict[str, Limits] = {}
    by: dict[str, list[Declared]] = {}
    for rule in rules:
        if rule.kind == "range":
            name = rule.rule["range"]
            mine = limits_of(rule.rule, table.column(name).type)
            out[name] = out.get(name, Limits()).meet(mine)
            by.setdefault(name, []).append(rule)
            _check_empty(out[name], by[name])
    for _ in rules:
        for rule in rules:
            if rule.kind == "inequality":
                _along(rule, out, by)
    return {n: held for n, held in out.items() if held != Limits()}


def _along(rule: Declared, out: dict[str, Limits], by: dict[str, list[Declared]]) -> None:
    strict = bool(rule.rule.get("strict"))
    for low, high in pairwise(rule.rule["inequality"]):
        a, b = out.get(low, Limits()), out.get(high, Limits())
        sources = {n: by.get(n, []) for n in (low, high)}
        out[low] = a.meet(Limits(high=b.high, open_high=(b.open_high or strict)))
        out[high] = b.meet(Limits(low=a.low, open_low=(a.open_low or strict)))
        for name, other, before in ((low, high, a), (high, low, b)):
            if out[name] != before:
                by[name] = list(dict.fromkeys([*sources[name], *sources[other], rule]))
                _check_empty(out[name], by[name])


def _check_empty(limits: Limits, rules: Sequence[Declared]) -> None:
    if limits.empty:
        labels = " and ".join(f"{{{r.label}}}" for r in rules)
        raise SchemaError(
            f"{rules[0].table.name}: no value satisfies {labels}", hint="widen one of the bounds"
        )


def _unique(rules: Sequence[Declared], distinct: Callable[[str], int]) -> dict[str, Declared]:
    """The column of each unique rule that rows are told apart by."""
    out: dict[str, Declared] = {}
    for rule in rules:
        if rule.kind != "unique" or any(n in rule.columns for n in out):
            continue
        free = [n for n in rule.columns if not _bound(n, rule, rules)]
        if not free:
            others = next(r for n in rule.columns for r in _bound(n, rule, rules))
            raise _clash(
                rule, others, "values that differ in all rows are made from the row's number",
                "keep one of the two, or name a further column in `unique`",
            )  # fmt: skip
        types = {n: value_type(rule.table.column(n).type) for n in free}
        texts = [n for n in free if family_of(types[n]) == "text"]
        made = texts + [n for n in free if pa.types.is_integer(types[n])]
        if not made:
            raise SchemaError(
                f"{rule.where}: rows are told apart by texts or whole numbers, and there is none",
                hint="name a text or a whole number in `unique`",
            )
        out[max(made, key=distinct)] = rule
    return out


def _bound(name: str, unique: Declared, rules: Sequence[Declared]) -> list[Declared]:
    """Rules that have a say in a column that a unique rule would make."""
    whole = family_of(unique.table.column(name).type) == "number"
    free = ("unique", "range" if whole else "regex")
    return [r for r in rules if name in r.columns and r.kind not in free]
