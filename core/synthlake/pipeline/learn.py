"""From a source to a model: schema, hold-out, statistics, sample, fit."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from synthlake.errors import SchemaError, SpecError
from synthlake.pipeline.estimate import Size
from synthlake.pipeline.memory import check_memory
from synthlake.pipeline.secrets import mask
from synthlake.pipeline.versions import versions
from synthlake.ports import Event, OnEvent, Source
from synthlake.schema.model import Schema
from synthlake.schema.nearest import nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from synthlake.relational import Model
    from synthlake.schema.document import SchemaDocument
    from synthlake.sql.split import Split
    from synthlake.sql.statistics import TableStatistics


Given: TypeAlias = "Schema | SchemaDocument | Mapping[str, Any] | None"
"""A schema as callers give it: whole, in part, as the `tables:` subtree, or not at all."""


@dataclass(frozen=True)
class FitSettings:
    """How a source is learned.

    Attributes:
        synthesizer: name and settings, for tables whose schema does not say.
        seed: of learning.
        k: least number of entities behind anything that is stored.
        holdout: share of root entities that is not learned from.
        max_rows: rows of the sample.
    """

    synthesizer: Mapping[str, Any] = field(default_factory=lambda: {"name": "trees"})
    seed: int = 0
    k: int = 10
    holdout: float = 0.1
    max_rows: int = 500_000


class FitOptions(TypedDict, total=False):
    """Fields of ``FitSettings``, as keyword arguments."""

    synthesizer: str | Mapping[str, Any]
    seed: int
    k: int
    holdout: float
    max_rows: int


def fit_settings(given: FitOptions) -> FitSettings:
    """Settings from keyword arguments.

    Raises:
        SpecError: there is no such option or synthesizer, or a value is out of range.
    """
    from synthlake.schema import synthesizers

    check_options("fit", given, FitOptions)
    default = FitSettings()
    try:
        held = synthesizers.parse(given.get("synthesizer", synthesizers.DEFAULT))
    except SchemaError as error:
        raise SpecError(error.message, hint=error.hint) from None
    settings = FitSettings(
        synthesizer=held,
        seed=given.get("seed", default.seed),
        k=given.get("k", default.k),
        holdout=given.get("holdout", default.holdout),
        max_rows=given.get("max_rows", default.max_rows),
    )
    if settings.k < 1 or settings.max_rows < 1 or not 0 <= settings.holdout < 1:
        raise SpecError(
            "k and max_rows must be at least 1, and holdout at least 0 and below 1",
            hint="leave them out",
        )
    return settings


def check_options(function: str, given: Mapping[str, Any], options: type) -> None:
    """Refuse keyword arguments that a function does not have: a misspelt ``k`` would be 10.

    Raises:
        SpecError: there is no such option.
    """
    for name in given:
        if name not in options.__annotations__:
            raise SpecError(
                f"{function} has no option {name!r}", hint=nearest(name, options.__annotations__)
            )


def name_of(source: object) -> str:
    """What the provenance says of a source: its address without secrets, or its kind."""
    if isinstance(source, str | Path):
        return mask(str(source))
    return f"a {type(source).__name__} in memory"


@dataclass(frozen=True)
class Lesson:
    """What a model learns from; held in memory while learning, never stored.

    Attributes:
        schema: with every role and mode decided.
        statistics: counts over all training rows.
        samples: rows by table, intact in their references.
    """

    schema: Schema
    statistics: Mapping[str, TableStatistics]
    samples: Mapping[str, pa.Table]


def understand(source: Source, given: Given = None, on_event: OnEvent | None = None) -> Schema:
    """The schema of a source: what is given wins, the rest is inferred, all of it is checked.

    Raises:
        SchemaError: what is given contradicts the source or itself.
    """
    from synthlake.constraints.check import check_rules
    from synthlake.constraints.digits import with_digits
    from synthlake.constraints.edges import check_edges
    from synthlake.schema.document import SchemaDocument, parse_tables
    from synthlake.schema.file import document_of
    from synthlake.schema.flattening import flatten
    from synthlake.schema.infer import infer
    from synthlake.source.flattened import flattened

    tell(on_event, "schema", "reading tables and keys")
    if isinstance(given, Schema):
        given = document_of(given)
    document = given if isinstance(given, SchemaDocument) else parse_tables(given or {})
    flat = flatten(document, source.schema())
    source, document = flattened(source, flat.schema), flat.document
    check_rules(document.merge_tables(source.schema()))  # before anything is counted
    schema = infer(source, document).schema
    check_rules(schema)
    check_edges(schema)
    return with_digits(schema, source.engine())


def divide(source: Source, schema: Schema, share: float) -> Split:
    """The source as training rows, hold-out and whole, by hash of the roots."""
    from synthlake.source.flattened import flattened
    from synthlake.sql.split import split

    return split(flattened(source, schema), schema, share)


def study(parts: Split, schema: Schema, max_rows: int, on_event: OnEvent | None) -> Lesson:
    """Count all training rows and draw the sample.

    Raises:
        QueryError, SourceError: the engine cannot read the data.
        LearnError: the sample needs more memory than there is.
    """
    from synthlake.sql.draw import draw
    from synthlake.sql.measure import measure

    tell(on_event, "profile", "counting all training rows")
    statistics = measure(parts.train, parts.whole, schema, on_event)
    check_memory(
        [
            Size(statistics[t.name].train_rows, 0, len(t.columns))
            for t in schema
            if t.name in statistics and not t.skip and not t.keep
        ],
        max_rows,
    )
    tell(on_event, "draw", f"drawing an intact sample of at most {max_rows:,} rows")
    return Lesson(schema, statistics, draw(parts.train, schema, max_rows, parts.whole))


def fit(lesson: Lesson, settings: FitSettings, on_event: OnEvent | None = None) -> Model:
    """Learn a model.

    Raises:
        LearnError: the data cannot be learned as asked.
    """
    from synthlake.relational.learn import LearnSettings, learn

    tell(on_event, "fit", f"learning {len(lesson.samples)} tables")
    asked = LearnSettings(seed=settings.seed, k=settings.k, synthesizer=dict(settings.synthesizer))
    return learn(lesson.samples, lesson.statistics, lesson.schema, asked, on_event)


def fit_floor(lesson: Lesson, settings: FitSettings, on_event: OnEvent | None = None) -> Model:
    """Learn the same rows with every column on its own: what any twin has to beat.

    Raises:
        LearnError: the data cannot be learned.
    """
    tables = {t.name: replace(t, synthesizer=None, constraints=()) for t in lesson.schema}
    alone = replace(settings, synthesizer={"name": "independent"})
    return fit(replace(lesson, schema=Schema(tables)), alone, under("floor", on_event))


def provenance(settings: FitSettings, source: str) -> dict[str, Any]:
    """When, where and by what a model was learned; stands outside of the artifact's id."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": source,
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": versions(),
        "fit": {
            "synthesizer": dict(settings.synthesizer),
            "seed": settings.seed,
            "k": settings.k,
            "holdout": settings.holdout,
            "max_rows": settings.max_rows,
        },
    }


def tell(on_event: OnEvent | None, step: str, message: str, done: int = 0, total: int = 0) -> None:
    """Say that something happens, to whom it may concern."""
    if on_event is not None:
        on_event(Event(step, message, done, total))


def under(step: str, on_event: OnEvent | None) -> OnEvent | None:
    """A receiver that is told of all events as parts of one step."""
    if on_event is None:
        return None
    told = on_event
    return lambda event: told(replace(event, step=step))
