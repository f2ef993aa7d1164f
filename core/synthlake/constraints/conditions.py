"""Rules within a row as SQL expressions: true or NULL where a row keeps the rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import combinations, groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synthlake.constraints.bounds import family_of, moment, value_type
from synthlake.constraints.predicate import column, parse_predicate
from synthlake.encode.pattern import parse_pattern
from synthlake.late import late
from synthlake.schema.model import Table

if TYPE_CHECKING:
    from sqlglot import exp
else:
    exp = late("sqlglot.expressions")

Rule = Mapping[str, Any]
_WIDEST = 38  # digits of a decimal
_CASTS = {"date": "DATE", "time": "TIME", "instant": "TIMESTAMPTZ"}


def condition(rule: Rule, kind: str, table: Table) -> exp.Expression:
    """The condition of a rule that speaks of one row; columns of a relation called ``t``."""
    return _KINDS[kind](rule, table)


def _and(parts: Sequence[exp.Expression]) -> exp.Expression:
    return reduce(lambda a, b: exp.And(this=a, expression=b), parts)


def _or(parts: Sequence[exp.Expression]) -> exp.Expression:
    joined = reduce(lambda a, b: exp.Or(this=a, expression=b), parts)
    return exp.Paren(this=joined)


def _plus(parts: Sequence[exp.Expression]) -> exp.Expression:
    return reduce(lambda a, b: exp.Add(this=a, expression=b), parts)


def _is_null(name: str) -> exp.Expression:
    return exp.Is(this=column(name), expression=exp.Null())


def _not(part: exp.Expression) -> exp.Expression:
    return exp.Not(this=exp.Paren(this=part))


def _number(value: float) -> exp.Expression:
    return (
        exp.Literal.number(str(value))
        if value >= 0
        else exp.Neg(this=exp.Literal.number(str(-value)))
    )


def _literal(value: Any, dtype: pa.DataType) -> exp.Expression:
    """A bound in the type of its column, so that engines compare what was meant."""
    family, plain = family_of(dtype), value_type(dtype)
    if family == "number":
        number = _number(value if isinstance(value, int | float) else float(value))
        return exp.cast(number, _float_name(plain)) if pa.types.is_floating(plain) else number
    name = _CASTS[family]
    if family == "instant":
        value = moment(value).isoformat(" ")  # with its zone, as sessions have one of their own
    if pa.types.is_timestamp(plain) and family == "date":
        name = "TIMESTAMP"
    return exp.cast(exp.Literal.string(value), name)


def _instant(name: str, dtype: pa.DataType) -> exp.Expression:
    """A column; nanoseconds with a zone as microseconds, as DuckDB compares them only so."""
    plain = value_type(dtype)
    if family_of(dtype) == "instant" and plain.unit == "ns":
        return exp.cast(column(name), "TIMESTAMPTZ")
    return column(name)


def _float_name(dtype: pa.DataType) -> str:
    return "FLOAT" if dtype == pa.float32() else "DOUBLE"


def _range(rule: Rule, table: Table) -> exp.Expression:
    name, shut = rule["range"], bool(rule.get("exclusive"))
    dtype = table.column(name).type
    kinds: dict[str, Any] = {"min": exp.GT if shut else exp.GTE, "max": exp.LT if shut else exp.LTE}
    return _and([
        kind(this=_instant(name, dtype), expression=_literal(rule[end], dtype))
        for end, kind in kinds.items()
        if rule.get(end) is not None
    ])  # fmt: skip


def _inequality(rule: Rule, table: Table) -> exp.Expression:
    kind: Any = exp.LT if rule.get("strict") else exp.LTE
    types = {n: table.column(n).type for n in rule["inequality"]}
    alike = len(set(types.values())) == 1
    read = {n: column(n) if alike else _instant(n, dtype) for n, dtype in types.items()}
    return _and([
        kind(this=read[low].copy(), expression=read[high].copy())
        for low, high in combinations(rule["inequality"], 2)
    ])  # fmt: skip


def _one(test: exp.Expression) -> exp.Expression:
    case = exp.Case().when(test, exp.Literal.number(1))
    return case.else_(exp.Literal.number(0))


def _one_hot(rule: Rule, table: Table) -> exp.Expression:
    zero, one = exp.Literal.number(0), exp.Literal.number(1)
    hot, parts = [], []
    for name in rule["one_hot"]:
        if family_of(table.column(name).type) == "boolean":
            hot.append(_one(column(name)))
            continue
        hot.append(_one(exp.EQ(this=column(name), expression=one.copy())))
        parts.append(exp.In(this=column(name), expressions=[zero.copy(), one.copy()]))
    # a NULL is not hot, and no reason to let the rest of the rule go
    exactly = exp.EQ(this=exp.Paren(this=_plus(hot)), expression=one)
    return _and([exactly, *parts])


def _exclusive(rule: Rule, table: Table) -> exp.Expression:
    filled = [_one(is_set(name, table)) for name in rule["exclusive"]]
    return exp.LTE(this=exp.Paren(this=_plus(filled)), expression=exp.Literal.number(1))


def is_set(name: str, table: Table) -> exp.Expression:
    """Whether a cell says something: it is not NULL, not 0, not false."""
    family = family_of(table.column(name).type)
    if family == "boolean":
        return column(name)
    if family == "number":
        return exp.NEQ(this=column(name), expression=exp.Literal.number(0))
    return _not(_is_null(name))


def _null_together(rule: Rule, table: Table) -> exp.Expression:
    names = rule["null_together"]
    none, all_ = [_not(_is_null(n)) for n in names], [_is_null(n) for n in names]
    return _or([exp.Paren(this=_and(none)), exp.Paren(this=_and(all_))])


def _regex(rule: Rule, table: Table) -> exp.Expression:
    found = exp.Literal.string(f"^{regex_of(rule['pattern'])}$")
    return exp.RegexpLike(this=column(rule["regex"]), expression=found)


def regex_of(pattern: str) -> str:
    """A pattern as a regular expression that engines read alike."""
    parts = []
    for alphabet, run in groupby(parse_pattern(pattern).alphabets):
        count = len(list(run))
        said = "".join(f"\\{c}" if c in r"\]^-[" else c for c in alphabet)
        body = f"[{said}]" if len(alphabet) > 1 or not re.match(r"[\w ]", alphabet) else said
        parts.append(body if count == 1 else f"{body}{{{count}}}")
    return "".join(parts)


def _copy(rule: Rule, table: Table) -> exp.Expression:
    name, of = rule["copy"], rule["of"]
    types = {family_of(table.column(n).type) for n in (name, of)}
    same = exp.EQ(this=_instant(name, table.column(name).type),
                  expression=_instant(of, table.column(of).type)) if types == {"instant"} else (
        exp.EQ(this=column(name), expression=column(of))
    )  # fmt: skip
    both = exp.Paren(this=_and([_not(_is_null(name)), same]))
    return _or([_is_null(of), both])


def _when(rule: Rule, table: Table) -> exp.Expression:
    when, then = (parse_predicate(rule[key], table) for key in ("when", "then"))
    return _or([_not(when), exp.Paren(this=then)])


def _predicate(rule: Rule, table: Table) -> exp.Expression:
    return exp.Paren(this=parse_predicate(rule["predicate"], table))


def digits_of(rule: Rule, dtype: pa.DataType) -> int | None:
    """Decimals that a formula is rounded to; None for a float that is not rounded."""
    if rule.get("decimals") is not None:
        return int(rule["decimals"])
    plain = value_type(dtype)
    if pa.types.is_decimal(plain):
        return int(plain.scale)
    return 0 if pa.types.is_integer(plain) else None


def scale_of(dtype: pa.DataType) -> int | None:
    """Digits after the point of a whole number or decimal; None for floats."""
    plain = value_type(dtype)
    if pa.types.is_integer(plain):
        return 0
    return int(plain.scale) if pa.types.is_decimal(plain) else None


def _formula(kind: str) -> Callable[[Rule, Table], exp.Expression]:
    def made(rule: Rule, table: Table) -> exp.Expression:
        name, parts = rule[kind], list(rule["of"])
        types = [table.column(p).type for p in parts]
        target = table.column(name).type
        if kind == "difference" and family_of(types[0]) == "date":
            days = exp.DateDiff(this=column(parts[0]), expression=column(parts[1]),
                                unit=exp.Var(this="DAY"))  # fmt: skip
            return exp.EQ(this=column(name), expression=days)
        digits, scales = digits_of(rule, target), [scale_of(t) for t in types]
        whole = digits is not None and all(s is not None and s <= digits for s in scales)
        if kind != "ratio" and whole and scale_of(target) is not None:
            return _exactly(kind, (name, parts), max(scale_of(target) or 0, *map(int, scales)))  # type: ignore[arg-type]
        return _nearly(kind, (name, parts), digits, target)

    return made


def _exactly(kind: str, names: tuple[str, list[str]], scale: int) -> exp.Expression:
    name, parts = names
    wide = [exp.cast(column(p), f"DECIMAL({_WIDEST}, {scale})") for p in parts]
    made: exp.Expression = _plus(wide)
    if kind == "difference":
        made = exp.Sub(this=wide[0], expression=wide[1])
    return exp.EQ(this=column(name), expression=made)


def _nearly(
    kind: str, names: tuple[str, list[str]], digits: int | None, target: pa.DataType
) -> exp.Expression:
    """Within half a unit of the last digit, and what floats lose on the way."""
    name, parts = names
    floats = [exp.cast(column(p), "DOUBLE") for p in parts]
    mine = exp.cast(column(name), "DOUBLE")
    sizes: list[exp.Expression] = [exp.Abs(this=mine.copy())]
    made: exp.Expression = exp.Paren(this=_plus(floats))
    if kind == "difference":
        made = exp.Paren(this=exp.Sub(this=floats[0], expression=floats[1]))
    if kind == "ratio":
        zero = exp.Nullif(this=floats[1], expression=exp.Literal.number(0))
        made = exp.Div(this=floats[0], expression=zero, typed=False, safe=False)
    else:
        sizes += [exp.Abs(this=f.copy()) for f in floats]
    lost = "1e-6" if value_type(target) == pa.float32() else "1e-9"
    slack: exp.Expression = exp.Mul(
        this=exp.Literal.number(lost), expression=exp.Paren(this=_plus(sizes))
    )
    if digits is not None:
        half = exp.Literal.number(f"{5.000001 * 10.0 ** (-digits - 1):.7e}")
        slack = exp.Add(this=half, expression=slack)
    return exp.LTE(this=exp.Abs(this=exp.Sub(this=mine, expression=made)), expression=slack)


_KINDS: Mapping[str, Callable[[Rule, Table], exp.Expression]] = {
    "range": _range,
    "inequality": _inequality,
    "one_hot": _one_hot,
    "exclusive": _exclusive,
    "null_together": _null_together,
    "regex": _regex,
    "copy": _copy,
    "when": _when,
    "predicate": _predicate,
    "sum": _formula("sum"),
    "difference": _formula("difference"),
    "ratio": _formula("ratio"),
}
