"""How many real rows break the rules that the schema declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synthlake.constraints.declared import declared
from synthlake.errors import QueryError
from synthlake.ports import Source
from synthlake.schema.model import Schema


def broken_rules(source: Source, schema: Schema, rows: Mapping[str, int]) -> Iterator[str]:
    """A note for each rule that some real row breaks.

    Cost: a scan a rule.
    """
    engine = source.engine()
    for table in schema:
        for rule in declared(table, schema):
            if rule.kind == "fixed_combinations":  # the real rows say which there are
                continue
            try:
                relation = engine.relation(table.name)
                sql = rule.violation_sql(engine.dialect, relation, of=engine.relation)
                found = int(engine.query(sql).column(0)[0].as_py() or 0)
            except QueryError:
                yield f"{rule.where} is not counted in the source: its engine cannot say"
                continue
            if found:
                yield (
                    f"{rule.where} is broken by {found:,} of {rows[table.name]:,} real rows: no "
                    "one learns from these cells, and the twin keeps it"
                )
