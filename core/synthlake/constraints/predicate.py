"""SQL predicates of users: expressions over one row's columns, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from synthlake.errors import SchemaError
from synthlake.late import late
from synthlake.schema.model import Table
from synthlake.schema.nearest import nearest

if TYPE_CHECKING:
    import sqlglot
    from sqlglot import errors, exp
else:
    sqlglot = late("sqlglot")
    errors, exp = late("sqlglot.errors"), late("sqlglot.expressions")

_LONGEST = 2_000  # characters
_BOOLEAN = (
    "And Or Not EQ NEQ GT GTE LT LTE Is In Between Like ILike NullSafeEQ NullSafeNEQ "
    "Boolean Case Coalesce Column"
)
_PLAIN = (
    "Paren Null Literal Identifier Neg Add Sub Mul Div Mod If DPipe Tuple Cast DataType "
    "DataTypeParam"
)
_SCALAR = (
    "Abs Lower Upper Length Trim Round Floor Ceil Least Greatest Nullif Substring Year "
    "Month Day Sign"
)
FUNCTIONS = (
    "abs, ceil, coalesce, day, floor, greatest, least, length, lower, month, nullif, round, sign, "
    "substring, trim, upper, year"
)


def parse_predicate(text: str, table: Table) -> exp.Expression:
    """A predicate as an expression over the quoted columns of a relation called ``t``.

    Raises:
        SchemaError: it is no expression, or has anything but columns of the table, literals,
            operators and scalar functions whose value follows from their arguments.
    """
    return _parsed(text, table.name, tuple(c.name for c in table.columns)).copy()


@lru_cache(maxsize=512)
def _parsed(text: str, table: str, columns: tuple[str, ...]) -> exp.Expression:
    tree = _read(text, table)
    boolean = _classes(_BOOLEAN)
    known = {*boolean, *_classes(_PLAIN), *_classes(_SCALAR)}
    for node in tree.walk():
        if type(node) not in known:
            raise SchemaError(
                f"{table}: a predicate may not have {_called(node)}",
                hint=f"it has columns, literals, operators, CASE and the functions {FUNCTIONS}",
            )
    if not isinstance(tree.unnest(), boolean):
        raise SchemaError(f"{table}: a predicate is true or false", hint="such as a > 0")
    names = {name.casefold(): name for name in reversed(columns)} | {n: n for n in columns}
    return tree.transform(lambda node: _column(node, names, table))


def _read(text: str, table: str) -> exp.Expression:
    if len(text) > _LONGEST:
        raise SchemaError(
            f"{table}: a predicate is too long", hint=f"{_LONGEST} characters at most"
        )
    try:
        statements = sqlglot.parse(text, read="duckdb")
    except (errors.SqlglotError, RecursionError):
        statements = []
    if len(statements) != 1 or not isinstance(statements[0], exp.Expression):
        raise SchemaError(
            f"{table}: {text!r} is no SQL expression", hint="such as price > 0 AND amount >= 1"
        )
    if any(node.comments for node in statements[0].walk()):
        raise SchemaError(f"{table}: a predicate has no comments", hint="leave them out")
    return statements[0]


@lru_cache
def _classes(names: str) -> tuple[type[exp.Expression], ...]:
    return tuple(getattr(exp, name) for name in names.split())


def _called(node: object) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {node.name}"
    return type(node).__name__.upper()


def _column(node: exp.Expression, names: Mapping[str, str], table: str) -> exp.Expression:
    if not isinstance(node, exp.Column):
        return node
    if node.table or not isinstance(node.this, exp.Identifier):
        raise SchemaError(
            f"{table}: a predicate speaks of one table", hint="name its columns without a table"
        )
    asked = node.name
    name = names.get(asked, names.get(asked.casefold()))
    if name is None:
        raise SchemaError(
            f"{table} has no column {asked!r}", hint=nearest(asked, sorted(set(names.values())))
        )
    return column(name)


def column(name: str) -> exp.Column:
    """A column of the relation ``t``, quoted."""
    return exp.column(name, table="t", quoted=True)


def columns_of(tree: exp.Expression) -> tuple[str, ...]:
    """Columns that an expression reads, each once."""
    return tuple(dict.fromkeys(node.name for node in tree.find_all(exp.Column)))
