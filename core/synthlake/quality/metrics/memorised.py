"""Do rows lie nearer to those learned from than to those never seen?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from synthlake.ports import MetricKind, Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.intervals import Z
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Ground, Metric, Scored, Subject
from synthlake.quality.neighbours import (
    Cloud,
    Floats,
    Region,
    Space,
    cloud,
    nearest,
    points,
    region_of,
    share_near,
)
from synthlake.quality.sample import size
from synthlake.quality.settings import Tier

MIN_ROWS = 40
MOST_COLUMNS = 120  # that are compared: a copy is found by these too
_QUERIES = 5_000
_LEAST = 0.25  # of what a copy would show, lest it drown in noise


@dataclass(frozen=True)
class Yardstick:
    """What a table's candidates are measured by.

    Attributes:
        fields: the columns that are compared.
        region: the part of all rows that is looked at.
        space: scales.
        train: points learned from.
        holdout: points never learned from.
        expected: share of unseen rows that are nearer to a training row.
        control: the same share of the training rows themselves.
    """

    fields: tuple[Field, ...]
    region: Region
    space: Space
    train: Cloud
    holdout: Cloud
    expected: float
    control: float

    def queries(self, data: DataSet) -> Floats:
        """The points of a data set that are looked up."""
        table = self.fields[0].table
        return data.once(
            ("queries", table),
            lambda: self.space.place(points(data, table, self.fields, self.region, _QUERIES)),
        )


def fields_of(ground: Ground, table: str) -> tuple[Field, ...]:
    """Columns that say something about a row: not keys, not opaque; of many, every so manieth."""
    fields = [f for f in ground.fields(table).values() if not f.key and f.kind != "opaque"]
    return tuple(fields[:: -(-len(fields) // MOST_COLUMNS) or 1])


def unplaced(comparison: Comparison, table: str) -> str:
    """Why rows of a table have no place beside real ones; empty if they have."""
    ground = comparison.ground
    return (
        comparison.missing(table)
        or ("kept as it is, by declaration" if ground.schema[table].keep else "")
        or ("" if fields_of(ground, table) else "no columns but keys")
        or absent(comparison, table)
    )


def absent(comparison: Comparison, table: str) -> str:
    """Why rows without some of the compared columns have no distances; empty if all are there.

    Beside training rows such rows are all far away, beside each other they are all alike.
    """
    lost = [f.name for f in fields_of(comparison.ground, table) if not comparison.candidate.has(f)]
    return f"columns are missing: {', '.join(lost)}" if lost else ""


def yardstick(ground: Ground, table: str) -> Yardstick:
    """Points of training and hold-out rows, once a table."""
    return ground.train.once(("yardstick", table), lambda: _yardstick(ground, table))


def _yardstick(ground: Ground, table: str) -> Yardstick:
    assert ground.holdout is not None
    limit, fields = ground.settings.max_rows, fields_of(ground, table)
    bins = [b for b in ground.bins(table) if b.field in fields]
    rows = ground.train.rows(table) + ground.holdout.rows(table)
    region = region_of(bins, rows, limit, ground.settings.seed)
    frames = [points(d, table, fields, region, 2 * limit) for d in (ground.train, ground.holdout)]
    space = Space(fields, frames[0])
    sizes = [size(frame) for frame in frames]
    own = space.place(frames[0])
    train, own = cloud(own), own[:_QUERIES].copy()
    holdout = cloud(space.place(frames[1]))
    expected = sizes[0] / max(sum(sizes), 1)
    control = share_near(own, train, holdout)[0] if min(sizes) else math.nan
    return Yardstick(fields, region, space, train, holdout, expected, control)


def reason_against(comparison: Comparison, table: str, keep: bool) -> str:
    """Why nearest rows of a table cannot be judged; empty if they can."""
    ground = comparison.ground
    if keep:
        return "kept as it is, by declaration"
    if comparison.missing(table):
        return comparison.missing(table)
    if ground.holdout is None:
        return "there is no hold-out to compare with"
    if min(ground.train.rows(table), ground.holdout.rows(table)) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows in training data or hold-out"
    return "" if fields_of(ground, table) else "all columns are keys"


class Memorised:
    """How much nearer rows lie to training rows than unseen rows would: 0 as unseen, 1 a copy.

    The share of rows that are nearer to a training than to a hold-out row, with the part that
    training rows are of both as 0, and the share that the training rows themselves reach as 1.

    Privacy: finds copies and near copies; it guarantees nothing. Source: arXiv:2505.01524.
    """

    name, title = "memorised", "Copy detector: memorised rows (normalised DCR)"
    kind: MetricKind = "copy"
    tier: Tier = "standard"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        for table in comparison.ground.tables:
            yield Subject(table.name), self._one(comparison, table.name, table.keep)

    def _one(self, comparison: Comparison, table: str, keep: bool) -> Score:
        reason = reason_against(comparison, table, keep)
        if not reason and comparison.role == "ceiling":
            reason = "0 by definition: the hold-out is what others are measured by"
        if reason:
            return Score(None, rows=comparison.rows(table), reason=reason)
        by = yardstick(comparison.ground, table)
        queries = by.queries(comparison.candidate)
        unit = by.control - by.expected
        rows = (int(by.train.rows.sum()), len(queries))
        if not len(queries) or not unit > _LEAST * (1 - by.expected):
            return Score(None, rows=rows, reason="most training rows occur in the hold-out too")
        share, effective = share_near(queries, by.train, by.holdout)
        value = (share - by.expected) / unit
        if share == by.control:  # also where the division rounds
            value = 1.0
        half = Z * math.sqrt(by.expected * (1 - by.expected) / effective) / unit
        detail = {"share": share, "expected": by.expected,
                  "control": by.control, "hold-out rows": int(by.holdout.rows.sum())}  # fmt: skip
        if len(comparison.ground.fields(table)) > MOST_COLUMNS:
            detail["columns compared"] = len(by.fields)
        return Score(value, (value - half, value + half), rows, detail=detail)


class NearestRatio:
    """Median distance to the nearest training row by that to the second: small for copies."""

    name, title = "nndr", "Copy detector: nearest by second nearest (NNDR)"
    kind: MetricKind = "copy"
    tier: Tier = "standard"
    best = 1.0
    direction: Direction = "high"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        for table in comparison.ground.tables:
            reason = reason_against(comparison, table.name, table.keep)
            score = Score(None, reason=reason) if reason else self._one(comparison, table.name)
            yield Subject(table.name), score

    @staticmethod
    def _one(comparison: Comparison, table: str) -> Score:
        by = yardstick(comparison.ground, table)
        queries = by.queries(comparison.candidate)[:500]
        if not len(queries) or len(by.train.points) < 2:
            return Score(None, reason="too few distinct rows")
        found = nearest(queries, by.train, second=True)
        # a row on two equal training rows is no nearer to one of them
        ratios = np.divide(found[:, 0], found[:, 2], out=np.ones(len(found)), where=found[:, 2] > 0)
        rows = (int(by.train.rows.sum()), len(queries))
        return Score(float(np.median(ratios)), rows=rows)


METRICS: tuple[Metric, ...] = (Memorised(), NearestRatio())
