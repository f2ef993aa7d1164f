"""Rules across tables as SQL: a join with the parents, or the children grouped by their parent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synthlake.constraints.bounds import family_of, single, value_type
from synthlake.constraints.declared import Declared
from synthlake.constraints.joined import FAMILY, family_key, joined, part_of, places
from synthlake.late import late
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.dialect import quoted

if TYPE_CHECKING:
    from sqlglot import exp
else:
    exp = late("sqlglot.expressions")

Of = Callable[[str], str]
_LOST, _LOST_HALF = "1e-9", "1e-6"  # of the sum of sizes, what adding floats may lose


def across_sql(rule: Declared, dialect: str, relation: str, of: Of | None) -> str:
    """A statement that counts what breaks a rule across tables.

    Args:
        rule: with its schema.
        dialect: of the engine.
        relation: of the rule's own table.
        of: what to write after FROM for other tables; None for their quoted names.

    Raises:
        SchemaError: no reference leads where the rule goes.
    """
    assert rule.schema is not None, "a rule across tables is held against a schema"
    written = _Written(rule.table, rule.schema, dialect, of or (lambda n: quoted(dialect, n)))
    if rule.kind in FAMILY:
        made = {"one_per": written.one_per, "balance": written.balance}
        return made.get(rule.kind, written.aggregate)(rule.rule, relation)
    local = Declared(joined(rule.table, rule.schema), rule.rule, rule.number)
    return local.violation_sql(dialect, written.joined(rule.rule, relation))


class _Written:
    """Statements about one table and its relatives."""

    def __init__(self, table: Table, schema: Schema, dialect: str, of: Of) -> None:
        self.table, self.schema, self.dialect, self.of = table, schema, dialect, of

    def name(self, relation: str, column: str) -> str:
        """A column of a relation."""
        return exp.column(column, table=relation, quoted=True).sql(dialect=self.dialect)

    def joined(self, rule: Mapping[str, Any], relation: str) -> str:
        """The table with the columns of parents of which a rule speaks."""
        found = [p for p in places(self.table, self.schema)
                 if p.name in (rule.get("of"), *rule.get("inequality", ()),
                               *rule.get("determines", ()))]  # fmt: skip
        chosen, joins, below = ["c.*"], [], "c"
        for place in found:
            alias = quoted(self.dialect, place.name)
            chosen.append(f"{self.name(f'p{place.steps}', place.column)} AS {alias}")
        table = self.table
        for step in range(1, max(p.steps for p in found) + 1):
            own = table.own
            assert own is not None
            joins.append(
                f"LEFT JOIN {self.of(own.references)} AS p{step} ON "
                + self._same(f"p{step}", own.to, below, own.columns)
            )
            table, below = self.schema[own.references], f"p{step}"
        return f"(SELECT {', '.join(chosen)} FROM {relation} AS c {' '.join(joins)})"

    def _same(self, left: str, lefts: Sequence[str], right: str, rights: Sequence[str]) -> str:
        return " AND ".join(
            f"{self.name(left, a)} = {self.name(right, b)}"
            for a, b in zip(lefts, rights, strict=True)
        )

    def one_per(self, rule: Mapping[str, Any], relation: str) -> str:
        """Parents of whose children not just one is marked."""
        child, fk = family_key(rule, self.table, self.schema)
        column = self.name("c", rule["column"])
        hot = column
        if family_of(child.column(rule["column"]).type) != "boolean":
            hot = f"{column} = 1"
        wrong = "> 1" if rule.get("optional") else "<> 1"
        return self._families(fk, relation, f"SUM(CASE WHEN {hot} THEN 1 ELSE 0 END) {wrong}")

    def balance(self, rule: Mapping[str, Any], relation: str) -> str:
        """Parents whose children do not add up; those without a value are free."""
        child, fk = family_key(rule, self.table, self.schema)
        dtype = child.column(rule["balance"]).type
        number, equals = self.name("c", rule["balance"]), Decimal(str(rule.get("equals", 0)))
        if self._exact(dtype):
            return self._families(fk, relation, f"SUM({number}) <> {equals:f}")
        double = exp.cast(exp.column(rule["balance"], table="c", quoted=True), "DOUBLE")
        number = double.sql(dialect=self.dialect)
        lost = _LOST_HALF if single(dtype) else _LOST
        apart = f"ABS(SUM({number}) - {float(equals)!r}) <= {lost} * (SUM(ABS({number})) + 1)"
        return self._families(fk, relation, f"NOT ({apart})")

    def _families(self, fk: ForeignKey, relation: str, wrong: str) -> str:
        """How many families with a parent are wrong."""
        keys = ", ".join(self.name("c", c) for c in fk.columns)
        known = f"SELECT 1 FROM {self.of(fk.references)} AS p WHERE " + self._same(
            "p", fk.to, "c", fk.columns
        )
        return (
            f"SELECT COUNT(*) AS n FROM (SELECT {keys} FROM {relation} AS c WHERE EXISTS ({known}) "
            f"GROUP BY {keys} HAVING {wrong}) AS g"
        )

    def aggregate(self, rule: Mapping[str, Any], relation: str) -> str:
        """Parents whose total is not that of their children."""
        child, fk = family_key(rule, self.table, self.schema)
        keys = [self.name("c", c) for c in fk.columns]
        named = [f"{key} AS k{place}" for place, key in enumerate(keys)]
        part = part_of(rule, self.table, self.schema)
        made = self._made(rule, child, part)
        known = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        grouped = (
            f"SELECT {', '.join([*named, *made])} FROM {self.of(child.name)} AS c "
            f"WHERE {known} GROUP BY {', '.join(keys)}"
        )
        same = " AND ".join(f"{self.name('t', to)} = g.k{n}" for n, to in enumerate(fk.to))
        return (
            f"SELECT COUNT(*) AS n FROM {relation} AS t LEFT JOIN ({grouped}) AS g ON {same} "
            f"WHERE NOT ({self._kept(rule, child, part)})"
        )

    def _made(self, rule: Mapping[str, Any], child: Table, part: str) -> list[str]:
        function = rule.get("function", "sum")
        if function == "count":
            return ["COUNT(*) AS s"]
        column = self.name("c", part)
        if function in ("min", "max"):
            return [f"{function.upper()}({column}) AS s"]
        if self._exact(child.column(part).type):
            return [f"SUM({column}) AS s"]
        double = exp.cast(exp.column(part, table="c", quoted=True), "DOUBLE")
        number = double.sql(dialect=self.dialect)
        return [f"SUM({number}) AS s", f"SUM(ABS({number})) AS m"]

    def _exact(self, dtype: pa.DataType) -> bool:
        """Whether sums are exact; SQLite has no decimals."""
        plain = value_type(dtype)
        decimal = pa.types.is_decimal(plain) and self.dialect != "sqlite"
        return decimal or pa.types.is_integer(plain)

    def _kept(self, rule: Mapping[str, Any], child: Table, part: str) -> str:
        """Whether a parent keeps the rule; never NULL."""
        function, name = rule.get("function", "sum"), rule["aggregate"]
        total = self.name("t", name)
        if function in ("min", "max"):
            return f"g.s IS NULL OR ({total} IS NOT NULL AND {total} = g.s)"
        exact = self._exact(self.table.column(name).type)
        if function == "count" or (exact and self._exact(child.column(part).type)):
            return f"COALESCE({total}, 0) = COALESCE(g.s, 0)"
        double = exp.cast(exp.column(name, table="t", quoted=True), "DOUBLE")
        number = f"COALESCE({double.sql(dialect=self.dialect)}, 0)"
        sizes = f"ABS({number})"
        added = "COALESCE(g.s, 0)"
        if not self._exact(child.column(part).type):
            sizes += " + COALESCE(g.m, 0)"
        types = (self.table.column(name).type, child.column(part).type)
        slack = f"{_LOST_HALF if any(map(single, types)) else _LOST} * ({sizes} + 1)"
        if "decimals" in rule:
            slack = f"{5.000001 * 10.0 ** (-int(rule['decimals']) - 1):.7e} + {slack}"
        return f"ABS({number} - {added}) <= {slack}"
