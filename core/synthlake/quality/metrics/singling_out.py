"""Can an attacker describe one person alone, by what is alone in the twin?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import MetricKind, Score
from synthlake.quality.attacks.arena import Arena, Rows, arena
from synthlake.quality.attacks.rates import Attack, Outcome, rate
from synthlake.quality.attacks.targets import each_table
from synthlake.quality.metric import Comparison, Direction, Metric, Scored
from synthlake.quality.settings import Tier
from synthlake.seed import Seed

_ATTACKS = 1_000
_WIDTH = 0.1  # standard deviations on either side of a number

Codes = Mapping[str, NDArray[np.float64]]


class SinglingOut:
    """Gain from predicates that hold for one twin row: 0 as for unseen rows, 1 as by a copy.

    A predicate starts from a row of the twin and takes its columns in random order (equal values,
    numbers within a tenth of a standard deviation) until no other row of the twin satisfies it.
    It succeeds if it holds for exactly one of the training rows that are looked at. The control
    asks equally many unseen rows. The naive attack takes each value from another row of the twin.

    Cost: (predicates) * (rows of twin and training data) * (columns) comparisons.
    Source: Giomi et al. (2023), doi:10.56553/popets-2023-0055, section 4.1; Cohen and Nissim
    (2020), doi:10.1073/pnas.1914598117.
    """

    name, title = "singling_out", "Singling out"
    kind: MetricKind = "attack"
    tier: Tier = "full"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        yield from each_table(comparison, _one)


def _one(comparison: Comparison, table: str) -> Score:
    where = arena(comparison.ground, table)
    seen = where.of(comparison.candidate)
    if not len(seen):
        return Score(None, reason="no row of the twin is in the compared region")
    return _attack(where, seen).score()


@dataclass(frozen=True)
class _Asked:
    """What predicates are asked of: rows that are looked at, and their root entities."""

    train: Codes
    unseen: Codes


def _attack(where: Arena, seen: Rows) -> Attack:
    count = min(len(where.train), len(where.unseen))
    sides = where.train.first(count), where.unseen.first(count)
    coded = _coded(where, [seen, where.train, *sides])
    asked = _Asked(coded[2], coded[3])
    seed = where.seed("singling_out")
    twin, naive = (_hits(where, coded[0], asked, seed, mixed) for mixed in (False, True))
    copy = _hits(where, coded[1], asked, seed, False)
    return Attack(
        _outcome(twin, seen), _outcome(copy, where.train), float(naive[0].mean()),
        (len(where.train), len(seen)), {"predicates": len(twin[0]), "rows asked": count},
    )  # fmt: skip


def _outcome(hits: tuple[NDArray[np.bool_], NDArray[np.bool_]], of: Rows) -> Outcome:
    owners = of.owners[: len(hits[0])]
    return Outcome(rate(hits[0], owners), rate(hits[1], owners))


def _coded(where: Arena, rows: list[Rows]) -> list[Codes]:
    """Values as numbers: those of an ordered column by its spread, others by their place."""
    out: list[dict[str, NDArray[np.float64]]] = [{} for _ in rows]
    for field in where.fields:
        columns = [r.frame[field.name] for r in rows]
        if field.ordered:
            unit = where.spread[field.name] or 1.0
            for held, column in zip(out, columns, strict=True):
                held[field.name] = column.astype(np.float64) / unit
            continue
        place: dict[str, float] = {}
        for held, column in zip(out, columns, strict=True):
            codes = [place.setdefault(str(v), float(len(place))) for v in column]
            held[field.name] = np.array(codes)
    return list(out)


def _hits(
    where: Arena, source: Codes, asked: _Asked, seed: Seed, mixed: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which predicates hold for exactly one training row, and which for one unseen row."""
    names, rows = where.names, len(next(iter(source.values())))
    attacks = min(rows, _ATTACKS)
    out = np.zeros((2, attacks), dtype=bool)
    for attack in range(attacks):
        words = seed.words("predicate", "order", attack * len(names), len(names))
        alone = np.ones(rows, dtype=bool)
        found: list[NDArray[np.bool_]] = [
            np.ones(len(next(iter(a.values()))), dtype=bool) for a in (asked.train, asked.unseen)
        ]
        for step, place in enumerate(np.argsort(words, kind="stable")):
            name = names[int(place)]
            row = int(words[step] % np.uint64(rows)) if mixed else attack
            value = float(source[name][row])
            alone &= _holds(source[name], value, where, name)
            for part, codes in zip(found, (asked.train, asked.unseen), strict=True):
                part &= _holds(codes[name], value, where, name)
            if alone.sum() <= 1:
                break
        if mixed or alone.sum() == 1:
            out[:, attack] = [part.sum() == 1 for part in found]
    return out[0], out[1]


def _holds(column: NDArray[np.float64], value: float, where: Arena, name: str) -> NDArray[np.bool_]:
    if np.isnan(value):
        return np.asarray(np.isnan(column), dtype=bool)
    if name not in where.spread:
        return np.asarray(column == value, dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(column - value) <= _WIDTH) | (column == value), dtype=bool)


METRICS: tuple[Metric, ...] = (SinglingOut(),)
