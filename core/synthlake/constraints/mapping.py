"""Functional dependencies between codes: what k entities share is kept as a map."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.dependencies import Dependency, Search
from synthlake.ports import Codes, Feature

TOLERANCE = 0.001  # share of rows that may break a dependency, as real data does
_COVERED = 0.9  # share of rows whose determinant has k entities
_PARTLY = 0.5  # the same where keys are told one by one
_BY_CHANCE, _BY_LUCK = 0.1, 0.8  # share of these rows that chance may tell, and even exceptions
_SPREAD = 0.2  # share of rows that the most frequent value alone would get wrong
_WIDEST = 2_000  # codes of a determinant
_SAMPLE = 20_000
_FEWEST, _REPEATED = 50, 4  # rows that show a map, and rows an entry on average


@dataclass(frozen=True)
class MapRule:
    """The code of ``made`` for each code (or pair of codes) of ``given``.

    Attributes:
        keys: shape (entries,), ascending; code of the first column * width + code of the second.
        values: shape (entries,).
        other: the code for keys without an entry; None to keep what was drawn.
        varied: shape (keys,); keys that have no entry as rows differ, whatever further rows say.

    Privacy: every entry has k entities or more, and every varied key.
    """

    given: tuple[str, ...]
    made: str
    width: int
    keys: NDArray[np.int64]
    values: Codes
    other: int | None = None
    varied: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def apply(self, codes: Mapping[str, Codes], drawn: Codes) -> Codes:
        """Mapped codes where the determinants are known, else the drawn ones."""
        key = _fused([codes[n] for n in self.given], self.width)
        if self.other is not None:
            drawn = np.where(key >= 0, np.int32(self.other), drawn)
        if not len(self.keys):
            return drawn
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where((self.keys[place] == key) & (key >= 0), self.values[place], drawn)

    def broken(self, codes: Mapping[str, Codes], made: Codes) -> tuple[int, int]:
        """Rows that an entry speaks of, and those of them that have another code."""
        key = _fused([codes[n] for n in self.given], self.width)
        there = np.isin(key, self.keys) & (key >= 0) & (made >= 0)
        return int(there.sum()), int((self.apply(codes, made)[there] != made[there]).sum())

    def moved(self, places: Mapping[str, NDArray[np.int64]], sizes: Mapping[str, int]) -> MapRule:
        """The same map in other codes.

        Args:
            places: by column, the new code of each old one.
            sizes: by column, how many new ones there are.
        """
        width = max([self.width, *(sizes.get(n, 0) + 1 for n in self.given)])
        key = self._rekeyed(self.keys, places, width)
        order = np.argsort(key, kind="stable")
        to = np.append(places[self.made], -1) if self.made in places else None
        values, other = self.values[order], self.other
        if to is not None:
            values = to[values].astype(np.int32)
            other = None if other is None else int(to[other])
        varied = self._rekeyed(self.varied, places, width)
        return replace(
            self, width=width, keys=key[order], values=values, other=other, varied=varied
        )

    def _rekeyed(
        self, keys: NDArray[np.int64], places: Mapping[str, NDArray[np.int64]], width: int
    ) -> NDArray[np.int64]:
        """Keys of other codes, in the same order."""
        rest, digits = keys, list[NDArray[np.int64]]()
        for _ in self.given[1:]:
            digits.append(rest % self.width)
            rest = rest // self.width
        key = np.zeros(len(rest), np.int64)
        for name, part in zip(self.given, [rest, *digits[::-1]], strict=True):
            key = key * width + (places[name][part] if name in places else part)
        return key

    def extended(
        self, codes: Mapping[str, Codes], made: Codes, group: NDArray[np.int64], k: int
    ) -> MapRule:
        """The map with entries for combinations that it does not know.

        Where rows differ once, as those of ``varied`` do, an entry would be wrong of old rows.

        Privacy: each new one has k entities among these rows, and hardly an exception.
        """
        key = _fused([codes[n] for n in self.given], self.width)
        known = np.concatenate([self.keys, self.varied])
        new = (key >= 0) & (made >= 0) & ~np.isin(key, known)
        key, made, group = key[new], made[new], group[new]
        if not len(key):
            return self
        owner, mode, hits = _modes(key, made)
        place = np.searchsorted(owner, key)
        rows, agree = np.bincount(place), mode[place] == made
        size = int(group.max()) + 1
        pairs = np.unique(place[agree] * size + group[agree])
        kept = np.bincount(pairs // size, minlength=len(owner)) >= k
        kept &= rows - hits <= TOLERANCE * rows
        keys = np.concatenate([self.keys, owner[kept]])
        order = np.argsort(keys, kind="stable")
        values = np.concatenate([self.values, mode[kept]]).astype(np.int32)
        return replace(self, keys=keys[order], values=values[order])

    def to_json(self) -> dict[str, Any]:
        """Columns; the entries are tensors."""
        return {"given": list(self.given), "made": self.made, "width": self.width,
                "other": self.other}  # fmt: skip

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Entries by name."""
        varied = {"varied": self.varied} if len(self.varied) else {}
        return {"keys": self.keys, "values": self.values, **varied}


