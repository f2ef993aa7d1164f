"""Can an attacker who knows most of a row learn the rest of it from the twin?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.attacks.arena import Arena, Rows, nearest_rows
from synthlake.quality.attacks.rates import Attack, Outcome, rate
from synthlake.quality.attacks.targets import each_secret, secrets
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier

_TARGETS = 2_000
_TOLERANCE = 0.05  # standard deviations


class AttributeInference:
    """Gain from guessing a column by the nearest twin row: 0 as for unseen rows, 1 as by a copy.

    The attacker knows all other columns of a target, takes the nearest row of the twin by these,
    and guesses its value. A number is right within a twentieth of a standard deviation. The
    control is the same guess for unseen rows: what follows from how the data is, and not from who
    is in it, is no loss of privacy. Intervals hold for all columns of a table at once.

    Cost: for each column (targets) * (rows of twin and training data) * axes multiplications; of
    more than 20 columns every so manieth is attacked.
    Source: Giomi et al. (2023), doi:10.56553/popets-2023-0055, section 4.3; Anonymeter.
    """

    name, title = "attribute", "Attribute inference"
    kind: MetricKind = "attack"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each column that may be secret."""
        yield from each_secret(comparison, _each)


def _each(comparison: Comparison, table: str, where: Arena, seen: Rows) -> Iterator[Scored]:
    chosen = secrets(where)
    for field in comparison.ground.fields(table).values():
        subject = Subject(table, (field.name,))
        if field not in where.fields:
            why = field.reason or "a key" if field.key else field.reason or "not among the columns"
            yield subject, Score(None, reason=why)
        elif field not in chosen:
            why = f"{len(chosen)} of {len(where.fields)} columns are attacked, this one is not"
            yield subject, Score(None, reason=why)
        elif len(where.fields) < 2 or not len(seen):
            why = "no other column to guess by" if len(seen) else "the twin has no row to guess by"
            yield subject, Score(None, reason=why)
        else:
            yield subject, _attack(where, seen, field, len(chosen)).score()


def _attack(where: Arena, seen: Rows, secret: Field, figures: int) -> Attack:
    known = [n for n in where.names if n != secret.name]
    count = min(where.targets, _TARGETS)
    sides = where.train.first(count), where.unseen.first(count)
    margin = _TOLERANCE * where.spread.get(secret.name, 0.0)

    def guessed(by: Rows) -> Outcome:
        rates = []
        for side in sides:
            place = nearest_rows(side.points(known), by.points(known))[:, 0]
            rates.append(rate(_right(secret, by, place, side, margin), side.owners))
        return Outcome(*rates)

    any_row = np.arange(count) % len(seen)
    naive = float(_right(secret, seen, any_row, sides[0], margin).mean())
    return Attack(
        guessed(seen), guessed(where.train), naive, (len(where.train), len(seen)),
        {"targets": count}, figures,
    )  # fmt: skip


def _right(
    secret: Field, by: Rows, place: NDArray[np.int64], targets: Rows, margin: float
) -> NDArray[np.bool_]:
    """Which guesses are right."""
    guess, truth = by.frame[secret.name][place], targets.frame[secret.name]
    if not secret.ordered:
        return np.array([str(a) == str(b) for a, b in zip(guess, truth, strict=True)], dtype=bool)
    guess, truth = guess.astype(np.float64), truth.astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(guess - truth) <= margin
    same = (guess == truth) | (np.isnan(guess) & np.isnan(truth))
    return np.asarray(near | same, dtype=bool)


METRICS: tuple[Metric, ...] = (AttributeInference(),)
