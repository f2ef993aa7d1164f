"""The shapes that the rooms of the house meet by. One page; nothing here has logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.schema.model import Schema

Codes = NDArray[np.int32]  # shape (rows,); -1 is NULL


@dataclass(frozen=True)
class Event:
    """Something that happened in a run: for progress bars, logs and audit records."""

    step: str
    message: str
    done: int = 0
    total: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


OnEvent = Callable[[Event], None]


class QueryEngine(Protocol):
    """One session where the data is; it runs emitted SQL.

    Conforms: ``sql.duckdb_engine.DuckDBEngine``, and those of databases and Spark among the
    plugins. A session may keep temporary views and tables, and changes nothing else.

    One that can end a statement also has ``at_most(seconds)``, a context manager in which
    statements that take longer raise QueryError; see ``sql.bounded``.
    """

    @property
    def dialect(self) -> str:
        """Name of the primitives file in ``sql/dialects``."""

    def query(self, sql: str) -> pa.Table:
        """The result of a statement; empty where it has none.

        Raises: QueryError, which carries the SQL.
        """

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The result of a statement as a stream, while other statements may run."""

    def relation(self, table: str) -> str:
        """What to write after FROM for a table, quoted."""

    def derive(self, sql: str) -> str:
        """Name a SELECT statement for this session; returns what to write after FROM."""


class Source(Protocol):
    """Where data comes from: one consistent snapshot of all tables.

    One whose data has versions also has ``version() -> str``, a digest of all that is read: runs
    are bound to it, where they otherwise have to read the data.
    """

    def schema(self) -> Schema:
        """Tables, columns with Arrow types, and the keys that the source declares."""

    def engine(self) -> QueryEngine:
        """The engine that holds the data."""

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table; never all of it in memory."""


class Sink(Protocol):
    """Where a twin goes to. Parts are idempotent; publishing is one step.

    One that can tell early what it will refuse also has ``check(schema)``, which changes nothing;
    one that holds the tables of several runs, ``publications()``: the manifests of all that are
    published there now.
    """

    def open(self, run_id: str, schema: Schema, *, fingerprint: str = "") -> None:
        """Prepare the staging area of a run, or find it again.

        What was staged under another fingerprint (digest of all that the rows follow from) is
        thrown away.
        """

    def has_part(self, table: str, part: int) -> bool:
        """Whether a part is already complete."""

    def write_part(self, table: str, part: int, batches: Iterable[pa.RecordBatch]) -> int:
        """Write one part atomically; returns its rows."""

    def publish(self, manifest: Mapping[str, Any]) -> None:
        """Make the whole run visible in one step, and keep its manifest (JSON) beside it.

        Does nothing where just this is published.
        """

    def discard(self, run_id: str) -> None:
        """Remove what a run has staged; what is published stays."""

    def published(self) -> Mapping[str, Any] | None:
        """The manifest of what is published there now; None if there is nothing of ours."""


@dataclass(frozen=True)
class Feature:
    """A column as codes.

    Attributes:
        codes: shape (rows,), int32 in [-1, size); -1 is NULL.
        size: number of codes, NULL not counted.
        ordered: whether neighbouring codes are neighbouring values.
    """

    codes: Codes
    size: int
    ordered: bool


@dataclass(frozen=True)
class TrainingTable:
    """What a synthesizer learns from.

    Attributes:
        columns: what is to be made, in the order in which it is made.
        context: what is given: the parent's row, codes, positions among siblings.
        group: shape (rows,), int64; rows of one entity share a number. Sizes and k count these.
        k: least number of entities behind anything that is stored.
        seen: the columns as later ones see them, where that differs from what is drawn.
        even: columns whose draws are spread evenly over the rows that are made together, so that
            even small categories come out as often as they should.
        told: by column, what else is known once it is settled, such as the hour of a date; given by
            the context of a sample then.
        stratified: whether all columns may be drawn so, by models that can: less is left to chance.
        groups: columns that say which rows are alike in what other tables tell of them; whatever is
            made from them loses it if groups are thrown together.
    """

    columns: Mapping[str, Feature]
    context: Mapping[str, Feature]
    group: NDArray[np.int64]
    k: int
    seen: Mapping[str, Feature] = field(default_factory=dict)
    even: frozenset[str] = frozenset()
    told: Mapping[str, Mapping[str, Feature]] = field(default_factory=dict)
    stratified: bool = False
    groups: frozenset[str] = frozenset()


Draw = Callable[[str, int], NDArray[np.uint64]]
"""``draw(column, number)`` gives the words of a column's draw for the rows that are made."""

