"""Is what the twin says for sure of a combination of values true of the people who have it?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.attacks.arena import Arena, Rows
from synthlake.quality.attacks.rates import Attack, Outcome, rate
from synthlake.quality.attacks.targets import each_secret, secrets
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier

KEYS = 4
_CUTS = 20

Codes = NDArray[np.int64]


class CorrectAttribution:
    """Gain from attributes that the twin says for sure: 0 as for unseen rows, 1 as by a copy.

    A class are the rows that agree in four other columns (those with the most values; numbers in
    twenty intervals). Where all twin rows of a class have one value (WEAP = 1) it is attributed to
    the targets of that class; TCAP is how often this is true. The control are unseen rows of such
    classes, the naive guess is the most frequent value. Intervals hold for all columns at once.

    Source: Taub, Elliot, Pampaka and Smith (2018), doi:10.1007/978-3-319-99771-1_9 (TCAP, WEAP);
    Elliot (2014), the differential correct attribution probability.
    """

    name, title = "tcap", "Correct attribution (TCAP)"
    kind: MetricKind = "attack"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each column that may be secret."""
        yield from each_secret(comparison, _each)


def _each(comparison: Comparison, table: str, where: Arena, seen: Rows) -> Iterator[Scored]:
    chosen = secrets(where)
    for field in where.fields:
        subject = Subject(table, (field.name,))
        if field not in chosen:
            why = f"{len(chosen)} of {len(where.fields)} columns are attacked"
            yield subject, Score(None, reason=why)
        elif len(where.fields) < 2 or not len(seen):
            yield subject, Score(None, reason="nothing to attribute by")
        else:
            yield subject, _attack(where, seen, field, len(chosen)).score()


def _attack(where: Arena, seen: Rows, secret: Field, figures: int) -> Attack:
    count = where.targets
    sides = where.train.first(count), where.unseen.first(count)
    rows = [seen, where.train, *sides]
    codes = {f.name: _coded(f, rows, where) for f in where.fields}
    others = [f.name for f in where.fields if f.name != secret.name]
    sizes = {n: len(np.unique(codes[n][1])) for n in others}
    known = sorted(others, key=lambda n: (-sizes[n], n))[:KEYS]
    classes = _numbered([np.stack([codes[n][i] for n in known], axis=1) for i in range(4)])
    values = codes[secret.name]

    def attributed(by: int) -> Outcome:
        sure = _sure(classes[by], values[by])
        rates = []
        for place, side in ((2, sides[0]), (3, sides[1])):
            said = np.array([sure.get(c, -1) for c in classes[place].tolist()], np.int64)
            tried = said >= 0
            rates.append(rate((said == values[place])[tried], side.owners[tried]))
        return Outcome(*rates)

    often = int(np.argmax(np.bincount(values[0])))
    tried = np.isin(classes[2], list(_sure(classes[0], values[0])))
    detail = {"targets": count, "attributed": int(tried.sum()), "known": known}
    naive = float((values[2][tried] == often).mean()) if tried.any() else 0.0
    return Attack(attributed(0), attributed(1), naive, (len(where.train), len(seen)), detail,
                  figures)  # fmt: skip


def _coded(field: Field, rows: list[Rows], where: Arena) -> list[Codes]:
    """A column of each data set as codes from 0; 0 is NULL."""
    columns = [r.frame[field.name] for r in rows]
    if field.ordered:
        numbers = [c.astype(np.float64) for c in columns]
        known = np.concatenate([where.train.frame[field.name], where.unseen.frame[field.name]])
        known = known.astype(np.float64)
        known = known[np.isfinite(known)]
        steps = np.linspace(0, 1, _CUTS + 1)[1:-1]
        cuts = np.unique(np.quantile(known, steps)) if len(known) else np.zeros(0)
        return [
            np.where(np.isnan(n), 0, 1 + np.searchsorted(cuts, n)).astype(np.int64) for n in numbers
        ]
    place: dict[str, int] = {"None": 0}
    return [np.array([place.setdefault(str(v), len(place)) for v in c], np.int64) for c in columns]


def _numbered(keys: list[Codes]) -> list[Codes]:
    """Numbers of distinct rows, the same in all data sets."""
    number = np.unique(np.concatenate(keys), axis=0, return_inverse=True)[1].ravel()
    ends = np.cumsum([len(k) for k in keys])[:-1]
    return np.split(number, ends)


def _sure(classes: Codes, values: Codes) -> dict[int, int]:
    """The value of each class whose rows all have the same."""
    least: dict[int, int] = {}
    mixed: set[int] = set()
    for c, v in zip(classes.tolist(), values.tolist(), strict=True):
        if least.setdefault(c, v) != v:
            mixed.add(c)
    return {c: v for c, v in least.items() if c not in mixed}


METRICS: tuple[Metric, ...] = (CorrectAttribution(),)
