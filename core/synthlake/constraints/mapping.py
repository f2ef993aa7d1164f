"""Functional dependencies between codes: what k entities share is kept as a map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.ports import Codes, Feature

TOLERANCE = 0.001  # share of rows that may break a dependency, as real data does
_COVERED = 0.9  # share of rows whose determinant has k entities
_SPREAD = 0.2  # share of rows that the most frequent value alone would get wrong
_WIDEST = 2_000  # codes of a determinant
_SAMPLE = 20_000
_FIRST = 3_000  # rows on which most candidates are refuted
_PAIRED = 16


@dataclass(frozen=True)
class MapRule:
    """The code of ``made`` for each code (or pair of codes) of ``given``.

    Attributes:
        keys: shape (entries,), ascending; code of the first column * width + code of the second.
        values: shape (entries,).
        other: the code for keys without an entry; None to keep what was drawn.

    Privacy: every entry has k entities or more.
    """

    given: tuple[str, ...]
    made: str
    width: int
    keys: NDArray[np.int64]
    values: Codes
    other: int | None = None

    def apply(self, codes: Mapping[str, Codes], drawn: Codes) -> Codes:
        """Mapped codes where the determinants are known, else the drawn ones."""
        key = _fused([codes[n] for n in self.given], self.width)
        if self.other is not None:
            drawn = np.where(key >= 0, np.int32(self.other), drawn)
        if not len(self.keys):
            return drawn
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where((self.keys[place] == key) & (key >= 0), self.values[place], drawn)

    def to_json(self) -> dict[str, Any]:
        """Columns; the entries are tensors."""
        return {"given": list(self.given), "made": self.made, "width": self.width,
                "other": self.other}  # fmt: skip

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Entries by name."""
        return {"keys": self.keys, "values": self.values}


def _fused(parts: list[Codes], width: int) -> NDArray[np.int64]:
    """One number a row; -1 where any part is NULL."""
    key = parts[0].astype(np.int64)
    missing = key < 0
    for part in parts[1:]:
        missing = missing | (part < 0)
        key = key * width + part
    return np.where(missing, -1, key)


def find_maps(
    columns: Mapping[str, Feature], determinants: list[str], dependents: list[str],
    group: NDArray[np.int64], k: int,
) -> list[MapRule]:  # fmt: skip
    """Dependencies of one column on one or two others, each made by at most one map.

    A dependent comes after its determinants in the order of ``columns``.
    """
    place = {name: i for i, name in enumerate(columns)}
    rows = len(group)
    some = np.arange(rows)[:: max(1, rows // _SAMPLE)]
    narrow = [d for d in determinants if 2 <= columns[d].size <= _WIDEST]
    found: dict[str, MapRule] = {}
    for given in _candidates(narrow):
        width = columns[given[-1]].size
        small = _fused([columns[g].codes[some] for g in given], width)
        for made in dependents:
            late = all(place[g] < place[made] for g in given)
            if made in given or made in found or not late:
                continue
            codes = columns[made].codes[some]
            if _refuted(small, codes) or not _holds(small, codes, 5 * TOLERANCE):
                continue
            rule = _build(given, made, columns, group, k)
            if rule is not None:
                found[made] = rule
    return list(found.values())


def _candidates(names: list[str]) -> Iterator[tuple[str, ...]]:
    """Single determinants before pairs; only the first ``_PAIRED`` columns are paired."""
    yield from ((n,) for n in names)
    yield from combinations(names[:_PAIRED], 2)


def _modes(key: NDArray[np.int64], codes: Codes) -> tuple[Any, Any, Any]:
    """Distinct keys, the most frequent code of each, and its rows."""
    width = int(codes.max(initial=0)) + 1
    pairs, counts = np.unique(key * width + codes, return_counts=True)
    order = np.lexsort((counts, pairs // width))
    owner = pairs[order] // width
    last = np.flatnonzero(np.append(owner[1:] != owner[:-1], True))
    return owner[last], (pairs[order][last] % width).astype(np.int32), counts[order][last]


def _refuted(key: NDArray[np.int64], codes: Codes) -> bool:
    """Whether some rows already show more pairs than a dependency allows."""
    rows = slice(0, None, max(1, len(key) // _FIRST))
    key, codes = key[rows], codes[rows]
    known = (key >= 0) & (codes >= 0)
    pairs = np.sort(key[known] * (int(codes.max(initial=0)) + 1) + codes[known])
    keys = np.sort(key[known])
    extra = np.count_nonzero(np.diff(pairs)) - np.count_nonzero(np.diff(keys))
    return bool(extra > 5 * TOLERANCE * len(pairs) + 2)


def _holds(key: NDArray[np.int64], codes: Codes, tolerance: float) -> bool:
    """Whether codes follow from keys, and not from being nearly constant."""
    known = (key >= 0) & (codes >= 0)
    if known.sum() < 50:
        return False
    rows = int(known.sum())
    owner, _, hits = _modes(key[known], codes[known])
    if rows - hits.sum() > tolerance * rows or len(owner) > rows // 4:
        return False
    common = np.bincount(codes[known]).max()
    return bool(rows - common > _SPREAD * rows)


def _build(
    given: tuple[str, ...], made: str, columns: Mapping[str, Feature], group: NDArray[np.int64],
    k: int,
) -> MapRule | None:  # fmt: skip
    """The map over all rows, if it holds there and k entities stand behind most of it."""
    width = columns[given[-1]].size
    key, codes = _fused([columns[g].codes for g in given], width), columns[made].codes
    if not _holds(key, codes, TOLERANCE) or ((key >= 0) & (codes == -1)).any():
        return None
    known = (key >= 0) & (codes >= 0)
    key, codes, group = key[known], codes[known], group[known]
    owner, mode, _ = _modes(key, codes)
    place = np.searchsorted(owner, key)
    agree = mode[place] == codes
    size = int(group.max(initial=0)) + 1
    pairs = np.unique(place[agree].astype(np.int64) * size + group[agree])
    entities = np.bincount(pairs // size, minlength=len(owner))
    kept = entities >= k
    if kept[place].mean() < _COVERED:
        return None
    return MapRule(given, made, width, owner[kept], mode[kept])
