"""Rows that break the rules of the schema, by the rules' own SQL."""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.constraints.declared import Declared, declared
from synthlake.quality.emitted.site import Site
from synthlake.quality.emitted.statement import Statement, select, text

_BROKEN = """
SELECT :metric AS metric, :table AS table_name, :label AS column_name,
       CAST(NULL AS TEXT) AS other_column, CAST(s.n AS DOUBLE PRECISION) AS value,
       CAST(r.n AS DOUBLE PRECISION) AS real_value,
       CAST(s.n AS DOUBLE PRECISION) AS synthetic_value
FROM (:real) AS r CROSS JOIN (:synthetic) AS s
"""


def broken_rules(site: Site) -> Iterator[Statement]:
    """Of each declared rule: rows that break it."""
    for rule in declared(site.table, site.schema):
        real, synthetic = _counted(site, rule, 0), _counted(site, rule, 1)
        made = select(
            _BROKEN, metric=text("constraints"), table=text(site.table.name),
            label=text(f"{site.table.name} {{{rule.label}}}"), real=real, synthetic=synthetic,
        )  # fmt: skip
        yield Statement("constraints", made)


def _counted(site: Site, rule: Declared, side: int) -> str:
    def of(table: str) -> str:
        return site.relation(side, table)

    return rule.violation_sql(site.leaves.name, site.relation(side), site.relation(0), of)
