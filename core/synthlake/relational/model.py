"""What was learned of a database: everything a sample needs, and no training row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.gap import Gap
from synthlake.constraints.mapping import MapRule
from synthlake.constraints.masks import MaskRule
from synthlake.constraints.relative import Linear
from synthlake.constraints.rule import Rule
from synthlake.encode.categorical import CategoricalCodec
from synthlake.encode.nested import Plan
from synthlake.encode.numeric import NumericCodec
from synthlake.encode.octets import OctetsCodec
from synthlake.encode.presence import PresenceCodec
from synthlake.encode.prose import ProseCodec
from synthlake.encode.template import TemplateCodec
from synthlake.encode.text import TextCodec
from synthlake.models.ratio import Refinement
from synthlake.ports import FittedSynthesizer
from synthlake.relational.across import Across
from synthlake.relational.dated import Dated
from synthlake.relational.enforced import Enforced
from synthlake.relational.keys import KeyFrame, KeyMaker
from synthlake.relational.sequence import Sequence
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.store.parts import Parts

if TYPE_CHECKING:
    from synthlake.relational.spelled import Spelled

Codec = (
    NumericCodec | CategoricalCodec | TextCodec | TemplateCodec | ProseCodec | PresenceCodec
    | OctetsCodec
)  # fmt: skip
LinkKind = Literal["own", "derived", "identity", "cluster", "within"]
CODE = "p:"  # name of the code of a row, as a parent, among its features
START, LENGTH = "m:start", "m:length"  # when it has children, see ``Spans``


class Maker(Protocol):
    """Makes columns from the row's number. Conforms: ``Identifier``, ``Personal``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it makes."""

    def room(self, rows: int) -> str:
        """What lacks for so many rows; empty if nothing does."""

    def make(self, index: NDArray[np.int64], frame: KeyFrame) -> dict[str, pa.Array[Any]]:
        """Values of rows, without NULL."""


@dataclass(frozen=True)
class Attribute:
    """How one column that is neither a reference nor a made key comes about.

    Attributes:
        column: its name.
        codec: codes of its values, by which later columns see it.
        drawn: codes that the synthesizer draws, where they are not those of the values.
        linear: turns what is drawn back into the value.
        base: the clock from which what is drawn counts minutes; a rule adds them up.
        gap: turns what is drawn back into the value where other columns are at most as great.
        learned: False for a column that only a rule makes, or that is always NULL.
    """

    column: str
    codec: Codec | None
    drawn: NumericCodec | None = None
    linear: Linear | None = None
    base: str | None = None
    learned: bool = True
    gap: Gap | None = None


@dataclass(frozen=True)
class Calendar:
    """Features of a key column that is known before the row: its value, and parts of a date.

    Attributes:
        unit: microseconds a tick, for timestamps.
        codec: of the value.
    """

    column: str
    unit: float | None = None
    zone: str = "UTC"
    codec: Codec | None = None


@dataclass(frozen=True)
class Phantoms:
    """Keys that children refer to and no parent has.

    Attributes:
        keys: how many there are in the source.
        weights: how many of them each phantom code has.
        degrees: codes of their numbers of children.
        synthesizer: draws these given the code; None where support lacks: all have the mean.
        mean: children per phantom.
    """

    keys: int
    weights: tuple[int, ...]
    degrees: NumericCodec | None
    synthesizer: FittedSynthesizer | None
    mean: float


@dataclass(frozen=True)
class Kin:
    """What children of one parent share.

    Attributes:
        name: feature of the child.
        time: feature of the own parent that tells when a child is.
        times: its codes.
        slices: of time, in which rows that share it keep their seats.
    """

    name: str
    time: str
    times: int
    slices: int


