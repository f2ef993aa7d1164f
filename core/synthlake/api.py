"""The Python door, and all that plugins may import.

source = synthlake.open("data/nyc")
artifact = synthlake.fit(source, seed=7)
twin = artifact.sample(scale=1.0, seed=1)
report = synthlake.evaluate(source, twin, tier="standard")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import pyarrow as pa

from synthlake import errors, ports
from synthlake.errors import SynthlakeError
from synthlake.late import late, late_names
from synthlake.pipeline import learn
from synthlake.pipeline.conditions import Conditions, conditions_of, table_of
from synthlake.pipeline.homes import HOMES
from synthlake.pipeline.learn import FitOptions, FitSettings, Given, understand
from synthlake.pipeline.twin import Twin, TwinTable
from synthlake.pipeline.wanted import Wanted
from synthlake.ports import Event, OnEvent, QueryEngine, Sink, Source
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.store import artifact as store

if TYPE_CHECKING:
    from synthlake import source as sources
    from synthlake.options import taking
    from synthlake.pipeline import audit as auditing
    from synthlake.pipeline import holdout as holdouts
    from synthlake.pipeline import judge
    from synthlake.pipeline import refit as refitting
    from synthlake.pipeline.audit import Audit
    from synthlake.pipeline.augment import augment
    from synthlake.pipeline.document import Document
    from synthlake.pipeline.document import read as read_document
    from synthlake.pipeline.find import FoundRun, find_run
    from synthlake.pipeline.lines import Lines
    from synthlake.pipeline.plan import Plan
    from synthlake.pipeline.run import RunResult, RunSettings, if_published_of, plan, run
    from synthlake.pipeline.secrets import mask, mask_all
    from synthlake.pipeline.spec import SynthesisSpec
    from synthlake.pipeline.subset import Subset, SubsetTable, subset
    from synthlake.plugins import schemes
    from synthlake.quality.comparison import Comparison, Reports
    from synthlake.quality.drift import Drift
    from synthlake.quality.emitted.script import QualitySQL
    from synthlake.quality.report import Report
    from synthlake.relational import Model
    from synthlake.sink import database as sinks
    from synthlake.sink.carry import carried, carry
    from synthlake.sink.export import write_table
    from synthlake.sink.staging import PartFiles
    from synthlake.source import open_source as open
    from synthlake.source.folder import read_manifest
    from synthlake.source.names import check_columns, check_tables, nearest
    from synthlake.source.relations import Relation, relations
    from synthlake.source.scans import Scan, ScanSource
    from synthlake.source.secrets import resolve as resolve_secret
    from synthlake.source.types import typed_batches
    from synthlake.sql import dialect as sql
    from synthlake.sql.bounded import interrupted
    from synthlake.sql.duckdb_engine import DuckDBEngine
else:
    auditing, holdouts = late("synthlake.pipeline.audit"), late("synthlake.pipeline.holdout")
    judge, refitting = late("synthlake.pipeline.judge"), late("synthlake.pipeline.refit")
    sources = late("synthlake.source")

__all__ = [
    "Artifact",
    "Audit",
    "Column",
    "Comparison",
    "Document",
    "DuckDBEngine",
    "Event",
    "FitSettings",
    "ForeignKey",
    "FoundRun",
    "Lines",
    "OnEvent",
    "PartFiles",
    "Plan",
    "QueryEngine",
    "Relation",
    "Report",
    "RunResult",
    "RunSettings",
    "Scan",
    "ScanSource",
    "Schema",
    "Sink",
    "Source",
    "Subset",
    "SubsetTable",
    "SynthesisSpec",
    "SynthlakeError",
    "Table",
    "Twin",
    "TwinTable",
    "audit",
    "augment",
    "carried",
    "carry",
    "check_columns",
    "check_tables",
    "compare",
    "errors",
    "evaluate",
    "find_run",
    "fit",
    "holdout",
    "if_published_of",
    "interrupted",
    "load",
    "mask",
    "mask_all",
    "nearest",
    "open",
    "plan",
    "ports",
    "quality_sql",
    "read_document",
    "read_manifest",
    "relations",
    "resolve_secret",
    "run",
    "schemes",
    "sinks",
    "sql",
    "subset",
    "taking",
    "typed_batches",
    "understand",
    "write_table",
]


class Artifact:
    """What was learned: no rows, no code, nothing that fewer than k entities share.

    Args:
        model: as it was learned or loaded.
        provenance: when, where and from what.
        drift: of the rows that a refit took in; is not stored.
    """

    def __init__(
        self,
        model: Model,
        provenance: Mapping[str, Any] | None = None,
        drift: Drift | None = None,
    ) -> None:
        self._model = model
        self.provenance = dict(provenance or {})
        self.drift = drift

    @property
    def schema(self) -> Schema:
        """The schema, with every role and mode decided."""
        return self._model.schema

    @property
    def id(self) -> str:
        """Digest of all that was learned; equal artifacts have equal ids."""
        return store.identity(self._model.to_parts())

    def __repr__(self) -> str:
        return f"Artifact({', '.join(self.schema.tables)})"

    def sample(
        self,
        scale: float | Mapping[str, float] = 1.0,
        *,
        rows: Mapping[str, int] | None = None,
        given: Conditions | None = None,
        tables: Sequence[str] | None = None,
        seed: int = 0,
        on_event: OnEvent | None = None,
    ) -> Twin:
        """A twin of any size. Nothing is made before it is read or written.

        Args:
            scale: of the source's roots, or by root table, such as ``{"planes": 2.0}``; roots that
                are not named have 1.
            rows: by root table; wins over ``scale``.
            given: by root table, conditions with their rows, such as
                ``{"adult": [{"where": {"sex": "Female", "age": {"min": 30}}, "rows": 500}]}``.
                Its rows come in the order of the conditions, as many as asked, and each satisfies
                its own exactly. The list alone will do for a single table.
            tables: that are made; None for all.
            seed: equal seeds give equal rows.
            on_event: told about the counting pass.

        Raises:
            SampleError: so many rows cannot be made, or a condition cannot be met.
        """
        share = self.provenance.get("fit", {}).get("holdout", 0.0)
        asked = conditions_of(given, self.schema)
        wanted = Wanted(seed, scale, dict(rows or {}), share, asked)
        return Twin.of(self._model, wanted, tables, on_event)

    def impute(
        self,
        rows: object,
        *,
        table: str | None = None,
        columns: Sequence[str] | None = None,
        seed: int = 0,
        tries: int = 32,
    ) -> pa.Table:
        """Given rows, their missing cells drawn given the other cells of the same row.

        Known cells, the order of rows and the types stay as they are. Several seeds give multiple
        imputations.

        Args:
            rows: an Arrow table, or what gives one, such as a pandas DataFrame.
            table: of which they are; None where the artifact has one table.
            columns: whose NULLs are filled; None for all that were learned.
            seed: equal seeds give equal cells.
            tries: of each row; more follow the known cells more closely, and take longer.

        Raises:
            SampleError: the cells cannot be drawn.
        """
        from synthlake.relational.filling import FillSettings, fill

        return fill(self._model, table_of(rows), FillSettings(table, columns, seed, tries))

    def replace(
        self,
        rows: object,
        columns: Sequence[str],
        *,
        table: str | None = None,
        seed: int = 0,
        tries: int = 32,
    ) -> pa.Table:
        """Given rows, some columns drawn anew given the rest of the same row.

        Privacy: all other cells are kept, row by row: they are as real as the rows that are given.
        Source: partially synthetic data (Reiter, Survey Methodology 29(2), 2003).

        Args:
            rows: an Arrow table, or what gives one, such as a pandas DataFrame.
            columns: that are replaced, NULLs included.
            table: of which they are; None where the artifact has one table.
            seed: equal seeds give equal cells.
            tries: of each row; more follow the kept cells more closely, and take longer.

        Raises:
            SampleError: the cells cannot be drawn, or would follow from those that are kept.
        """
        from synthlake.relational.filling import FillSettings, fill

        asked = FillSettings(table, columns, seed, tries, replace=True)
        return fill(self._model, table_of(rows), asked)

    def refit(
        self,
        source: object,
        *,
        on_event: OnEvent | None = None,
        **given: Unpack[refitting.RefitOptions],
    ) -> Artifact:
        """Another artifact that has taken in further rows, without those that this one learned.

        This one stays as it is. The new one names it as ``provenance["parent"]``, and says as
        ``drift`` how far the further rows differ from what was learned.

        Args:
            source: whatever ``open`` takes: the same tables, columns and types; a table without
                rows stays as it is.
            on_event: told about progress.
            given: ``decay`` (what an old row counts, in (0, 1]), ``seed`` (of the samples that
                drift is compared with) and ``max_rows``; see ``RefitSettings``.

        Raises:
            SchemaError: tables, columns or types differ.
            LearnError: the artifact has references, keys on a grid, nested columns or another
                synthesizer than ``trees`` and ``independent``, or a table has further rows of
                fewer than k entities.
        """
        asked = refitting.refit_settings(given)
        refitting.check_model(self._model)
        share = float(self.provenance.get("fit", {}).get("holdout", 0.0))
        made, drift = refitting.refit(
            self._model, sources.open_source(source), share, asked, on_event
        )
        name = learn.name_of(source)
        known = refitting.provenance(self.provenance, self.id, name, asked)
        return Artifact(made, known, drift)

    def save(self, directory: str | Path) -> Path:
        """Write the artifact into a folder, atomically; returns the folder.

        Raises:
            SinkOccupiedError: the folder holds something that is not an artifact.
        """
        store.save(self._model.to_parts(), directory, self.provenance)
        return Path(directory)


def load(directory: str | Path) -> Artifact:
    """An artifact from its folder.

    Raises:
        ArtifactError: there is none, it is damaged, or a newer version wrote it.
    """
    from synthlake.relational import Model

    stored = store.load(directory)
    return Artifact(Model.from_parts(stored.parts), stored.provenance)


def fit(
    source: object,
    schema: Given = None,
    *,
    on_event: OnEvent | None = None,
    **given: Unpack[FitOptions],
) -> Artifact:
    """Learn a source.

    Args:
        source: whatever ``open`` takes.
        schema: whole or in part, such as ``Schema.load("schema.yml")``; the rest is inferred.
        on_event: told about progress.
        given: ``seed``, ``synthesizer`` (a name, or name and settings), ``k``, ``holdout`` (share
            of root entities that is not learned from) and ``max_rows``; see ``FitSettings``.

    Raises:
        SourceError: the source cannot be read.
        SchemaError: the schema contradicts itself or the source.
        LearnError: the data cannot be learned as asked.
    """
    asked = learn.fit_settings(given)
    opened = sources.open_source(source)
    decided = learn.understand(opened, schema, on_event)
    parts = learn.divide(opened, decided, asked.holdout)
    model = learn.fit(learn.study(parts, decided, asked.max_rows, on_event), asked, on_event)
    return Artifact(model, learn.provenance(asked, learn.name_of(source)))


def evaluate(
    real: object,
    synthetic: object,
    schema: Given = None,
    *,
    holdout: object | None = None,
    on_event: OnEvent | None = None,
    **given: Unpack[judge.EvaluationOptions],
) -> Report:
    """Judge a twin against the real data.

    A twin that Synthlake made knows which share of the real data it was not learned from; that
    share is the ceiling and the base of copies.

    Args:
        real: whatever ``open`` takes.
        synthetic: a ``Twin``, or whatever ``open`` takes.
        schema: whole or in part; a ``Twin`` brings its own.
        holdout: real data that was not learned from, in place of that share.
        on_event: told about progress.
        given: ``tier``, ``seed``, ``target``, ``fairness``, ``matches``, ``custom``, ``gates``,
            ``max_rows``, ``k`` and others; see ``EvaluationSettings``.

    Raises:
        EvaluationError: the data sets cannot be compared.
    """
    held = None if holdout is None else sources.open_source(holdout)
    share = judge.share_of(synthetic) if held is None else 0.0
    if schema is None and isinstance(synthetic, Twin):
        schema = synthetic.schema
    asked = judge.Asked(
        sources.open_source(real), sources.open_source(synthetic), schema, held, share
    )
    return judge.compare(asked, given, on_event)


def audit(
    source: object,
    schema: Given = None,
    *,
    fit: FitOptions | None = None,
    on_event: OnEvent | None = None,
    **given: Unpack[auditing.AuditOptions],
) -> Audit:
    """Attack a synthesizer by shadow models: would its twins tell who was learned from?

    It is fitted again and again to halves of a sample of ``source``, chosen by coins.

    Args:
        source: the real data: whatever ``open`` takes.
        schema: whole or in part, such as that of an artifact.
        fit: how it is learned, as ``fit`` takes it: ``{"synthesizer": "copula", "k": 20}``.
        on_event: told of each shadow.
        given: ``table``, ``targets``, ``shadows``, ``rows``, ``budget_s``, ``delta``, ``seed``; see
            ``AuditSettings``.

    Raises:
        SpecError: the table is not one that can be audited.
        EvaluationError: there are too few entities, or too few shadows within the budget.
        LearnError: a shadow's rows cannot be learned.
    """
    subject = auditing.Subject(sources.open_source(source), schema, learn.fit_settings(fit or {}))
    return auditing.audit(subject, auditing.AuditSettings(**given), on_event)


def quality_sql(
    real: object,
    dialect: str,
    schema: Given = None,
    *,
    real_in: str = "real",
    synthetic_in: str = "synthetic",
    seed: int = 0,
) -> QualitySQL:
    """Every figure of a column, of two, and of keys as SQL, for where both data sets lie.

    Args:
        real: a whole ``Schema``, or whatever ``open`` takes and has the tables of the real data: a
            sample, or a twin.
        dialect: ``duckdb``, ``postgres``, ``spark``, ``snowflake`` or ``bigquery``.
        schema: whole or in part; the rest is inferred.
        real_in: what stands before the names of real tables: a schema, or catalog.schema.
        synthetic_in: the same of the synthetic tables.
        seed: of the choice of pairs in a table of more than 100 columns.

    Raises:
        SpecError: the dialect is not known, or a name cannot be read.
        SchemaError: the schema contradicts itself or the source.
    """
    from synthlake.quality.emitted.dialects import leaves_of
    from synthlake.quality.emitted.script import quality_sql as emitted

    leaves_of(dialect)  # an unknown one is told before any work
    whole = (
        real if isinstance(real, Schema) else learn.understand(sources.open_source(real), schema)
    )
    return emitted(whole, dialect, real_in, synthetic_in, seed)


def compare(runs: Reports) -> Comparison:
    """Reports of several runs side by side: verdicts, every metric, columns that differ most.

    Args:
        runs: at least two, as a list or by name: ``Report``s, ``report.json`` files, or folders
            of runs or twins that hold one.

    Raises:
        EvaluationError: fewer than two, or one has no report.
    """
    from synthlake.quality.comparison import compare as compared

    return compared(runs)


def holdout(real: object, learned: object, schema: Given = None) -> Source:
    """The rows of a source that a twin was not learned from: whole root entities, by hash.

    Args:
        real: what was learned from: whatever ``open`` takes.
        learned: the ``Artifact``, a ``Twin`` of it, or the folder of a twin.
        schema: as it was learned; needed for a folder without an artifact, if one was given.

    Raises:
        EvaluationError: nothing was set aside.
    """
    opened = sources.open_source(real)
    if isinstance(learned, Artifact):
        share = float(learned.provenance.get("fit", {}).get("holdout", 0.0))
        return holdouts.held_out(opened, None, schema or learned.schema, share)
    return holdouts.held_out(opened, learned, schema)


__getattr__ = late_names("synthlake", HOMES)
