"""A classifier that tries to tell real rows from others, on rows unlike those it learned.

Folds share no block (a day, a parent): a model that has seen a driver or a day of the real data
would know it again, and tell even other real data from it. Categories are those of training rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Score
from synthlake.quality.sample import Column, Frame, size
from synthlake.seed import Seed, digest

MIN_ROWS = 40
FOLDS = 3
_RESAMPLES = 100
_CATEGORIES = 100

Floats = NDArray[np.float64]
Block = tuple[Sequence[object], Sequence[object]]
"""What rows of the real and of the other sample belong to; None for rows that may go anywhere."""


@dataclass(frozen=True)
class Fold:
    """Row numbers of one fold."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def c2st(real: Frame, other: Frame, blocks: Sequence[Block], seed: Seed, repeat: int = 0) -> Score:
    """max(.5, AUC) of telling ``real`` from ``other``, with a 95 % interval.

    The interval is a bootstrap over the values of the first block, as rows of one day are alike.

    Source: Lopez-Paz and Oquab (2017), arXiv:1610.06545.
    """
    rows = (size(real), size(other))
    if min(rows) < MIN_ROWS:
        return Score(None, rows=rows, reason=f"fewer than {MIN_ROWS} rows on a side")
    names = [n for n in real if not n.startswith("__")]
    if not names:
        return Score(None, rows=rows, reason="no columns but keys")
    label = np.repeat([0, 1], rows)
    columns = [np.concatenate([real[n], other[n]]) for n in names]
    kept: list[tuple[Floats, NDArray[np.int64], NDArray[np.int64]]] = []
    groups = _groups(rows, blocks)
    for number, fold in enumerate(folds(rows, blocks, repeat)):
        if min(np.bincount(label[fold.train], minlength=2)) < MIN_ROWS // 4:
            continue
        if min(np.bincount(label[fold.test], minlength=2)) < MIN_ROWS // 8:
            continue
        scores = _predict(columns, label, fold, seed, number)
        kept.append((scores, label[fold.test], groups[fold.test]))
    if not kept:
        return Score(None, rows=rows, reason="too few days or parents for folds that share none")
    value = float(np.mean([auc(s, y) for s, y, _ in kept]))
    tested = sum(len(y) for _, y, _ in kept)
    low, high = _bootstrap(kept, seed)
    spread = (max(0.5, min(low, value)), max(0.5, high, value))
    return Score(max(0.5, value), spread, rows, detail={"auc": value, "tested": tested})


def folds(rows: tuple[int, int], blocks: Sequence[Block], repeat: int = 0) -> Iterator[Fold]:
    """Rows to train and to test on; ``repeat`` gives other folds of the same blocks.

    Without blocks two halves, in which the n-th rows of both sides are in the same one.
    """
    place = np.concatenate([np.arange(n) for n in rows])
    if not blocks:
        for half in (0, 1):
            yield Fold(np.flatnonzero(place % 2 != half), np.flatnonzero(place % 2 == half))
        return
    members = np.stack([_members(block, place, repeat) for block in blocks])
    for fold in range(FOLDS):
        inside = members == fold
        test, train = inside.all(axis=0), ~inside.any(axis=0)
        yield Fold(np.flatnonzero(train), np.flatnonzero(test))


def _members(block: Block, place: NDArray[np.int64], repeat: int) -> NDArray[np.int64]:
    """The fold that each row's block is in."""
    known: dict[object, int] = {}
    out = place % FOLDS
    for i, value in enumerate([*block[0], *block[1]]):
        if value is not None:
            if value not in known:
                salt = (repeat,) if repeat else ()
                known[value] = digest(value, *salt, size=4)[0] % FOLDS
            out[i] = known[value]
    return out


def _groups(rows: tuple[int, int], blocks: Sequence[Block]) -> NDArray[np.int64]:
    """Numbers of what the bootstrap draws: the first block's values, else rows."""
    if not blocks:
        return np.arange(sum(rows))
    known: dict[object, int] = {}
    values = [*blocks[0][0], *blocks[0][1]]
    keys = (("row", i) if v is None else v for i, v in enumerate(values))
    return np.array([known.setdefault(k, len(known)) for k in keys])


