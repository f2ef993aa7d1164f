"""The SELECT of a declared metric: what it may have, which tables it reads, and of which side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from synthlake.errors import SpecError
from synthlake.quality.custom.declared import Custom
from synthlake.schema.model import Schema, Table
from synthlake.schema.nearest import nearest

Side = Literal["real", "synthetic", "each"]
Read = tuple[Side, str]
"""A side and a table; ``each`` where the SELECT is asked of both sides in turn."""

_LONGEST = 10_000  # characters
_FORMS = (
    exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.From,
    exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
    exp.Distinct, exp.Qualify, exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier,
    exp.Star, exp.Paren, exp.Tuple, exp.Window, exp.WindowSpec, exp.Filter, exp.WithinGroup,
    exp.In, exp.Exists, exp.Between, exp.Like, exp.ILike, exp.Is, exp.Not, exp.And, exp.Or,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe, exp.Null,
    exp.Boolean, exp.Literal, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.DataType,
    exp.DataTypeParam, exp.Var, exp.Interval,
)  # fmt: skip
_FUNCTIONS = (
    exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Stddev, exp.StddevPop,
    exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Corr, exp.CovarPop, exp.CovarSamp,
    exp.Median, exp.PercentileCont, exp.PercentileDisc, exp.Abs, exp.Ceil, exp.Floor, exp.Round,
    exp.Sign, exp.Sqrt, exp.Ln, exp.Exp, exp.Pow, exp.Least, exp.Greatest, exp.Coalesce,
    exp.Nullif, exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Substring, exp.Year, exp.Month,
    exp.Day, exp.Extract, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead,
)  # fmt: skip
_THEIRS = frozenset({("Anonymous", "DATETIME"), ("Anonymous", "TIME")})  # SQLite has no such types
_KNOWN = frozenset((*_FORMS, *_FUNCTIONS))
_NAMES = ", ".join(sorted(kind.key for kind in _FUNCTIONS))
_TWO_SIDES: tuple[Side, ...] = ("real", "synthetic")
OWN = "__synthlake_"
"""What names that are registered for a SELECT begin with, and none of its own."""

# sqlglot writes types of one's own, parts of a date and some words as they stand, quoted or not:
# each must be one that says nothing else. The day of the week is not the same in all engines.
_WORDS = re.compile(r"[A-Za-z_ ]+")
_NUMBER = re.compile(r"[0-9.]+([eE][+-]?[0-9]+)?")
_BOTH = {"year", "quarter", "month", "week", "day", "hour", "minute", "second"}
_PARTS = frozenset(_BOTH | {"doy", "epoch"})
_UNITS = frozenset(_BOTH | {"millisecond", "microsecond"})
_WRITTEN: Mapping[type, Callable[[exp.Expr], bool]] = {
    exp.Identifier: lambda node: bool(node.args.get("quoted") or re.fullmatch(r"\w+", node.name)),
    exp.Literal: lambda node: node.is_string or bool(_NUMBER.fullmatch(node.name)),
    exp.Var: lambda node: _is_word(node),
    exp.DataType: lambda node: (
        isinstance(node.this, exp.DType) and node.this is not exp.DType.USERDEFINED
        and _has_only(node, "this", "expressions", "nested", "values")
    ),
    exp.DataTypeParam: lambda node: isinstance(node.this, exp.Literal) and _has_only(node, "this"),
    exp.Cast: lambda node: not any(map(node.args.get, ("format", "action", "default"))),
    exp.TryCast: lambda node: not any(map(node.args.get, ("format", "action", "default"))),
    exp.Extract: lambda node: (
        isinstance(node.this, exp.Var | exp.Literal) and node.this.name.casefold() in _PARTS
    ),
    exp.With: lambda node: not node.args.get("recursive"),
    exp.Alias: lambda node: not node.alias.casefold().startswith(OWN),
    exp.TableAlias: lambda node: not node.name.casefold().startswith(OWN),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A SELECT that is understood.

    Attributes:
        name: of the metric.
        tree: as it was read.
        reads: sides and tables, in the order of the text.
        columns: by table: columns that it speaks of; all of them where it has a star.
    """

    name: str
    tree: exp.Expression
    reads: tuple[Read, ...]
    columns: Mapping[str, tuple[str, ...]]

    def sql(self, dialect: str, relation: Callable[[Side, str], str]) -> str:
        """The SELECT for an engine.

        Args:
            dialect: of the engine.
            relation: what to write after FROM, quoted, for a side and a table.

        Raises:
            SpecError: the engine would read it as another statement, or other tables.
        """
        _check_written(self.name, self.tree, dialect)
        tree = self.tree.copy()
        for node in list(tree.find_all(exp.Table)):
            read = node.meta.get("read")
            if read is not None:
                side, table = read
                place = relation(side, table)
                if place[1:-1].casefold() in _defined(node):
                    raise SpecError(
                        f"the metric {self.name}: its WITH hides the table {table}",
                        hint="give what WITH defines another name",
                    )
                node.set("this", exp.Var(this=place))
                node.set("db", None)
        return tree.sql(dialect=dialect)