def _fused(parts: list[Codes], width: int) -> NDArray[np.int64]:
    """One number a row; -1 where any part is NULL."""
    key = parts[0].astype(np.int64)
    missing = key < 0
    for part in parts[1:]:
        missing = missing | (part < 0)
        key = key * width + part
    return np.where(missing, -1, key)


def find_maps(
    columns: Mapping[str, Feature], determinants: Sequence[str], dependents: Sequence[str],
    group: NDArray[np.int64], k: int, fixed: Collection[str] = (),
) -> list[MapRule]:  # fmt: skip
    """Dependencies of one column on one or two others, each made by at most one map.

    No column follows from itself, whatever way round; ``rearranged`` gives an order for the rest.

    Args:
        columns: all codes, in the order in which they are drawn so far.
        determinants: columns that others may follow from.
        dependents: columns that may follow from others.
        group: shape (rows,); entities, numbered from 0.
        k: least entities of an entry.
        fixed: dependents that stay where they are, so that only what comes before determines them.

    Cost: see ``dependencies.Search``, on a sample; one sort of all rows for what is left.
    """
    place = {name: i for i, name in enumerate(columns)}
    wide = [d for d in determinants if 2 <= columns[d].size <= _WIDEST]
    found: dict[str, MapRule] = {}
    for given, made in _candidates(columns, wide, dependents, len(group)):
        late = all(place[g] < place[made] for g in given)
        if made in found or (made in fixed and not late) or _circular(given, made, found):
            continue
        rule = _build(given, made, columns, group, k)
        if rule is not None:
            found[made] = rule
    return list(found.values())


def find_partial_maps(
    columns: Mapping[str, Feature], determinants: Sequence[str], dependents: Sequence[str],
    group: NDArray[np.int64], k: int,
) -> list[MapRule]:  # fmt: skip
    """Categories that follow from one other in half of the rows, as names of races from circuits.

    What follows from the other keys is drawn.

    Args:
        columns: all codes.
        determinants: few of them, such as references.
        dependents: columns that follow from nothing yet.
        group: shape (rows,); entities, numbered from 0.
        k: least entities of an entry.

    Cost: a sort of the rows for each pair of columns.
    """
    found: dict[str, MapRule] = {}
    wide = [d for d in determinants if 2 <= columns[d].size <= _WIDEST]
    for given, made in product(wide, dependents):
        if made in found or columns[made].ordered or columns[made].size < 3:
            continue
        if not _partly(columns[given].codes, columns[made].codes):
            continue
        rule = _build((given,), made, columns, group, k, _PARTLY)
        if rule is not None and not _lucky(columns[given].codes, columns[made].codes, rule):
            found[made] = rule
    return list(found.values())