Redraw = Callable[[NDArray[np.int64], int], Codes]
"""``redraw(rows, number)`` draws some rows of the column again, with the words of that draw."""

Settle = Callable[[str, Codes, Redraw], Codes]
"""Called with each column once its codes are drawn; returns the codes that later columns see."""


class FittedSynthesizer(Protocol):
    """Makes rows; pure, holds no training rows. Conforms: everything in ``models/``."""

    def sample(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle
    ) -> None:
        """Draw columns in their order and hand each to ``settle``.

        Args:
            columns: the first of those that were learned, up to all.
            context: codes that are given, by name.
            draw: words; codes are functions of context and words alone.
            settle: called with each column.
        """

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings as JSON, and tensors by name."""


@dataclass(frozen=True)
class Admission:
    """Which codes of a column are admitted by a condition.

    Attributes:
        shares: shape (codes + 1,), the share of each code's values that is admitted; NULL last.
        held: what a model works out of it once.
    """

    shares: NDArray[np.float64]
    held: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


class Distribution(Protocol):
    """What a column may be, row by row. Conforms: ``models.conditional.LeafRows``."""

    def draw(self, words: NDArray[np.uint64]) -> Codes:
        """A code for each row."""

    def within(self, admission: Admission) -> tuple[Distribution, NDArray[np.float64]]:
        """The same of admitted codes alone, and how likely these are for each row."""

    def likelihood(self, codes: Codes) -> NDArray[np.float64]:
        """How likely a code of each row is."""


class Guide(Protocol):
    """Draws in place of a model, which knows no conditions. Conforms: those in ``relational/``."""

    def alone(self, column: str) -> bool:
        """Whether a row's draw of a column may not depend on which rows are made with it."""

    def draw(self, column: str, given: Distribution, words: NDArray[np.uint64]) -> Codes:
        """The codes of a column, given those before it."""

    def chosen(self, column: str) -> NDArray[np.int64] | None:
        """Rows to go on with once a column is settled, as some are unlikely; None for all."""


@runtime_checkable
class GuidedSynthesizer(Protocol):
    """A fitted synthesizer that can be guided. Conforms: ``FittedTrees``.

    Of others, rows that happen to satisfy a condition are taken.
    """

    def sample_guided(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle,
        guide: Guide,
    ) -> None:  # fmt: skip
        """As ``sample``, each column drawn by ``guide``; ``draw`` follows the chosen rows."""


class Synthesizer(Protocol):
    """Frozen settings of a model, a dataclass. Conforms: all of ``schema.synthesizers.names()``."""

    @property
    def name(self) -> str:
        """By which specs call it."""

    def fit(self, data: TrainingTable, seed: int) -> FittedSynthesizer:
        """Learn a table. Raises: LearnError."""

    def from_artifact(
        self, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> FittedSynthesizer:
        """The fitted model that ``to_artifact`` described."""


class Constraint(Protocol):
    """A declared rule of one table. Conforms: ``constraints.declared.Declared``.

    Third parties bring kinds of their own by the entry point ``synthlake.constraints``: under the
    key that tells the kind, a function from the rule's mapping to a SQL predicate over the columns
    of a row, which is then kept and checked as any ``predicate`` is.
    """

    @property
    def label(self) -> str:
        """The rule in a line."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it speaks of."""

    def violation_sql(
        self, dialect: str, relation: str, real: str = "", of: Callable[[str], str] | None = None
    ) -> str:
        """A statement that counts the rows of a relation that break the rule.

        A rule across tables needs ``of``, which tells the relations of the others by name.
        """


@dataclass(frozen=True)
class Score:
    """A metric's value.

    Attributes:
        value: the figure; None where it cannot be scored.
        interval: 95 % confidence interval, or None where the figure is exact.
        rows: rows that it was computed from, real and candidate.
        reason: why there is no value.
        detail: parts of the figure, such as values per column.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    rows: tuple[int, int] = (0, 0)
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


MetricKind = Literal["integrity", "fidelity", "copy", "utility", "attack"]