def read(custom: Custom) -> exp.Expression:
    """The SELECT as an expression.

    Raises:
        SpecError: it is no single SELECT, or has anything but tables, columns and functions whose
            value follows from their arguments: no file, no network, no session, no chance.
    """
    return _read(custom.name, custom.sql).copy()


@lru_cache(maxsize=256)
def _read(name: str, text: str) -> exp.Expression:
    where = f"the metric {name}"
    if len(text) > _LONGEST:
        raise SpecError(f"{where}: its SQL is too long", hint=f"{_LONGEST} characters at most")
    try:
        found = [one for one in sqlglot.parse(text, read="duckdb") if one is not None]
    except (SqlglotError, RecursionError):
        found = []
    if len(found) != 1:
        raise SpecError(
            f"{where}: its SQL is {'several statements' if found else 'not understood'}",
            hint="write one SELECT in DuckDB's SQL, such as SELECT AVG(arr_delay) FROM flights",
        )
    tree = found[0]
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SpecError(f"{where}: its SQL is no SELECT", hint="a metric changes nothing")
    for node in tree.walk():
        if type(node) not in _KNOWN:
            raise SpecError(
                f"{where}: its SQL may not have {_called(node)}",
                hint="it has tables of the data, joins, groups, windows, subqueries, operators and "
                f"the functions {_NAMES}",
            )
        if _is_odd(node):
            raise SpecError(
                f"{where}: its SQL may not have {_shown(node)}",
                hint="it has types, parts of a date and units by their plain names, no recursion, "
                f"and no name that begins with {OWN}",
            )
        node.comments = None
    _check_written(name, tree, "duckdb")
    return tree


def _is_odd(node: exp.Expr) -> bool:
    """Whether a node would be written as it stands, and may say more than its kind does."""
    plain = _WRITTEN.get(type(node))
    if plain is not None:
        return not plain(node)
    held = [value if isinstance(value, list) else [value] for value in node.args.values()]
    texts = [one for values in held for one in values if isinstance(one, str)]
    return not all(_WORDS.fullmatch(text) for text in texts)


def _is_word(node: exp.Expr) -> bool:
    above, word = node.parent, node.name.casefold()
    if isinstance(above, exp.Extract):
        return word in _PARTS
    if isinstance(above, exp.Interval):
        return word in _UNITS or word.removesuffix("s") in _UNITS
    return isinstance(above, exp.WindowSpec) and bool(_WORDS.fullmatch(word))


def _has_only(node: exp.Expr, *keys: str) -> bool:
    return all(key in keys or not value for key, value in node.args.items())


def _shown(node: exp.Expr) -> str:
    if isinstance(node, exp.With):
        return "WITH RECURSIVE"
    return f"the {type(node).__name__.lower()} {node.sql('duckdb')}"


def _check_written(name: str, tree: exp.Expr, dialect: str) -> None:
    """That an engine reads what is written for it as one SELECT of the same tables.

    In DuckDB's own SQL the names, texts and SELECTs are the same, too, and nothing is there that a
    SELECT may not have; other dialects have words of their own for some functions.

    Raises:
        SpecError: it does not.
    """
    try:
        found = [one for one in sqlglot.parse(tree.sql(dialect=dialect), read=dialect) if one]
    except (SqlglotError, RecursionError):
        found = []
    own = dialect == "duckdb"
    if (
        len(found) != 1
        or _shape(found[0], own) != _shape(tree, own)
        or (own and any(type(node) not in _KNOWN for node in found[0].walk()))
    ):
        raise SpecError(
            f"the metric {name}: its SQL is another statement when it is written for {dialect}",
            hint="write it with plain names, types and functions",
        )


def _shape(tree: exp.Expr, whole: bool) -> tuple[Counter[tuple[str, str]], set[tuple[str, str]]]:
    """How often each table and function that is not known is there; which names and texts are."""
    counted: tuple[type, ...] = (exp.Table, exp.Anonymous, exp.Command)
    if whole:
        counted = (*counted, exp.Query, exp.Join, exp.With)
    held, names = Counter[tuple[str, str]](), set[tuple[str, str]]()
    for node in tree.walk():
        here = type(node).__name__, node.name
        if isinstance(node, counted) and here not in _THEIRS:
            held[here] += 1
        elif whole and (isinstance(node, exp.Identifier) or node.is_string):
            names.add(here)
    return held, names


def _called(node: object) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {node.name}"
    if isinstance(node, exp.Func):
        return f"the function {node.key}"
    return type(node).__name__.upper()