def _partly(key: Codes, codes: Codes) -> bool:
    """Whether half of a sample's rows have keys that all agree; more do than of all rows."""
    step = max(1, len(key) // _SAMPLE)
    given, made = key[::step].astype(np.int64), codes[::step]
    known = (given >= 0) & (made >= 0)
    if known.sum() < _FEWEST:
        return False
    _, _, hits = _modes(given[known], made[known])
    rows = np.bincount(given[known])
    rows = rows[rows > 0]
    return float(rows[hits >= (1 - TOLERANCE) * rows].sum()) >= _PARTLY * len(given)


def _lucky(key: Codes, codes: Codes, rule: MapRule) -> bool:
    """Whether keys may be told by chance.

    At the frequencies of the codes alone, or if exceptions were as frequent among all keys.
    """
    known = (key >= 0) & (codes >= 0)
    owner, _, hits = _modes(key[known].astype(np.int64), codes[known])
    rows = np.bincount(key[known])[owner]
    told = np.isin(owner, rule.keys)
    share = np.bincount(codes[known]) / int(known.sum())
    sizes, place = np.unique(rows, return_inverse=True)
    alike = np.array([float((share**n).sum()) for n in sizes])[place]
    rate = float((rows - hits).sum()) / float(rows.sum())
    whole = float(rows[told].sum())
    by_luck = float((rows * (1 - rate) ** rows).sum())
    return float((rows * alike).sum()) > _BY_CHANCE * whole or by_luck > _BY_LUCK * whole


def _candidates(
    columns: Mapping[str, Feature], given: Sequence[str], made: Sequence[str], rows: int
) -> list[tuple[tuple[str, ...], str]]:
    """What a sample shows: single determinants first, then those that come before the dependent."""
    names, place = list(columns), {name: i for i, name in enumerate(columns)}
    if not given or not made or not rows:
        return []
    some = np.arange(rows)[:: max(1, rows // _SAMPLE)]
    codes = np.stack([columns[n].codes[some] for n in names], axis=1)
    search = Search(codes, np.arange(len(some)), 1, [place[g] for g in given],
                    [place[m] for m in made])  # fmt: skip
    singles = search.singles()
    every = [*singles, *search.pairs(singles, [place[g] for g in given])]
    # of a column that hardly varies no exception is allowed, and further rows bring no fewer
    every = [d for d in every if not d.exceptions or d.varied > _SPREAD / 2]

    def late(found: Dependency) -> bool:
        return max(found.given) < found.made

    every.sort(key=lambda d: (len(d.given), not late(d), d.given, d.made))
    return [(tuple(names[g] for g in d.given), names[d.made]) for d in every]


def _circular(given: Sequence[str], made: str, found: Mapping[str, MapRule]) -> bool:
    """Whether a determinant follows from the dependent already."""
    waiting, seen = list(given), set[str]()
    while waiting:
        name = waiting.pop()
        if name == made:
            return True
        if name not in seen and name in found:
            seen.add(name)
            waiting += found[name].given
    return False


def rearranged(names: Sequence[str], maps: Sequence[MapRule]) -> list[str]:
    """The same names in nearly the same order, each after those it follows from."""
    needs = {rule.made: {g for g in rule.given if g in set(names)} for rule in maps}
    out: list[str] = []
    waiting: list[str] = []
    for name in names:
        waiting.append(name)
        while ready := [n for n in waiting if needs.get(n, set()) <= set(out)]:
            out += ready
            waiting = [n for n in waiting if n not in ready]
    return out + waiting


def storable(found: Dependency) -> bool:
    """Whether a dependency is kept without being declared, so far as its determinants are drawn."""
    few = _few(found.exceptions, found.rows, found.varied)
    return few and found.covered >= _COVERED and not found.gaps


def _few(exceptions: int, rows: int, varied: float) -> bool:
    """Whether exceptions are errors; of a column that hardly varies, none is."""
    return exceptions <= (TOLERANCE * rows if varied > _SPREAD else 0)


def _modes(key: NDArray[np.int64], codes: Codes) -> tuple[Any, Any, Any]:
    """Distinct keys, the most frequent code of each, and its rows."""
    width = int(codes.max(initial=0)) + 1
    pairs, counts = np.unique(key * width + codes, return_counts=True)
    order = np.lexsort((counts, pairs // width))
    owner = pairs[order] // width
    last = np.flatnonzero(np.append(owner[1:] != owner[:-1], True))
    return owner[last], (pairs[order][last] % width).astype(np.int32), counts[order][last]


def _told(rows: NDArray[np.int64], hits: NDArray[np.int64], codes: Codes) -> NDArray[np.bool_]:
    """Keys from which codes follow: all of them, or those of which hardly a row differs.

    Where a few keys alone have exceptions, as a type of aircraft that comes with two numbers of
    seats, what follows from them is drawn.
    """
    whole = int(rows.sum())
    varied = 1 - np.bincount(codes).max() / whole
    if _few(whole - int(hits.sum()), whole, varied):
        return np.ones(len(rows), bool)
    told: NDArray[np.bool_] = rows - hits <= TOLERANCE * rows
    return told if varied > _SPREAD else np.zeros(len(rows), bool)


def _build(
    given: tuple[str, ...], made: str, columns: Mapping[str, Feature], group: NDArray[np.int64],
    k: int, least: float = _COVERED,
) -> MapRule | None:  # fmt: skip
    """The map over all rows, if most of them agree and k entities stand behind most of it."""
    width = columns[given[-1]].size
    key, codes = _fused([columns[g].codes for g in given], width), columns[made].codes
    known = (key >= 0) & (codes >= 0)
    if known.sum() < _FEWEST or ((key >= 0) & (codes == -1)).any():
        return None
    key, codes, group = key[known], codes[known], group[known]
    owner, mode, hits = _modes(key, codes)
    if len(owner) > len(key) // _REPEATED:
        return None
    place = np.searchsorted(owner, key)
    agree = mode[place] == codes
    size = int(group.max(initial=0)) + 1
    pairs = np.unique(place[agree].astype(np.int64) * size + group[agree])
    entities = np.bincount(pairs // size, minlength=len(owner))
    told = _told(np.bincount(place), hits, codes)
    kept = (entities >= k) & told
    if kept[place].mean() < least:
        return None
    varied = owner[(entities >= k) & ~told]
    return MapRule(given, made, width, owner[kept], mode[kept], varied=varied)
