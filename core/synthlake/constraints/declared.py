"""Declared rules: what they speak of, and the SQL that finds the rows that break them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synthlake.constraints.conditions import condition
from synthlake.constraints.joined import FAMILY, abroad
from synthlake.constraints.predicate import column, columns_of
from synthlake.late import late
from synthlake.schema.model import Schema, Table

if TYPE_CHECKING:
    from sqlglot import exp

    from synthlake.schema import rules
else:
    exp, rules = late("sqlglot.expressions"), late("synthlake.schema.rules")

BETWEEN_ROWS = ("unique", "determines", "fixed_combinations")
FORMULAS = ("sum", "difference", "ratio")


@dataclass(frozen=True, eq=False)
class Declared:
    """One rule of one table. Conforms to ``ports.Constraint``.

    Attributes:
        table: whose rows it is about.
        rule: as the table holds it.
        number: its place among the rules of the table, from 0.
        schema: that the table is one of, which a rule across tables needs.
    """

    table: Table
    rule: Mapping[str, Any]
    number: int = 0
    schema: Schema | None = None

    @cached_property
    def kind(self) -> str:
        """Which of ``schema.rules.KINDS`` it is."""
        return rules.kind_of(self.rule)

    @cached_property
    def label(self) -> str:
        """The rule in a line, as declared."""
        return rules.label(self.rule)

    @property
    def where(self) -> str:
        """Table and rule, for messages."""
        return f"{self.table.name} {{{self.label}}}"

    @cached_property
    def across(self) -> bool:
        """Whether it speaks of other tables than the one that it is held against."""
        above: tuple[str, ...] = getattr(self.table, "above", ())
        return self.kind in FAMILY or not set(above) >= set(abroad(self.rule, self.table))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that it speaks of, each once; of ``when``, those of ``then`` first.

        Those of parents are among them where they stand in the table (``JoinedTable``).
        """
        gone = set(abroad(self.rule, self.table)) - set(getattr(self.table, "above", ()))
        return tuple(n for n in self._named if n not in gone)

    @property
    def _named(self) -> tuple[str, ...]:
        rule = self.rule
        if self.kind in FORMULAS:
            return tuple(dict.fromkeys([rule[self.kind], *rule["of"]]))
        if self.kind == "determines":
            return tuple(dict.fromkeys([*rule["determines"], rule["column"]]))
        if self.kind == "one_per":
            return (rule["column"],)
        if self.kind == "copy":
            return (rule["copy"], rule["of"])
        if self.kind in ("when", "predicate"):
            return columns_of(self._read)
        named = rule[self.kind]
        return (named,) if isinstance(named, str) else tuple(dict.fromkeys(named))

    @cached_property
    def first(self) -> tuple[str, ...]:
        """Columns that are drawn again first where a row breaks the rule."""
        if self.kind == "when":
            return columns_of(condition({"predicate": self.rule["then"]}, "predicate", self.table))
        return self.columns

    @cached_property
    def _read(self) -> exp.Expression:
        return condition(self.rule, self.kind, self.table)

    @property
    def condition(self) -> exp.Expression | None:
        """True or NULL in rows that keep the rule; None where it compares rows."""
        return None if self.across or self.kind in BETWEEN_ROWS else self._read.copy()

    def broken(self, dialect: str) -> str:
        """Whether a row of the relation ``t`` breaks the rule, as SQL; NULL is no."""
        assert self.condition is not None
        return exp.Not(this=exp.Paren(this=_for(self.condition, dialect))).sql(dialect=dialect)

    def violation_sql(
        self, dialect: str, relation: str, real: str = "", of: Callable[[str], str] | None = None
    ) -> str:
        """A statement that counts the rows of a relation that break the rule.

        A rule of a family counts families.

        Args:
            dialect: of the engine.
            relation: what to write after FROM.
            real: the real table in the same engine, which ``fixed_combinations`` compares with.
            of: what to write after FROM for another table, by name; None for its quoted name.

        Raises:
            SchemaError: it is across tables, and no reference that it could go by is ``own``.
        """
        if self.across:
            from synthlake.constraints.across import across_sql

            return across_sql(self, dialect, relation, of)
        if self.condition is not None:
            return f"SELECT COUNT(*) AS n FROM {relation} AS t WHERE {self.broken(dialect)}"
        if self.kind == "fixed_combinations":
            same = " AND ".join(
                exp.NullSafeEQ(this=_of("r", n), expression=column(n)).sql(dialect=dialect)
                for n in self.columns
            )
            return (
                f"SELECT COUNT(*) AS n FROM {relation} AS t WHERE NOT EXISTS "
                f"(SELECT 1 FROM {real or relation} AS r WHERE {same})"
            )
        return self._grouped(dialect, relation)

    def _grouped(self, dialect: str, relation: str) -> str:
        """Rows beyond the first of equal ones, or rows of groups that disagree."""
        names = self.rule[self.kind]
        keys = [column(n).sql(dialect=dialect) for n in names]
        known = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        most, total = "COUNT(*) > 1", "SUM(n) - COUNT(*)"
        if self.kind == "determines":
            made = column(self.rule["column"]).sql(dialect=dialect)
            most = f"COUNT(DISTINCT {made}) + MAX(CASE WHEN {made} IS NULL THEN 1 ELSE 0 END) > 1"
            total = "SUM(n)"
        return (
            f"SELECT COALESCE({total}, 0) AS n FROM (SELECT COUNT(*) AS n FROM {relation} AS t "
            f"WHERE {known} GROUP BY {', '.join(keys)} HAVING {most}) AS g"
        )


def declared(table: Table, schema: Schema | None = None) -> tuple[Declared, ...]:
    """All rules of a table; with its schema, those across tables can be written as SQL."""
    return tuple(Declared(table, rule, n, schema) for n, rule in enumerate(table.constraints))


def _of(relation: str, name: str) -> exp.Column:
    return exp.column(name, table=relation, quoted=True)


def _for(tree: exp.Expression, dialect: str) -> exp.Expression:
    """The expression as an engine understands it; SQLite's relations hold times as integers."""
    return tree.transform(_as_integer) if dialect == "sqlite" else tree


_TIMES: Mapping[str, Any] = {
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    "TIME": pa.time64("us"),
}


def _as_integer(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.DateDiff):
        return exp.Paren(this=exp.Sub(this=node.this, expression=node.expression))
    if not isinstance(node, exp.Cast) or not isinstance(node.this, exp.Literal):
        return node
    dtype = _TIMES.get(node.to.sql("duckdb"))
    if dtype is None or not node.this.is_string:
        return node
    from synthlake.constraints.bounds import exact, nanos

    return exp.Literal.number(int(exact(node.this.name, dtype) // nanos(dtype)))
