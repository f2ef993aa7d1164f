"""Can an attacker tell who was among the rows learned from?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.attacks import curves
from synthlake.quality.attacks.arena import Arena, Rows, arena, halves
from synthlake.quality.attacks.curves import Ranked
from synthlake.quality.attacks.rates import WIDEST
from synthlake.quality.attacks.targets import each_table
from synthlake.quality.classifier import one_thread
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.neighbours import Cloud, Floats, cloud, nearest
from synthlake.quality.settings import Tier

MIN_CONTROLS = 200  # two of which are the hundredth
_EXPOSED = 0.1
_TOUCH = 1e-6  # distance below which rows are the same
_LEAST = 0.1  # of what a copy would show


@dataclass(frozen=True)
class Told:
    """What the attack says of its targets.

    Attributes:
        twin: with the twin.
        copy: with the training rows in its place.
        exposed: which targets lie farthest from other unseen rows, shape (targets,).
    """

    twin: Ranked
    copy: Ranked
    exposed: NDArray[np.bool_]


def told(comparison: Comparison, table: str) -> Told:
    """How much likelier each target is in the twin than among other unseen rows.

    The ratio of two densities, each by the nearest neighbour: of the twin, and of the half of the
    hold-out that the target is not in.

    Cost: (targets) * (rows of twin, training data and hold-out) * axes multiplications, once.
    Source: van Breugel et al. (2023), arXiv:2302.12580 (DOMIAS); the densities as in Loftsgaarden
    and Quesenberry (1965), doi:10.1214/aoms/1177700079.
    """

    def make() -> Told:
        with one_thread():
            where = arena(comparison.ground, table)
            return _told(where, where.of(comparison.candidate))

    return comparison.candidate.once(("membership", table), make)


def _told(where: Arena, candidate: Rows) -> Told:
    names = where.names
    seen = [cloud(rows.points(names)) for rows in (candidate, where.train)]
    half = halves(where.unseen.owners)
    found, member, owners = [], [], []
    for number, side in enumerate((half, ~half)):
        controls = where.unseen.take(np.flatnonzero(side)).first(where.targets // 2)
        reference = cloud(where.unseen.take(np.flatnonzero(~side)).points(names))
        places = np.arange(number, len(where.train), 2)[: len(controls)]
        for rows, is_member in ((where.train.take(places), True), (controls, False)):
            found.append(_scores(rows.points(names), reference, seen))
            member.append(np.full(len(rows), is_member))
            owners.append(rows.owners)
    scores = np.concatenate(found)
    far = scores[:, 0]
    exposed = far >= np.quantile(far, 1 - _EXPOSED) if len(far) else far > 0
    twin, copy = (
        Ranked(scores[:, i], np.concatenate(member), np.concatenate(owners)) for i in (1, 2)
    )
    return Told(twin, copy, exposed)


def _scores(targets: Floats, reference: Cloud, seen: list[Cloud]) -> NDArray[np.float64]:
    """Distance to the reference, and the log of each ratio of densities; (targets, 3)."""
    if not len(reference.points) or not len(targets):
        return np.zeros((len(targets), 3))
    far = nearest(targets, reference)
    out = [far[:, 0]]
    for other in seen:
        near = nearest(targets, other)
        ratio = np.log((far[:, 0] + _TOUCH) / (near[:, 0] + _TOUCH))
        shares = near[:, 1] / other.rows.sum(), far[:, 1] / reference.rows.sum()
        out.append(ratio + np.log(shares[0] / shares[1]))
    return np.stack(out, axis=1)


class _Membership:
    """What all figures of the attack share."""

    kind: MetricKind = "attack"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"
    exposed = False
    least = 20  # unseen rows

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        yield from each_table(comparison, self._one)

    def _one(self, comparison: Comparison, table: str) -> Score:
        where = arena(comparison.ground, table)
        rows = (len(where.train), len(where.of(comparison.candidate)))
        if not rows[1]:
            return Score(None, rows=rows, reason="no row of the twin is in the compared region")
        found = told(comparison, table)
        twin, copy = found.twin, found.copy
        if self.exposed:
            twin, copy = twin.take(found.exposed), copy.take(found.exposed)
        others = int((~twin.member).sum())
        if others < self.least or not twin.member.any():
            said = f"fewer than {self.least} {'exposed ' if self.exposed else ''}unseen rows"
            return Score(None, rows=rows, reason=said)
        return self._scored(twin, copy, where, rows)

    def _scored(self, twin: Ranked, copy: Ranked, where: Arena, rows: tuple[int, int]) -> Score:
        figure, chance = self._figure(int((~twin.member).sum()))
        even = np.ones(len(twin.scores))
        value, full = figure(twin, even), figure(copy, even)
        unit = full - chance
        detail: dict[str, object] = {
            "auc": curves.area(twin, even), "tpr at 1% fpr": curves.true_positives(twin, even),
            "training rows": full, "by chance": chance, "targets": len(even),
        }  # fmt: skip
        if unit < _LEAST:
            why = "nothing to find: most training rows occur among unseen ones too"
            return Score(None, rows=rows, reason=why, detail=detail)
        spread = curves.interval(twin, figure, where.seed("membership"))
        low, high = ((min(max(b, 0.0), 1.0) - chance) / unit for b in spread)
        scaled = 1.0 if value == full else (value - chance) / unit
        if high - low > 2 * WIDEST:
            why = "too few rows in the hold-out to tell"
            return Score(None, rows=rows, reason=why, detail=detail)
        return Score(scaled, (min(low, scaled), max(high, scaled)), rows, detail=detail)

    def _figure(self, others: int) -> tuple[Callable[[Ranked, NDArray[np.float64]], float], float]:
        """The figure, and what it is by chance."""
        return curves.true_positives, curves.expected(others)


class Membership(_Membership):
    """Advantage of a membership attack (2 AUC - 1): 0 as unseen rows, 1 as the training rows."""

    name, title = "membership", "Membership inference (DOMIAS-like)"

    def _figure(self, others: int) -> tuple[Callable[[Ranked, NDArray[np.float64]], float], float]:
        return curves.area, 0.5


class MembershipSure(_Membership):
    """Members told at 1 % false alarms, beyond chance: 0 as unseen rows, 1 as the training rows."""

    name, title = "membership.tpr", "Membership at 1 % false alarms"
    least = MIN_CONTROLS


class MembershipExposed(_Membership):
    """The same for the tenth of all rows that are most unlike others."""

    name, title = "membership.exposed", "Membership of the most exposed at 1 % false alarms"
    exposed = True
    least = MIN_CONTROLS // 2


METRICS: tuple[Metric, ...] = (Membership(), MembershipSure(), MembershipExposed())
