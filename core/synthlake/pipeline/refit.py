"""From an artifact and further rows to another artifact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

import pyarrow as pa

from synthlake.errors import QueryError, SchemaError, SpecError
from synthlake.pipeline.learn import divide, study, tell
from synthlake.pipeline.versions import versions
from synthlake.ports import OnEvent, Source
from synthlake.schema.model import Schema, Table
from synthlake.source.names import nearest

if TYPE_CHECKING:
    from synthlake.quality.drift import Contradiction, Drift
    from synthlake.relational import Model


@dataclass(frozen=True)
class RefitSettings:
    """How further rows are taken in.

    Attributes:
        decay: what an old row counts, in (0, 1]; a further one counts 1. The numbers of rows that
            the artifact knows of its source shrink by it too.
        seed: of the samples that drift is compared with.
        max_rows: rows of the sample of the further rows.
    """

    decay: float = 1.0
    seed: int = 0
    max_rows: int = 500_000


class RefitOptions(TypedDict, total=False):
    """Fields of ``RefitSettings``, as keyword arguments."""

    decay: float
    seed: int
    max_rows: int


def refit_settings(given: RefitOptions) -> RefitSettings:
    """Settings from keyword arguments.

    Raises:
        SpecError: a value is out of range.
    """
    settings = RefitSettings(**given)
    if not 0 < settings.decay <= 1:
        raise SpecError(
            f"decay is {settings.decay}: it is what an old row counts, above 0 and at most 1",
            hint="leave it out, or give a number such as 0.5",
        )
    if settings.max_rows < 1 or settings.seed < 0:
        raise SpecError("max_rows must be at least 1 and seed at least 0", hint="leave them out")
    return settings


def check_model(model: Model) -> None:
    """Refuse an artifact that takes in no rows, before any is read.

    Raises:
        LearnError: it has references, keys on a grid, nested columns or a synthesizer without
            leaves.
    """
    from synthlake.relational.refit import check_refit

    check_refit(model)


def refit(
    model: Model, source: Source, share: float, settings: RefitSettings,
    on_event: OnEvent | None = None,
) -> tuple[Model, Drift]:  # fmt: skip
    """The model with further rows, and how these differ from what was learned.

    Args:
        model: as it was learned.
        source: the further rows: the same tables and columns.
        share: of root entities that is set aside, as when the model was learned.
        settings: how they are taken in.
        on_event: told about progress.

    Raises:
        LearnError: the model is one that takes in no rows (``check_model``), or a table has further
            rows of fewer than k entities.
        SchemaError: tables, columns or types differ.
    """
    from synthlake.relational import refit as relational

    check_model(model)
    check_same(source.schema(), model.schema)
    learned = Schema({t.name: t for t in model.schema if not (t.keep or t.skip)})
    parts = divide(source, learned, share)
    lesson = study(parts, learned, settings.max_rows, on_event)
    asked = relational.RefitSettings(settings.decay, settings.seed)
    tell(on_event, "refit", f"taking in {len(lesson.samples)} tables")
    made, drift = relational.refit(model, lesson.samples, lesson.statistics, asked, on_event)
    broken = (*drift.contradictions, *_broken(source, learned, drift.rows))
    return made, replace(drift, contradictions=broken)


def check_same(found: Schema, learned: Schema) -> None:
    """Refuse further rows of other tables, columns or types than were learned.

    Raises:
        SchemaError: they differ.
    """
    wanted = {t.name: t for t in learned if not (t.keep or t.skip)}
    for name in found.tables:
        if name not in learned.tables:
            raise SchemaError(
                f"the further rows have a table {name!r}, which the artifact lacks",
                hint=nearest(name, list(learned.tables)),
            )
    for name, table in wanted.items():
        if name not in found.tables:
            raise SchemaError(
                f"the further rows lack the table {name!r}, which the artifact has",
                hint="give it without rows, if there are none",
            )
        _check_columns(found[name], table)


def _check_columns(found: Table, learned: Table) -> None:
    known = [c.name for c in learned.columns]
    for column in found.columns:
        if column.name not in known:
            raise SchemaError(
                f"{learned.name}.{column.name} is among the further rows, and the artifact has no"
                " such column",
                hint=nearest(column.name, known),
            )
    for column in learned.columns:
        if column.action == "skip":
            continue
        if not found.has(column.name):
            raise SchemaError(
                f"{learned.name}.{column.name} is not among the further rows",
                hint="a refit takes in all columns; give NULLs where nothing is known",
            )
        kind = found.column(column.name).type
        if not _fits(kind, column.type):
            raise SchemaError(
                f"{learned.name}.{column.name} has the type {kind} among the further rows, and"
                f" {column.type} in the artifact",
                hint=f"cast it to {column.type}",
            )


def _fits(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of a type are taken as those of another: a wrong one is told by its value."""
    kind, wanted = _value_type(kind), _value_type(wanted)
    if kind == wanted or pa.types.is_null(kind):
        return True
    for family in (pa.types.is_integer, _is_text):
        if family(kind) and family(wanted):
            return True
    return pa.types.is_integer(kind) and pa.types.is_floating(wanted)


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if isinstance(kind, pa.DictionaryType) else kind


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)


def _broken(source: Source, schema: Schema, touched: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Declared rules that further rows break, by the rules' own SQL."""
    from synthlake.constraints.declared import declared
    from synthlake.quality.drift import Contradiction

    engine = source.engine()
    for name, (_, rows) in touched.items():
        for rule in declared(schema[name]):
            if rule.kind == "fixed_combinations" or rule.across:
                continue  # compares with the old rows, which are not here
            try:
                sql = rule.violation_sql(engine.dialect, engine.relation(name))
                found = int(engine.query(sql).column(0)[0].as_py() or 0)
            except QueryError:
                continue  # the engine lacks a function of the rule
            if found:
                yield Contradiction(name, f"declared: {{{rule.label}}}", found, rows)


def provenance(
    old: Mapping[str, Any], parent: str, source: str, settings: RefitSettings
) -> dict[str, Any]:
    """When, where and by what a model took in further rows; stands outside of the artifact's id.

    Args:
        old: of the artifact before.
        parent: its id.
        source: of the further rows.
        settings: how they were taken in.
    """
    made = {
        "decay": settings.decay, "seed": settings.seed, "max_rows": settings.max_rows,
        "source": source,
    }  # fmt: skip
    return {
        **old,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": versions(),
        "parent": parent,
        "refits": [*old.get("refits", ()), {"parent": parent, **made}],
    }