def encoded(columns: Sequence[Column], train: NDArray[np.int64]) -> tuple[Floats, list[bool]]:
    """Columns as one matrix and which of them are codes; categories are those of ``train``."""
    out: list[Floats] = []
    codes: list[bool] = []
    for column in columns:
        if column.dtype != object:
            out.append(_numbers(column.astype(np.float64), train))
            codes.append(False)
            continue
        known, counts = np.unique(
            np.array(["" if v is None else v for v in column[train]], dtype=str),
            return_counts=True,
        )
        if all(v is None for v in column[train]):
            out.append(np.zeros(len(column)))
            codes.append(False)
            continue
        first = known[np.argsort(-counts, kind="stable")[:_CATEGORIES]]
        place = {str(v): float(i) for i, v in enumerate(first)}
        out.append(np.array([np.nan if v is None else place.get(v, _CATEGORIES) for v in column]))
        codes.append(True)
        if len(known) > _CATEGORIES:
            out.append(np.array([np.nan if v is None else float(len(v)) for v in column]))
            codes.append(False)
    return np.stack(out, axis=1), codes


def _numbers(column: Floats, train: NDArray[np.int64]) -> Floats:
    """Finite numbers, NaN for others; zeros where training rows have none, as trees need one."""
    finite = np.where(np.isfinite(column), column, np.nan)
    return finite if np.isfinite(finite[train]).any() else np.zeros(len(column))


def _predict(
    columns: Sequence[Column], label: NDArray[np.int64], fold: Fold, seed: Seed, number: int
) -> Floats:
    matrix, codes = encoded(columns, fold.train)
    model = boosted("classifier", codes, seed.key("c2st", str(number)) % 2**31)
    with one_thread():
        model.fit(matrix[fold.train], label[fold.train])
        return np.asarray(model.predict_proba(matrix[fold.test])[:, 1], np.float64)


def one_thread() -> AbstractContextManager[object]:
    """Models use one thread: more of them wait for each other on a machine that is in use."""
    # limits hold for libraries that are loaded by now
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return cast(AbstractContextManager[object], threadpool_limits(1))


def boosted(kind: str, codes: Sequence[bool], random_state: int) -> Any:
    """Gradient boosted trees, without early stopping, so that they are the same each time."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    made = HistGradientBoostingClassifier if kind == "classifier" else HistGradientBoostingRegressor
    return made(
        max_iter=100, learning_rate=0.1, max_leaf_nodes=31, min_samples_leaf=20,
        categorical_features=list(codes), early_stopping=False, random_state=random_state,
    )  # fmt: skip


def auc(scores: Floats, label: NDArray[np.int64]) -> float:
    """Area under the ROC curve; ties count half. Exactly .5 where both sides score alike."""
    return _area(*_ranked(scores, label), np.ones(len(label)))


def _ranked(
    scores: Floats, label: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The place of each row's score among all distinct scores, and whether the row is a one."""
    return np.unique(scores, return_inverse=True)[1], label == 1


def _area(place: NDArray[np.int64], one: NDArray[np.bool_], weights: Floats) -> float:
    ones = np.bincount(place, weights * one)
    zeros = np.bincount(place, weights * ~one)
    below = np.cumsum(zeros) - zeros
    total = ones.sum() * zeros.sum()
    return float(np.sum(ones * (below + zeros / 2)) / total) if total else 0.5


def _bootstrap(
    kept: Sequence[tuple[Floats, NDArray[np.int64], NDArray[np.int64]]], seed: Seed
) -> tuple[float, float]:
    """2.5 % and 97.5 % of the AUC where whole groups are drawn again."""
    random = np.random.Generator(np.random.Philox(key=seed.key("c2st", "bootstrap")))
    ranked = [_ranked(s, y) for s, y, _ in kept]
    numbers = [np.unique(g, return_inverse=True)[1] for _, _, g in kept]
    values = []
    for _ in range(_RESAMPLES):
        drawn = [
            _area(*r, random.poisson(1.0, int(n.max()) + 1).astype(np.float64)[n])
            for r, n in zip(ranked, numbers, strict=True)
        ]
        values.append(float(np.mean(drawn)))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
