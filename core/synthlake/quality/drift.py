"""How far further rows differ from what was learned, and how far they would by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FEWEST, _GROUPS = 5, 20  # groups of a column, NULL not counted
_ROWS = 30  # further rows of a group, so that few rows have fewer
_TRIES = 500  # pairs of samples that differ by chance
_SURE = 0.99  # share of these in which no column is said to have drifted
_USUAL = 0.95
_HALF = 0.5  # rows that every group has beyond its own, so that empty ones have a logarithm


@dataclass(frozen=True)
class Change:
    """A column as it was learned and among further rows.

    Attributes:
        table, column: where.
        old, new: shape (codes,), rows.
        nulls: rows that are NULL, as learned and among the further ones.
        ordered: whether neighbouring codes are neighbouring values.
        entities: entities a row, by which samples are as large as they say.
        appeared, vanished: values that k entities have among the further rows alone, and learned
            ones that fewer than k have left though more are to be expected.
        beyond: share of the further rows beyond the ends that were learned.
        note: what is compared, where it is not the column's own values.
    """

    table: str
    column: str
    old: Floats
    new: Floats
    nulls: tuple[float, float]
    ordered: bool
    entities: float = 1.0
    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    beyond: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class ColumnDrift:
    """How far one column has moved.

    Attributes:
        table, column: where.
        psi: population stability index, over at most 20 groups of values and NULL.
        usual_psi: below which it stays in 95 % of pairs of samples of one table, of these sizes.
        total_variation: of the same groups; 0 to 1.
        excess: psi in standard deviations above its mean by chance.
        drifted: whether that is more than the threshold of all columns.
        nulls: shares of NULL, as learned and among the further rows.
        appeared, vanished, beyond, note: see ``Change``.

    Source: Yurdakul, Statistical properties of the population stability index (2018).
    """

    table: str
    column: str
    psi: float
    usual_psi: float
    total_variation: float
    excess: float
    drifted: bool
    nulls: tuple[float, float]
    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    beyond: float = 0.0
    note: str = ""

    def to_json(self, show_values: bool = False) -> dict[str, Any]:
        """Plain values; of values of cells only their number, unless they are asked for."""

        def said(values: tuple[str, ...]) -> Any:
            return list(values) if show_values else len(values)

        return {
            "table": self.table, "column": self.column, "drifted": self.drifted,
            "psi": round(self.psi, 6), "usual_psi": round(self.usual_psi, 6),
            "total_variation": round(self.total_variation, 6), "excess": round(self.excess, 3),
            "nulls": [round(share, 6) for share in self.nulls], "beyond": round(self.beyond, 6),
            "appeared": said(self.appeared), "vanished": said(self.vanished), "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True)
class Contradiction:
    """A rule that was learned or declared, and further rows that break it.

    Attributes:
        table: where.
        rule: in words, or as declared.
        broken: rows that break it.
        rows: that it speaks of.
    """

    table: str
    rule: str
    broken: int
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"table": self.table, "rule": self.rule, "broken": self.broken, "rows": self.rows}


@dataclass(frozen=True)
class Drift:
    """How far further rows differ from what was learned.

    Attributes:
        columns: in the schema's order; those that only rules make are not among them.
        figure: the greatest ``excess`` of any column.
        threshold: below which the figure stays in 99 % of pairs of samples of one table.
        rows: by table, rows as learned and further ones.
        contradictions: of rules.

    Privacy: shares are of values, neighbours or all rare values together that k entities have.
        Numbers of rows that break a rule are exact: for the owner of the data.
    """

    columns: tuple[ColumnDrift, ...]
    figure: float
    threshold: float
    rows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether any column has."""
        return any(column.drifted for column in self.columns)

    def to_json(self, show_values: bool = False) -> dict[str, Any]:
        """Plain values; of values of cells only their number, unless they are asked for."""
        return {
            "drifted": self.drifted,
            "figure": round(self.figure, 3),
            "threshold": round(self.threshold, 3),
            "rows": {name: list(rows) for name, rows in self.rows.items()},
            "columns": [column.to_json(show_values) for column in self.columns],
            "contradictions": [held.to_json() for held in self.contradictions],
        }


