"""Who is attacked: training rows, equally many unseen rows as control, and what the attacker sees.

Every attack is made three times: with the twin; with the training rows themselves in its place
(the positive control, as exposed as can be); and each time against unseen rows (the control), whose
success is what the twin tells of everybody and not of those it was learned from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import SchemaError
from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Ground
from synthlake.quality.neighbours import Floats, Region, Space, products, region_of
from synthlake.quality.sample import Column, Frame, Wanted, frame_of, order_hash, size
from synthlake.seed import Seed, digest
from synthlake.sql.entities import entity

MIN_ROWS = 40
MOST_COLUMNS = 60  # that an attacker knows of a wide table
_TARGETS = 4_000
_BLOCK = 256  # targets at a time

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of one data set.

    Attributes:
        frame: their values, in hash order.
        blocks: by column, their places on its axes; shape (rows, axes of the column).
        owners: number of the root entity of each, shape (rows,).
    """

    frame: Frame
    blocks: Mapping[str, Floats]
    owners: Ints

    def __len__(self) -> int:
        return len(self.owners)

    def points(self, names: Sequence[str]) -> Floats:
        """Places by some columns; shape (rows, axes)."""
        return np.concatenate([self.blocks[n] for n in names], axis=1)

    def first(self, count: int) -> Rows:
        """As many rows, a sample as the order is a hash's."""
        return self.take(np.arange(min(count, len(self))))

    def take(self, places: Ints) -> Rows:
        """Some of the rows."""
        return Rows(
            {n: c[places] for n, c in self.frame.items()},
            {n: b[places] for n, b in self.blocks.items()}, self.owners[places],
        )  # fmt: skip


class Arena:
    """The rows of a table that attacks are about, on scales taken from all real rows alike.

    Scales of the training rows alone would tell them from unseen ones.

    Args:
        ground: real data with a hold-out.
        table: its name.

    Cost: reads training rows and hold-out once.
    """

    def __init__(self, ground: Ground, table: str) -> None:
        assert ground.holdout is not None
        self._table, self._seed = table, ground.settings.seed
        self._limit = 2 * ground.settings.max_rows
        self.fields = attacked_fields(ground, table)
        bins = [b for b in ground.bins(table) if b.field in self.fields]
        rows = ground.train.rows(table) + ground.holdout.rows(table)
        self._region = region_of(bins, rows, ground.settings.max_rows, self._seed)
        drawn = [
            _draw(d, table, self.fields, self._region, (self._limit, self._seed))
            for d in (ground.train, ground.holdout)
        ]
        both = {f.name: np.concatenate([d[0][f.name] for d in drawn]) for f in self.fields}
        self._spaces = {f.name: Space([f], both) for f in self.fields}
        self.train, self.unseen = (self._rows(*d) for d in drawn)
        self.spread = {
            f.name: _spread(both[f.name]) for f in self.fields if f.ordered
        }  # fmt: skip

    @property
    def names(self) -> list[str]:
        """Columns that an attacker may know."""
        return [f.name for f in self.fields]

    @property
    def targets(self) -> int:
        """How many training rows are attacked, and as many unseen ones."""
        return min(len(self.train), len(self.unseen), _TARGETS)

    def seed(self, attack: str) -> Seed:
        """Of an attack's choices."""
        return Seed(self._seed, f"attacks/{self._table}/{attack}")

    def of(self, data: DataSet) -> Rows:
        """What an attacker sees of a candidate: its rows in the same region."""

        def make() -> Rows:
            limits = (self._limit, self._seed)
            return self._rows(*_draw(data, self._table, self.fields, self._region, limits))

        return data.once(("attacked", self._table), make)

    def _rows(self, frame: Frame, owners: Ints) -> Rows:
        blocks = {name: space.place(frame) for name, space in self._spaces.items()}
        return Rows(frame, blocks, owners)


def _spread(column: Column) -> float:
    known = column.astype(np.float64)
    known = known[np.isfinite(known)]
    return float(known.std()) if len(known) else 0.0


def attacked_fields(ground: Ground, table: str) -> tuple[Field, ...]:
    """Columns that say something about a row: not keys, not opaque; of many, every so manieth."""
    fields = [f for f in ground.fields(table).values() if not f.key and f.kind != "opaque"]
    return tuple(fields[:: -(-len(fields) // MOST_COLUMNS) or 1])


def arena(ground: Ground, table: str) -> Arena:
    """Who is attacked, read once a table."""
    return ground.train.once(("arena", table), lambda: Arena(ground, table))


def reason_against(comparison: Comparison, table: str) -> str:
    """Why rows of a table cannot be attacked; empty if they can."""
    ground = comparison.ground
    if comparison.schema[table].keep:
        return "kept as it is, by declaration"
    if comparison.missing(table):
        return comparison.missing(table)
    if ground.holdout is None:
        return "there is no hold-out as control"
    if comparison.role == "ceiling":
        return "0 by definition: the hold-out is the control"
    if min(ground.train.rows(table), ground.holdout.rows(table)) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows in training data or hold-out"
    fields = attacked_fields(ground, table)
    absent = [f.name for f in fields if not comparison.candidate.has(f)]
    if absent:
        return f"columns are missing: {', '.join(absent)}"
    return "" if fields else "all columns are keys"


def _draw(
    data: DataSet, table: str, fields: Sequence[Field], region: Region, limits: tuple[int, int]
) -> tuple[Frame, Ints]:
    """Rows of the region in hash order, at most ``limits[0]``, and their root entities."""
    of, tables = data.schema[table], data.tables
    join, owner = "", ""
    try:
        found = entity(tables, of)
        join, owner = found.join, f", {found.value} AS __e"
    except SchemaError:  # a key with a float: each row stands for itself
        pass
    whole = bool(of.primary_key and data.duplicates(table))
    key = order_hash(data, table, limits[1], whole=whole)
    inner = (
        f"SELECT t.*, {key} AS __h{owner} FROM {tables.read(table)}{join} {region.where(data)} "
        f"ORDER BY __h LIMIT {int(limits[0])}"
    )
    values = ", ".join(f"{data.value(f)} AS c{i}" for i, f in enumerate(fields))
    got = data.query(f"SELECT t.__h{', t.__e' if owner else ''}, {values} FROM ({inner}) AS t")
    frame = frame_of(got, [Wanted(f.name, f) for f in fields], ())
    order = np.argsort(got["__h"].to_numpy(), kind="stable")
    owners = got["__e"].to_numpy().astype(np.int64)[order] if owner else np.arange(size(frame))
    return frame, owners


def halves(owners: Ints) -> NDArray[np.bool_]:
    """A half of the root entities, shape (rows,): siblings are never in different halves."""
    known = {o: bool(digest("half", o, size=1)[0] & 1) for o in np.unique(owners).tolist()}
    return np.array([known[o] for o in owners.tolist()], dtype=bool)


def nearest_rows(targets: Floats, among: Floats, count: int = 1) -> Ints:
    """Numbers of the nearest rows, shape (targets, count), in no order.

    Cost: len(targets) * len(among) * axes multiplications.
    """
    norms = np.einsum("ij,ij->i", among, among)
    count = min(count, len(among))
    out = np.zeros((len(targets), count), np.int64)
    for start in range(0, len(targets), _BLOCK):
        block = targets[start : start + _BLOCK]
        gaps = norms - 2 * products(block, among)
        if count == 1:
            out[start : start + len(block), 0] = gaps.argmin(axis=1)
        else:
            out[start : start + len(block)] = np.argpartition(gaps, count - 1, axis=1)[:, :count]
    return out
