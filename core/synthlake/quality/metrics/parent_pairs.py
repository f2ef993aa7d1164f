"""Do children go with their parents as in the real data?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.joined import visible
from synthlake.quality.keys import each_key
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.sample import Choice, Column, Frame, Join, Wanted, draw, hit
from synthlake.quality.settings import Tier
from synthlake.schema.model import ForeignKey, Table

_BINS = 10
_MOST = 30  # columns a side
_LEAST = 40  # rows with a parent

Codes = NDArray[np.int64]


class ParentPairs:
    """Total variation of a child's with a parent's column, beyond the child's alone.

    The worst of each key, on a sample of children that have a parent: ten intervals or values a
    column, NULL apart. Who has many children is part of it: a parent counts once a child.
    """

    name, title = "parent_pairs", "A child's with its parent's column"
    kind: MetricKind = "fidelity"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each foreign key."""
        yield from each_key(comparison, _one, loops=False)


def _one(comparison: Comparison, table: Table, fk: ForeignKey) -> Score:
    rows = comparison.rows(table.name)
    ground = comparison.ground
    mine = visible(ground.fields(table.name))[:_MOST]
    theirs = visible(ground.fields(fk.references))[:_MOST]
    if not mine or not theirs:
        return Score(None, rows=rows, reason="no columns but keys on a side")
    wanted = [Wanted(f"t.{f.name}", f) for f in mine]
    wanted += [Wanted(f"p.{f.name}", f, "p") for f in theirs]
    join = Join("p", fk.references, fk, "t", table.name)
    limit = min(comparison.settings.max_rows, *(max(n, 1) for n in rows))
    choice = Choice(limit, comparison.settings.seed)
    sides = (comparison.reference, comparison.candidate)
    frames = [_met(draw(side, table.name, wanted, choice, [join])) for side in sides]
    sizes = [len(next(iter(f.values()))) for f in frames]
    if min(sizes) < _LEAST:
        return Score(None, rows=rows, reason=f"fewer than {_LEAST} rows with a parent on a side")
    parents = comparison.rows(fk.references)
    return _worst(frames, (mine, theirs), [(sizes[0], sizes[1]), parents])


def _met(frame: Frame) -> Frame:
    """The rows that have a parent."""
    there = frame[hit("p")] > 0
    return {name: column[there] for name, column in frame.items() if name != hit("p")}


def _worst(
    frames: list[Frame], fields: tuple[list[Field], list[Field]], counts: list[tuple[int, int]]
) -> Score:
    rows = counts[0]
    coded = [
        [_codes(field, *(f[f"{alias}.{field.name}"] for f in frames)) for field in side]
        for alias, side in zip(("t", "p"), fields, strict=True)
    ]
    found: tuple[float, str, str, tuple[int, int]] = (-1.0, "", "", (1, 1))
    for a, left in zip(fields[0], coded[0], strict=True):
        for b, right in zip(fields[1], coded[1], strict=True):
            value, used = _beyond(left, right, rows)
            found = max(found, (value, a.name, b.name, used))
    value, child, parent, used = found
    # E|p - q| of a cell is at most sqrt(2 p (1/a + 1/b) / pi), and sqrt is concave; parents are
    # fewer than their children
    noise = sum(
        math.sqrt(cells * (1 / max(a, 1) + 1 / max(b, 1)) / (2 * math.pi))
        for cells, (a, b) in zip(used, counts, strict=True)
    )
    detail = {"child": child, "parent": parent, "noise": noise}
    return Score(value, rows=rows, detail=detail)


def _codes(field: Field, real: Column, other: Column) -> tuple[Codes, Codes]:
    """A column of both sides in codes from 0, which is NULL."""
    if field.ordered:
        numbers = [c.astype(np.float64) for c in (real, other)]
        known = numbers[0][np.isfinite(numbers[0])]
        steps = np.linspace(0, 1, _BINS + 1)[1:-1]
        cuts = np.unique(np.quantile(known, steps)) if len(known) else np.zeros(0)
        a, b = (np.where(np.isnan(n), 0, 1 + np.searchsorted(cuts, n)) for n in numbers)
        return a.astype(np.int64), b.astype(np.int64)
    texts, counts = np.unique([str(v) for v in real if v is not None], return_counts=True)
    first = texts[np.argsort(-counts, kind="stable")[:_BINS]]
    place = {str(t): i + 1 for i, t in enumerate(first)}
    a, b = (
        np.array([0 if v is None else place.get(str(v), _BINS + 1) for v in c], np.int64)
        for c in (real, other)
    )
    return a, b


def _beyond(
    left: tuple[Codes, Codes], right: tuple[Codes, Codes], rows: tuple[int, int]
) -> tuple[float, tuple[int, int]]:
    """Total variation beyond that of the first column; used cells of both, and of the second."""
    size = [1 + max(int(c.max()) for c in codes) for codes in (left, right)]
    shares = [
        np.bincount(a * size[1] + b, minlength=size[0] * size[1]).reshape(size) / n
        for a, b, n in zip(left, right, rows, strict=True)
    ]
    gap = shares[0] - shares[1]
    alone = float(np.abs(gap.sum(axis=1)).sum() / 2)
    there = shares[0] + shares[1] > 0
    used = int(there.sum()), int(there.any(axis=0).sum())
    return max(float(np.abs(gap).sum() / 2) - alone, 0.0), used


METRICS: tuple[Metric, ...] = (ParentPairs(),)
