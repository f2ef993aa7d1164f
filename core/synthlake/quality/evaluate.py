"""Judging a twin against the real data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypedDict, Unpack

from synthlake.errors import EvaluationError
from synthlake.ports import Event, OnEvent, Score, Source
from synthlake.quality.advice import advise, explained
from synthlake.quality.custom.metric import check_customs
from synthlake.quality.dataset import DataSet
from synthlake.quality.gates import DEFAULTS, decide, parse
from synthlake.quality.metric import (
    Comparison,
    Ground,
    Metric,
    Role,
    Subject,
    chosen,
    known_metrics,
)
from synthlake.quality.parts import Rest, Stored, root
from synthlake.quality.pictures import pictures_of
from synthlake.quality.report import Report
from synthlake.quality.result import Row
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import Schema

Floor = Source | Callable[[Ground], Source | None]


class Beside(TypedDict, total=False):
    """What may stand beside real data and twin.

    Attributes:
        settings: tier, seed, gates; the standard tier if not given.
        holdout: real rows that were never learned from; without them there is no ceiling, and the
            report says so.
        train: real rows that were learned from, in the engine of the real data; None for all.
        floor: a twin of independent columns, or what makes one of what is compared; None for no
            floor.
        on_event: told of each metric.
    """

    settings: EvaluationSettings | None
    holdout: Source | None
    train: Source | None
    floor: Floor | None
    on_event: OnEvent | None


def evaluate(
    real: Source, synthetic: Source, schema: Schema, **beside: Unpack[Beside]
) -> Report:  # fmt: skip
    """Score a twin, and beside it what other real rows and independent columns would get.

    Args:
        real: all real rows.
        synthetic: the twin.
        schema: of the real data.
        **beside: see ``Beside``.

    Privacy: the report holds no value that fewer than ``settings.k`` real rows share. It is for
        the owner of the real data all the same.

    Raises:
        EvaluationError: there is nothing to compare.
        SpecError: a metric or gate is not known.
    """
    settings = beside.get("settings") or EvaluationSettings()
    tell = beside.get("on_event") or (lambda event: None)
    start = time.perf_counter()
    if not any(not t.skip for t in schema):
        raise EvaluationError("the schema has no table", hint="give the schema of the real data")
    gates = parse(DEFAULTS if settings.gates is None else settings.gates, known_metrics(settings))
    check_customs(settings.customs, schema)
    if settings.gates is not None:  # a gate of a higher tier asks for its metric
        settings = replace(settings, metrics=(*settings.metrics, *(g.metric for g in gates)))
    used = list(chosen(settings))
    with data_sets(schema, real, synthetic, beside) as sides:
        ground = Ground(schema, sides["real"], settings, sides["train"], sides.get("holdout"))
        floor = beside.get("floor")
        if callable(floor) and (made := floor(ground)) is not None:
            sides["floor"] = DataSet("floor", made.engine(), made.schema(), schema)
        comparisons = _comparisons(ground, sides)
        rows: list[Row] = []
        for done, metric in enumerate(used):
            tell(Event("evaluate", metric.title, done, len(used)))
            rows += _rows(metric, comparisons)
        results = decide(gates, rows, settings.gates is not None)
        found = advise(comparisons["twin"], rows)
        results = explained(results, found)
        pictures = pictures_of(comparisons["twin"], rows)
        counts = {t.name: comparisons["twin"].rows(t.name) for t in ground.tables}
    tell(Event("evaluate", "done", len(used), len(used)))
    return Report(
        settings, {m.name: m for m in used}, tuple(rows), tuple(results), pictures, counts,
        tuple(comparisons), round(time.perf_counter() - start, 3), found,
    )  # fmt: skip


@contextmanager
def data_sets(
    schema: Schema, real: Source, synthetic: Source, beside: Beside
) -> Iterator[dict[str, DataSet]]:
    """All data sets by their label, while what is stored of them is there."""
    whole = real.engine()
    out = {"real": DataSet("real", whole, real.schema(), schema)}
    out["twin"] = DataSet("twin", synthetic.engine(), synthetic.schema(), schema)
    holdout, train, floor = beside.get("holdout"), beside.get("train"), beside.get("floor")
    stored: Stored | None = None
    if holdout is not None and root(holdout.engine()) is root(whole):
        stored = Stored(holdout.engine(), whole, "holdout")
        out["holdout"] = DataSet("holdout", stored, holdout.schema(), schema, whole)
    elif holdout is not None:  # a database of its own has its own parents
        out["holdout"] = DataSet("holdout", holdout.engine(), holdout.schema(), schema)
    out["train"] = out["real"]
    if train is not None:
        out["train"] = Rest(train, schema, out["real"], out.get("holdout"))
    if floor is not None and not callable(floor):
        out["floor"] = DataSet("floor", floor.engine(), floor.schema(), schema)
    try:
        yield out
    finally:
        if stored is not None:
            stored.discard()


def _comparisons(ground: Ground, sides: Mapping[str, DataSet]) -> dict[Role, Comparison]:
    out: dict[Role, Comparison] = {"twin": Comparison("twin", sides["real"], sides["twin"], ground)}
    if "holdout" in sides:
        out["ceiling"] = Comparison("ceiling", sides["train"], sides["holdout"], ground)
    if "floor" in sides:
        out["floor"] = Comparison("floor", sides["real"], sides["floor"], ground)
    return out


def _rows(metric: Metric, comparisons: Mapping[Role, Comparison]) -> Sequence[Row]:
    found: dict[Role, dict[Subject, Score]] = {
        role: dict(metric.score(comparison)) for role, comparison in comparisons.items()
    }
    ceiling, floor = found.get("ceiling", {}), found.get("floor", {})
    return [
        Row(metric.name, subject, score, ceiling.get(subject), floor.get(subject))
        for subject, score in found["twin"].items()
    ]