def drift_of(
    changes: Sequence[Change], rows: Mapping[str, tuple[int, int]],
    contradictions: Sequence[Contradiction], seed: int,
) -> Drift:  # fmt: skip
    """Drift of columns against what two samples of one table differ by.

    For each column, pairs of samples of the pooled shares are drawn, as large as the learned and
    the further rows are. The threshold is that of the greatest excess over all columns, so that
    many columns do not make a false alarm.

    Args:
        changes: of columns.
        rows: by table.
        contradictions: of rules.
        seed: of the pairs.

    Cost: O(columns x tries x groups).
    """
    most = np.zeros(_TRIES)
    measured = []
    for number, change in enumerate(changes):
        old, new = _grouped(change)
        chance = _by_chance(old, new, change.entities, (seed, number))
        found = float(psi(old, new))
        mean, spread = float(chance.mean()), float(chance.std())
        scale = spread if spread > 0 else np.inf
        most = np.maximum(most, (chance - mean) / scale)
        measured.append((change, old, new, found, (found - mean) / scale, chance))
    threshold = float(np.quantile(most, _SURE))
    columns = tuple(
        ColumnDrift(
            change.table, change.column, found, float(np.quantile(chance, _USUAL)),
            float(np.abs(_shares(old) - _shares(new)).sum() / 2), float(excess),
            bool(excess > threshold), _nulls(change), change.appeared, change.vanished,
            change.beyond, change.note,
        )
        for change, old, new, found, excess, chance in measured
    )  # fmt: skip
    figure = max((c.excess for c in columns), default=0.0)
    return Drift(columns, float(figure), threshold, dict(rows), tuple(contradictions))


def psi(old: Floats, new: Floats) -> Floats:
    """Population stability index of numbers of rows, shape (..., groups)."""
    width = old.shape[-1]
    p, q = ((rows + _HALF) / (rows.sum(-1, keepdims=True) + _HALF * width) for rows in (old, new))
    found: Floats = ((q - p) * np.log(q / p)).sum(-1)
    return found


def _by_chance(old: Floats, new: Floats, entities: float, key: tuple[int, int]) -> Floats:
    """The index of pairs of samples of the pooled shares, shape (tries,)."""
    random = np.random.Generator(np.random.Philox(key=[key[0] & (2**64 - 1), key[1]]))
    share = _shares(_shares(old) * old.sum() + _shares(new) * new.sum())
    size = [max(round(float(rows.sum()) * entities), 1) for rows in (old, new)]
    drawn = [random.multinomial(n, share, _TRIES).astype(np.float64) for n in size]
    return psi(drawn[0], drawn[1])


def _grouped(change: Change) -> tuple[Floats, Floats]:
    """Rows of at most 20 groups of values, and of NULL."""
    both, rows = change.old + change.new, float(change.new.sum()) * change.entities
    most = int(np.clip(rows / _ROWS, _FEWEST, _GROUPS))
    if change.ordered:
        least = max(float(both.sum()) / most, 1e-300)
        group = np.minimum(((both.cumsum() - both / 2) // least).astype(np.int64), most - 1)
    else:
        group = np.full(len(both), most - 1)
        first = np.argsort(-both, kind="stable")[: most - 1]
        group[first] = np.arange(len(first))
    old, new = (
        np.append(np.bincount(group, rows, most), gone)
        for rows, gone in zip((change.old, change.new), change.nulls, strict=True)
    )
    there = old + new > 0
    if not there.any():
        return np.ones(1), np.ones(1)
    return old[there], new[there]


def _shares(rows: Floats) -> Floats:
    made: Floats = rows / max(float(rows.sum()), 1e-300)
    return made


def _nulls(change: Change) -> tuple[float, float]:
    old, new = (
        gone / max(float(rows.sum()) + gone, 1e-300)
        for rows, gone in zip((change.old, change.new), change.nulls, strict=True)
    )
    return old, new