@dataclass(frozen=True)
class Link:
    """How one foreign key comes about.

    Attributes:
        kind: ``own``: rows are made with this parent; ``derived``: its columns are set by another
            key; ``identity``: the key's values are categories; ``cluster``: parents of one code
            share their children by stubs; ``within``: as cluster, among the relatives of each
            row, as the key shares columns with the own one.
        values: of identity: supported keys, columns as in the child; the code after the last one
            stands for all other parents.
        rest: whether that further code is in use.
        shares: of it: how many of these parents have how many children each, on average.
        codes: of cluster: codes of real parents; phantom codes follow.
        phantoms: of own and cluster, and of derived where rows are ``lost``; of identity those
            that are lost, as they are not listed.
        null_rows: of own: rows without a parent, in the source.
        mean: of own: children per parent, in the source.
        related: of within: whether rows above have children only if they have rows of the parent.
        slices: of cluster: of time, in which children find parents of theirs; 0 where any will do.
        once: of cluster with slices: whether no two rows of a family have one parent, by this
            reference or by one before it to the same table.
        kin: of cluster with slices: what children of one parent share; None where that is nothing.
        whole: of derived: whether hardly a row has no such parent, fewer than k entities.
        lost: of derived: share of the rows that have no such parent, of those with this key whose
            wider ones are NULL.
    """

    fk: ForeignKey
    kind: LinkKind
    values: pa.Table | None = None
    rest: bool = False
    shares: tuple[tuple[int, float], ...] = ()
    codes: int = 0
    phantoms: Phantoms | None = None
    null_rows: int = 0
    mean: float = 0.0
    related: bool = False
    slices: int = 0
    kin: Kin | None = None
    whole: bool = False
    once: bool = False
    lost: float = 0.0

    @property
    def size(self) -> int:
        """Codes of the link as a feature."""
        if self.kind == "identity" and self.values is not None:
            return self.values.num_rows + int(self.rest)
        return self.codes + (len(self.phantoms.weights) if self.phantoms else 0)

    @property
    def unlisted(self) -> int:
        """Parents of which each is too rare to be a category: what ``rest`` stands for.

        One where nobody has counted them.
        """
        return sum(number for number, _ in self.shares) or int(self.rest)

    @property
    def often(self) -> float:
        """Children of all of these, in the source."""
        return sum(number * mean for number, mean in self.shares)


@dataclass(frozen=True)
class Spans:
    """When a row has children, drawn before its attributes.

    Attributes:
        table, column: what tells the time of a child: a column of the parent it is made with.
        start: of the first child, on that column's axis.
        length: ticks from the first to the last one.
    """

    table: str
    column: str
    start: NumericCodec
    length: NumericCodec


@dataclass(frozen=True)
class TableModel:
    """One table.

    Attributes:
        rows: of the source, hold-out included.
        key: makes primary keys; None where other columns are the key, or there is none.
        calendars: features of key columns that are known before the row.
        links: one a foreign key, in the schema's order.
        attributes: all other columns.
        degrees: by label of a child's foreign key: codes of a parent's number of children.
        codes: by label: number of codes that parents of this table have for it.
        order: columns of the synthesizer in the order in which they are drawn.
        rules, maps: columns made from others.
        masks: columns whose NULLs follow from each other.
        distinct: columns that, with the own key, make the primary key; the last one gives way.
        apart: features of which no two rows of a family have the same value, as far as can be.
        unlike: features that rows of a family share less than chance would have it.
        synthesizer: None for a table without rows, or that is kept.
        kept: the table itself where it is public.
        dates: dates whose parts columns after them are drawn given.
        made: makers of columns of which only the presence is learned.
        enforced: what keeps declared rules; None where there are none.
        plans: of nested columns, in whose place ``table`` has flat ones.
        under: by feature, that which is NULL only where it is: of a field, its struct.
        lists: by the column that holds their lengths: the items of lists.
        across: what ties it to its parents and children.
        sequence: the order of rows, where each is made given the one before; None without one.
        refined: how often each row is drawn, and which draw is kept; None where once.
        loops: one a foreign key that closes a cycle, in the schema's order.
        spans: when rows have children; None where these are not close together in time.
        spelled: identifiers that are spelled from other texts.
    """

    table: Table
    rows: int
    key: KeyMaker | None = None
    calendars: tuple[Calendar, ...] = ()
    links: tuple[Link, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    degrees: Mapping[str, NumericCodec] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    maps: tuple[MapRule, ...] = ()
    masks: tuple[MaskRule, ...] = ()
    distinct: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    synthesizer: FittedSynthesizer | None = None
    kept: pa.Table | None = None
    plans: Mapping[str, Plan] = field(default_factory=dict)
    under: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, TableModel] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dates: tuple[Dated, ...] = ()
    made: tuple[Maker, ...] = ()
    enforced: Enforced | None = None
    across: Across = field(default_factory=Across)
    sequence: Sequence | None = None
    refined: Refinement | None = None
    loops: tuple[Loop, ...] = ()
    spans: Spans | None = None
    spelled: tuple[Spelled, ...] = ()

    def loose(self, fk: ForeignKey) -> bool:
        """Whether a reference may be NULL."""
        return any(self.table.column(c).nullable for c in fk.columns)

    @property
    def own(self) -> Link | None:
        """The link by which rows are made."""
        return next((link for link in self.links if link.kind == "own"), None)


