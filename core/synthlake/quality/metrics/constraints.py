"""Do the rows keep the rules that the schema declares? Counted by the rules' own SQL."""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.constraints.declared import Declared, declared
from synthlake.constraints.joined import relatives
from synthlake.errors import QueryError
from synthlake.ports import MetricKind, Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier
from synthlake.sql.kinds import kind

_MOST = 200_000  # combinations that are compared


class BrokenRules:
    """Rows that break a declared rule.

    Beside it, as ``real`` in the detail, rows of the reference that do.
    """

    name, title = "constraints", "Rows that break a declared rule"
    kind: MetricKind = "integrity"
    tier: Tier = "quick"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each rule."""
        for table in comparison.ground.tables:
            for rule in declared(table, comparison.schema):
                subject = Subject(table.name, rule.columns, f"{table.name} {{{rule.label}}}")
                yield subject, self._one(comparison, rule)

    def _one(self, comparison: Comparison, rule: Declared) -> Score:
        rows = comparison.rows(rule.table.name)
        found = []
        for side in (comparison.reference, comparison.candidate):
            if reason := _absent(side, rule):
                return Score(None, rows=rows, reason=reason)
            try:
                found.append(violations(side, comparison.ground.real, rule))
            except QueryError:
                return Score(None, rows=rows, reason=f"{side.tables.engine.dialect} cannot say")
        return Score(float(found[1]), rows=rows, detail={"real": found[0]})


def violations(data: DataSet, real: DataSet, rule: Declared) -> int:
    """Rows of a data set that break a rule.

    Raises:
        QueryError: its engine does not know a function of the rule.
    """
    key = ("violations", rule.table.name, rule.number)
    return data.once(key, lambda: _violations(data, real, rule))


def _violations(data: DataSet, real: DataSet, rule: Declared) -> int:
    if rule.kind == "fixed_combinations":
        if data is real:
            return 0
        known = _combinations(real, rule)
        return sum(n for values, n in _combinations(data, rule).items() if values not in known)
    tables, name = data.tables, rule.table.name
    relation = tables.engine.relation(name)
    of = tables.engine.relation
    return tables.number(rule.violation_sql(tables.engine.dialect, relation, of=of))


def _combinations(data: DataSet, rule: Declared) -> dict[tuple[str | None, ...], int]:
    """Rows by combination, its values as texts that are the same in every engine."""
    key = ("combinations", rule.table.name, rule.columns)
    return data.once(key, lambda: _counted(data, rule))


def _counted(data: DataSet, rule: Declared) -> dict[tuple[str | None, ...], int]:
    tables = data.tables
    texts = [_text(data, rule, name) for name in rule.columns]
    names = [f"c{place}" for place in range(len(texts))]
    chosen = ", ".join(f"{text} AS {name}" for text, name in zip(texts, names, strict=True))
    grouped = ", ".join(names)
    found = tables.engine.query(
        f"SELECT {grouped}, COUNT(*) AS n FROM (SELECT {chosen} FROM {tables.read(rule.table.name)}"
        f") AS s GROUP BY {grouped} LIMIT {_MOST}"
    ).to_pylist()
    return {tuple(row[name] for name in names): int(row["n"]) for row in found}


def _text(data: DataSet, rule: Declared, name: str) -> str:
    column, dtype = data.tables.column(name), rule.table.column(name).type
    if kind(dtype) == "float":
        return data.tables.primitives.float_text(column)
    return data.tables.primitives.key_text(column, dtype)


def _absent(data: DataSet, rule: Declared) -> str:
    """Why a rule cannot be tested; empty if it can."""
    name = rule.table.name
    if name not in data.found:
        return "the table is missing"
    missing = [n for n in rule.columns if not data.found[name].has(n)]
    if rule.across and rule.schema is not None:
        others = relatives(rule.rule, rule.table, rule.schema)
        missing += [t for t in others if t not in data.found]
        missing += [f"{t}.{c}" for t, columns in others.items() if t in data.found
                    for c in sorted(columns) if not data.found[t].has(c)]  # fmt: skip
    return f"{missing[0]} is missing" if missing else ""


METRICS: tuple[Metric, ...] = (BrokenRules(),)