def figure(custom: Custom, schema: Schema) -> Figure:
    """The SELECT with its tables and columns found in a schema.

    Raises:
        SpecError: a table or column is not there, or the sides do not fit the direction.
    """
    tree, reads, where = read(custom), dict[Read, None](), f"the metric {custom.name}"
    if custom.table is not None:
        _table(schema, custom.table, where)
    for node in list(tree.find_all(exp.Table)):
        found = _resolved(node, custom, schema)
        if found is None:
            continue
        reads[found] = None
        node.meta["read"] = found
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
    _check_sides(custom, {side for side, _ in reads})
    tables = {name: schema[name] for _, name in reads}
    _quote(tree, tables)
    return Figure(custom.name, tree, tuple(reads), _columns(tree, tables))


def _resolved(node: exp.Table, custom: Custom, schema: Schema) -> Read | None:
    """Side and table of a name after FROM; None for a name that the SELECT itself defines."""
    where, name, side = f"the metric {custom.name}", node.name, node.db
    if node.catalog or not isinstance(node.this, exp.Identifier):
        raise SpecError(
            f"{where}: {node.sql('duckdb')} is no table of the data",
            hint="write flights, real.flights or synthetic.flights",
        )
    own = _defined(node).get(name.casefold())
    if not side and own is not None:  # as it is spelled there: engines fold what is not quoted
        if not node.alias:
            node.set("alias", exp.TableAlias(this=node.this.copy()))
        node.set("this", own.copy())
        return None
    if not side and custom.table is not None and name in _TWO_SIDES:
        return ("real" if name == "real" else "synthetic"), _table(schema, custom.table, where)
    if not side:
        return "each", _table(schema, name, where)
    if side not in _TWO_SIDES:
        raise SpecError(
            f"{where}: there is no {side}.{name}",
            hint="before the table's name stands real or synthetic, or nothing",
        )
    return ("real" if side == "real" else "synthetic"), _table(schema, name, where)


def _defined(node: exp.Expr) -> dict[str, exp.Identifier]:
    """Names that WITH gives at a place, by what they fold to: within one, only those before it."""
    out: dict[str, exp.Identifier] = {}
    below: exp.Expr | None = node
    above = node.parent
    while above is not None:
        given: list[exp.Expr] = []
        if isinstance(above, exp.With):
            own = next((i for i, cte in enumerate(above.expressions) if cte is below), 0)
            given = above.expressions[:own]
        else:
            held = above.args.get("with_")
            if held is not None and held is not below:
                given = held.expressions
        for cte in given:
            out.setdefault(cte.alias.casefold(), cte.args["alias"].this)
        below, above = above, above.parent
    return out


def _table(schema: Schema, asked: str, where: str) -> str:
    known = [table.name for table in schema if not table.skip]
    folded = {name.casefold(): name for name in reversed(known)}
    name = asked if asked in known else folded.get(asked.casefold())
    if name is None:
        raise SpecError(f"{where}: there is no table {asked!r}", hint=nearest(asked, known))
    return name


def _check_sides(custom: Custom, sides: set[Side]) -> None:
    where = f"the metric {custom.name}"
    if not sides:
        raise SpecError(f"{where}: its SQL reads no table", hint="SELECT ... FROM a table")
    if custom.direction == "difference" and sides != {"each"}:
        raise SpecError(
            f"{where}: a difference is of one SELECT asked of both sides",
            hint="name its tables without real and synthetic, or give direction: low or high",
        )
    if custom.direction != "difference" and "each" in sides:
        raise SpecError(
            f"{where}: which data its tables are of is not said",
            hint="write real.flights or synthetic.flights, or leave direction out: then it is the "
            "difference between both",
        )
    if sides == {"real"}:
        raise SpecError(f"{where}: it does not read the twin", hint="read synthetic.flights, too")


def _quote(tree: exp.Expression, tables: Mapping[str, Table]) -> None:
    """Columns in the spelling of the schema, as some engines fold what is not quoted."""
    exact = {c.name for t in tables.values() for c in t.columns}
    folded = {name.casefold(): name for name in sorted(exact, reverse=True)}
    aliases = {node.alias.casefold() for node in tree.find_all(exp.Alias)}
    for node in tree.find_all(exp.Column):
        if not isinstance(node.this, exp.Identifier) or node.name.casefold() in aliases - {
            n.casefold() for n in exact
        }:
            continue
        name = node.name if node.name in exact else folded.get(node.name.casefold())
        if name is not None:
            node.set("this", exp.to_identifier(name, quoted=True))


def _columns(tree: exp.Expression, tables: Mapping[str, Table]) -> dict[str, tuple[str, ...]]:
    star = any(not isinstance(node.parent, exp.Count) for node in tree.find_all(exp.Star))
    named = {node.name for node in tree.find_all(exp.Column)}
    return {
        name: tuple(c.name for c in table.columns
                    if c.action != "skip" and (star or c.name in named))
        for name, table in tables.items()
    }  # fmt: skip