@dataclass(frozen=True)
class Loop:
    """How a foreign key that closes a cycle comes about: last, from rows that are there.

    A reference to the own table has a code a group of levels, the top one first; the row below a
    group have their parents in it. One to another table has two: without a parent, and with one.
    A further code is that of orphans.

    Attributes:
        lumps: of each group, whether it holds several levels: then parents are in it, too.
        within: whether it is a reference to the own table.
        phantoms: keys that rows refer to and no row has, in the source; 0 for none.
        itself: whether rows at the top refer to themselves rather than to nobody.

    Privacy: each group, and the orphans, have k entities or more. Where fewer than k rows are
    roots, their number is not told: there is one.
    """

    fk: ForeignKey
    lumps: tuple[bool, ...]
    within: bool
    phantoms: int = 0
    itself: bool = False

    @property
    def groups(self) -> int:
        """Codes that are no orphans'."""
        return len(self.lumps)

    @property
    def size(self) -> int:
        """Codes of the loop as a feature."""
        return self.groups + int(self.phantoms > 0)


@dataclass(frozen=True)
class Model:
    """A database.

    Attributes:
        schema: with all modes decided.
        tables: parents before children.
        scope: the schema's id, to which seeds are bound.
        k: least number of entities behind anything stored.
    """

    schema: Schema
    tables: Mapping[str, TableModel]
    scope: str
    k: int

    def to_parts(self) -> Parts:
        """The model as JSON values, tensors and public tables."""
        from synthlake.relational.pack import pack_model

        return pack_model(self)

    @classmethod
    def from_parts(cls, parts: Parts) -> Model:
        """The model that ``to_parts`` took apart.

        Raises:
            ArtifactError: something is missing.
        """
        from synthlake.errors import ArtifactError
        from synthlake.relational.pack import unpack_model

        try:
            return unpack_model(parts)
        except (KeyError, IndexError, TypeError) as error:
            raise ArtifactError(
                f"the model is not complete: {type(error).__name__} {error}", hint="fit it again"
            ) from error


def column_id(column: str) -> str:
    """Name of a column among features; cannot be that of anything else."""
    return f"c:{column}"


def link_id(number: int) -> str:
    """Name of a foreign key's code among the features of its table."""
    return f"f:{number}"


def level_id(number: int) -> str:
    """Name of the code of a foreign key that closes a cycle; before all others in order."""
    return f"v:{number}"


def count_id(label: str) -> str:
    """Name of the number of children among a parent's features."""
    return f"n:{label}"


def parent_id(name: str) -> str:
    """Name of a feature of the own parent among those of its children."""
    return f"o:{name}"


def link_of(model: TableModel, name: str) -> Link | None:
    """The reference of a feature; None where it is none."""
    return next((link for n, link in enumerate(model.links) if link_id(n) == name), None)


def size_of(model: TableModel, name: str) -> int:
    """Codes of a reference, by its feature."""
    link = link_of(model, name)
    assert link is not None
    return link.size


def family_of(model: TableModel) -> list[str]:
    """Features that are drawn first: what a row is to those that refer to it, and conditions."""
    places = [n for n, name in enumerate(model.order) if name[:2] in (CODE, "n:", "v:", "m:")]
    return list(model.order[: max(places, default=-1) + 1])


def view_id(column: str) -> str:
    """Under which name rules find what is drawn for a column, where that is not its value."""
    return f"~{column}"
