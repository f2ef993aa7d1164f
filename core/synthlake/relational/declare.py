"""Declared rules while a table is learned: how each is kept by what is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.bounds import family_of
from synthlake.constraints.conditions import digits_of
from synthlake.constraints.dates import DateParts
from synthlake.constraints.declared import Declared
from synthlake.constraints.discover import Structure
from synthlake.constraints.formula import Formula
from synthlake.constraints.gap import Below, Gap, below_of, gap_of
from synthlake.constraints.mapping import MapRule
from synthlake.constraints.rule import Cells, Mask, Rule
from synthlake.constraints.terms import Terms, terms_of
from synthlake.constraints.verdict import broken
from synthlake.encode.axis import Axis
from synthlake.encode.categorical import UNKNOWN, CategoricalCodec
from synthlake.encode.numeric import NumericCodec, build_numeric
from synthlake.errors import LearnError
from synthlake.models.support import distinct
from synthlake.ports import Codes, Feature
from synthlake.relational.across import Copy
from synthlake.relational.columns import TableData
from synthlake.relational.copies import find_copies
from synthlake.relational.enforced import Enforced, Exclusive, Joint, Together, Unique, joint_id
from synthlake.relational.keymaking import surrogate
from synthlake.relational.model import Codec, column_id
from synthlake.schema.model import Column, Table

Codecs = Mapping[str, Codec | None]


@dataclass(frozen=True)
class Declaration:
    """The rules of a table and what its sample says of them."""

    data: TableData
    table: Table
    terms: Terms
    copies: tuple[Copy, ...] = ()

    @cached_property
    def _wrong(self) -> dict[str, Mask]:
        """By column, rows that break a rule that speaks of it: nobody learns from these cells."""
        rules = [r for r in self.terms.rules if r.condition is not None]
        rules += self.terms.copies
        out: dict[str, Mask] = {}
        if not rules or not self.data.sample.num_rows:
            return out
        found = broken(rules, self._columns(rules))
        for rule, rows in zip(rules, found, strict=True):
            self._check_support(f"{rule.where} is kept by", rows)
            for name in rule.columns:
                out[name] = out.get(name, np.zeros(len(rows), bool)) | rows
        self._check_support(
            f"{self.data.name}: all rules together are kept by", np.logical_or.reduce(found)
        )
        return out

    def _columns(self, rules: Sequence[Declared]) -> dict[str, Any]:
        """What rules speak of in the sample, columns of parents among it."""
        names = {n for rule in rules for n in rule.columns}
        above = {n: held.upper.array for n, held in self.data.above.items()}
        return {n: above[n] if n in above else self.data.sample[n] for n in names}

    def _check_support(self, said: str, rows: Mask) -> None:
        people = len(np.unique(self.data.group[~rows]))
        if people < self.data.k:
            raise LearnError(
                f"{said} {int((~rows).sum())} of {len(rows)} real rows, of fewer than "
                f"k = {self.data.k} entities: nothing can be learned that keeps that",
                hint="check the rules against the data",
            )

    def without(self, structure: Structure) -> Structure:
        """Rules found in the data, without the columns that declared rules have claimed."""
        claimed, kept = claimed_by(self), list[Rule]()
        for rule in structure.rules:
            if isinstance(rule, DateParts):
                rule = replace(rule, parts=tuple(p for p in rule.parts if p[0] not in claimed))
            if rule.makes and not claimed & set(rule.makes):
                kept.append(rule)
        clocks = tuple(n for n in structure.clocks if n not in claimed)
        return Structure(tuple(kept), clocks, structure.near)

    def ordered(self, columns: Sequence[Column]) -> list[Column]:
        """The same order, but for columns that follow from others, which come after these."""
        marks = {rule.rule["column"] for rule in self.terms.marks}
        todo, done = sorted(columns, key=lambda c: c.name not in marks), list[Column]()
        names = {c.name for c in columns}
        before = {n: {low for low, _ in pairs} for n, pairs in self.terms.below.items()}
        for rule in self.terms.determined:
            before.setdefault(rule.rule["column"], set()).update(rule.rule["determines"])
        while todo:
            ready = {c.name for c in done}
            free = [c for c in todo if before.get(c.name, set()) & names <= ready]
            if not free:
                raise LearnError(
                    f"{self.data.name}: rules that determine columns follow from each other",
                    hint="leave one of them out",
                )
            done.append(free[0])
            todo.remove(free[0])
        return done

    def gap(self, name: str, codecs: Codecs) -> Gap | None:
        """How a column is measured from those below it; None for one that is not."""
        codec = codecs.get(name)
        if not isinstance(codec, NumericCodec) or not len(codec.low):
            return None
        below = self._ends(self.terms.below.get(name, ()), codec.axis, codecs)
        above = self._ends(self.terms.under.get(name, ()), codec.axis, codecs)
        if not below and not above:
            return None
        limits = self.terms.limits.get(name)
        least, most = limits.ticks(codec.axis) if limits is not None else (None, None)
        return gap_of(codec, below, above, (least, most))

    def _ends(
        self, pairs: Sequence[tuple[str, bool]], axis: Axis, codecs: Codecs
    ) -> tuple[Below, ...]:
        """Columns that another is compared with, as far as anything is known of them."""
        out = []
        for name, strict in pairs:
            known, codec = self.data.above.get(name), codecs.get(name)
            other = known.axis if known is not None else None
            if isinstance(codec, NumericCodec) and len(codec.low):
                other = codec.axis
            if other is not None:
                out.append(below_of(name, strict, other, axis))
        return tuple(out)

    def measured(self, gap: Gap, cells: Mapping[str, Cells], name: str) -> tuple[Gap, NumericCodec]:
        """Bins of distances, and how far they reach from columns that are known.

        Raises:
            LearnError: no distance has k entities.
        """
        rest = gap.forward(cells, cells[name])
        there = ~rest.null & gap.kept(cells, cells[name])
        axis = Axis(pa.float64()) if gap.continuous else Axis(pa.int64(), 0)
        near = there & ~np.logical_and.reduce([cells[b.column].null for b in gap.below])
        whole, reach = (self._bins(axis, rest.ticks, rows) for rows in (there, near))
        if not len(whole.low):
            raise LearnError(
                f"{self.data.name}.{name}: no distance from {', '.join(gap.needs)} is shared by "
                f"k = {self.data.k} entities",
                hint="leave the inequality out, or lower k",
            )
        for bins in (whole, reach):
            if len(bins.high):
                gap = replace(gap, reach=float(bins.high[-1]))
        return gap, whole

    def _bins(self, axis: Axis, ticks: NDArray[Any], there: Mask) -> NumericCodec:
        values, rows = np.unique(ticks[there], return_counts=True)
        sample = ticks[there], self.data.group[there]
        return build_numeric(axis, values, rows, sample, self.data.k)

    def formulas(self, codecs: Codecs, cells: Mapping[str, Cells]) -> list[Formula]:
        """Rules that compute columns."""
        return [self._formula(rule, codecs, cells) for rule in self.terms.formulas]

    def _formula(self, rule: Declared, codecs: Codecs, cells: Mapping[str, Cells]) -> Formula:
        name, parts = rule.rule[rule.kind], tuple(rule.rule["of"])
        axes = [c.axis for c in (codecs[n] for n in (name, *parts)) if isinstance(c, NumericCodec)]
        if len(axes) <= len(parts):
            raise LearnError(
                f"{rule.where}: a column has no number that k = {self.data.k} entities share",
                hint="check the rule against the data",
            )
        unknown = np.logical_or.reduce([cells[p].null for p in parts])
        if rule.kind == "ratio":
            unknown = unknown | (cells[parts[1]].ticks == 0)
        decimals = tuple(_decimals(axis) for axis in axes)
        digits = None
        if family_of(axes[1].type) == "number":
            digits = digits_of(rule.rule, axes[0].type)
        low, high = axes[0].limits
        return Formula(
            rule.kind, name, parts, decimals[1:], digits, decimals[0], (low, high),
            keep=bool((cells[name].null & ~unknown).any()),
        )  # fmt: skip

    def excluded(self, drawn: Mapping[str, Feature]) -> dict[str, Feature]:
        """What is drawn, without the cells of rows that break a rule."""
        out = dict(drawn)
        for name, rows in self._wrong.items():
            unlearn(out, column_id(name), rows)
        return out

    def masked(
        self, drawn: Mapping[str, Feature], settled: Sequence[Together | Exclusive]
    ) -> dict[str, Feature]:
        """What is drawn, where a shared mask leaves it a choice."""
        out = dict(drawn)
        for rule in settled:
            if not isinstance(rule, Together):
                continue
            lead = drawn[rule.columns[0]].codes == -1
            for name in rule.columns[1:]:
                codes = out[name].codes
                free = ~lead & (codes != -1)
                out[name] = replace(out[name], codes=np.where(free, codes, np.int32(UNKNOWN)))
        return out

    def joined(
        self, drawn: dict[str, Feature], seen: dict[str, Feature]
    ) -> tuple[dict[str, Joint], dict[str, Feature], dict[str, Feature]]:
        """Combinations of columns, and the features with one category in place of each.

        Raises:
            LearnError: no combination has k entities.
        """
        joints = {}
        for rule in self.terms.joints:
            joint, feature = self._joint(rule, drawn)
            name = joint_id(rule.number)
            joints[name] = joint
            drawn, seen = (
                {n: f for key, held in features.items() for n, f in (
                    [(name, feature)] if key == joint.columns[0] else
                    [] if key in joint.columns else [(key, held)]
                )}
                for features in (drawn, seen)
            )  # fmt: skip
        return joints, drawn, seen

    def _joint(self, rule: Declared, drawn: Mapping[str, Feature]) -> tuple[Joint, Feature]:
        order = [n for n in drawn if n in {column_id(c) for c in rule.columns}]
        codes = np.stack([drawn[n].codes for n in order], axis=1)
        table, place = np.unique(codes, axis=0, return_inverse=True)
        place = place.reshape(-1)
        people = distinct(place, self.data.group, len(table))
        kept = (people >= self.data.k) & (table > UNKNOWN).all(axis=1)
        if not kept.any():
            raise LearnError(
                f"{rule.where}: no combination has k = {self.data.k} entities",
                hint="leave a column out of the rule, or lower k",
            )
        number = np.where(kept, np.cumsum(kept) - 1, UNKNOWN).astype(np.int32)
        joint = Joint(tuple(order), table[kept].astype(np.int32))
        return joint, Feature(number[place], int(kept.sum()), False)

    def maps(self, seen: Mapping[str, Feature]) -> list[MapRule]:
        """Columns that combinations of others determine.

        Raises:
            LearnError: no combination has k entities.
        """
        return [self._map(rule, seen) for rule in self.terms.determined]

    def _map(self, rule: Declared, seen: Mapping[str, Feature]) -> MapRule:
        given, made = tuple(column_id(n) for n in rule.rule["determines"]), rule.rule["column"]
        width = max(seen[n].size for n in given) + 1
        if width ** len(given) >= 2**62:
            raise LearnError(f"{rule.where} has too many combinations", hint="name fewer columns")
        key, codes = np.zeros(len(self.data.group), np.int64), seen[column_id(made)].codes
        known = codes > UNKNOWN
        for name in given:
            known = known & (seen[name].codes >= 0)
            key = key * width + seen[name].codes
        pair, entries = key[known] * (int(codes.max(initial=0)) + 2) + codes[known] + 1, None
        values, place = np.unique(pair, return_inverse=True)
        people = distinct(place, self.data.group[known], len(values))
        rows = np.bincount(place, minlength=len(values))
        entries = values[people >= self.data.k], rows[people >= self.data.k]
        if not len(entries[0]):
            raise LearnError(
                f"{rule.where}: no combination has k = {self.data.k} entities",
                hint="leave the rule out, or lower k",
            )
        size = int(codes.max(initial=0)) + 2
        owner, value = entries[0] // size, (entries[0] % size - 1).astype(np.int32)
        order = np.lexsort((entries[1], owner))
        last = np.flatnonzero(np.append(owner[order][1:] != owner[order][:-1], True))
        usual = int(np.bincount(codes[codes >= 0]).argmax()) if (codes >= 0).any() else -1
        return MapRule(given, column_id(made), width, owner[order][last], value[order][last], usual)

    def settled(
        self, order: Sequence[str], codecs: Codecs, seen: Mapping[str, Feature]
    ) -> tuple[Together | Exclusive, ...]:
        """Masks, their columns in the order in which they are drawn."""
        place = {name: n for n, name in enumerate(order)}
        out: list[Together | Exclusive] = []
        for rule in (*self.terms.together, *self.terms.exclusive):
            names = sorted((n for n in rule.columns if n in place), key=lambda n: place[n])
            keys = tuple(column_id(n) for n in names)
            if rule.kind == "null_together":
                out.append(Together(keys))
                continue
            empty = tuple(self._empty(rule, n, codecs[n], seen[column_id(n)].codes) for n in names)
            out.append(Exclusive(keys, empty))
        return tuple(out)

    def _empty(
        self, rule: Declared, name: str, codec: Codec | None, codes: Codes
    ) -> tuple[int, ...]:
        """Codes that say nothing, the most frequent first."""
        found = [-1] if self.table.column(name).nullable else []
        if isinstance(codec, NumericCodec):
            found += np.flatnonzero((codec.low == 0) & (codec.high == 0)).tolist()
        elif isinstance(codec, CategoricalCodec) and family_of(codec.type) in ("boolean", "number"):
            found += [n for n, v in enumerate(codec.values.to_pylist()) if not v]
        if not found:
            raise LearnError(
                f"{rule.where}: {name} is neither NULL nor 0 in k = {self.data.k} real rows",
                hint="check the rule against the data",
            )
        return tuple(sorted(found, key=lambda code: -int((codes == code).sum())))

    def unique(self) -> tuple[Unique, ...]:
        """Columns made of row numbers."""
        out = []
        for name, rule in self.terms.unique.items():
            column = self.table.column(name)
            pattern = self.terms.patterns.get(name, column.pattern)
            limits = self.terms.limits.get(name)
            bounds = limits.ticks(Axis(column.type, 0)) if limits is not None else (None, None)
            maker = surrogate(self.data, replace(column, pattern=pattern), bounds)
            out.append(Unique(name, maker, rule.label))
        return tuple(out)

    def enforced(
        self, joints: Mapping[str, Joint], settled: Sequence[Together | Exclusive],
        rules: Sequence[Rule],
    ) -> Enforced | None:  # fmt: skip
        """What keeps the rules when rows are made; None for a table without any."""
        if not self.terms.rules:
            return None
        computed = {n for r in rules if not isinstance(r, Formula) for n in r.makes}
        tried = [
            r.number for r in self.terms.rules
            if r.condition is not None and (r in self.terms.tried or computed & set(r.columns))
        ]  # fmt: skip
        return Enforced(joints, tuple(settled), self.unique(), tuple(tried))


def declaration(data: TableData, table: Table) -> Declaration:
    """The rules of a table, held against its sample, and copies that are found there."""
    terms = terms_of(table, lambda name: data.of(name).distinct)
    return Declaration(data, table, terms, find_copies(data, table, terms))


def unlearn(drawn: dict[str, Feature], key: str, rows: Mask) -> None:
    """Let nobody learn a column from some rows; nothing where it is not drawn."""
    if key in drawn:
        codes = np.where(rows, np.int32(UNKNOWN), drawn[key].codes)
        drawn[key] = replace(drawn[key], codes=codes)


def claimed_by(said: Declaration) -> set[str]:
    """Columns that no rule found in the data may make."""
    return said.terms.claimed | {copy.column for copy in said.copies}


def computed(formulas: Sequence[Formula], cells: Mapping[str, Cells]) -> set[str]:
    """Columns that are computed in every row, and need not be learned."""
    out = set()
    for formula in formulas:
        made = formula.apply(cells)[formula.made].null
        if not formula.keep and not (made & ~cells[formula.made].null).any():
            out.add(formula.made)
    return out


def _decimals(axis: Axis) -> int | None:
    if axis.continuous:
        return None
    plain: Any = axis.value_type
    if family_of(axis.type) != "number":
        return 0
    return int(getattr(plain, "scale", None) or axis.decimals or 0)
