"""Parents as their children see them: real rows, phantoms beyond them, and nobody at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import coded, plain
from synthlake.errors import SampleError
from synthlake.ports import Codes
from synthlake.relational.feistel import Permutation, strided
from synthlake.relational.keys import apportion
from synthlake.relational.links import CODE, DEGREE
from synthlake.relational.model import Link, Phantoms
from synthlake.relational.plan import NULL_FAMILY, SamplePlan
from synthlake.schema.model import ForeignKey, Table
from synthlake.seed import Seed, Words, below, mulhigh, unit

Index = NDArray[np.int64]
_WHOLE = 38  # digits of the widest decimal of 128 bits


@dataclass(frozen=True)
class PhantomParents:
    """Missing parents of one foreign key in one sample.

    Attributes:
        label: of the key.
        count: how many.
        children: of each code, where that is known: no code has more parents than these.
    """

    label: str
    model: Phantoms
    count: int
    seed: Seed
    children: Index | None = None

    def codes(self) -> NDArray[np.int64]:
        """The phantom code of each; shape (count,)."""
        weights = self.model.weights
        most = [self.count] * len(weights)
        if self.children is not None and self.children.sum() >= self.count:
            most = self.children.tolist()
        quotas = apportion(self.count, weights, most)
        return np.repeat(np.arange(len(weights)), quotas)

    def degrees(self) -> Index:
        """Children of each: quantiles in a random order, so that even a few are true."""
        codes = self.codes()
        if self.model.synthesizer is None or self.model.degrees is None:
            whole = round(self.model.mean * self.count)
            steps = (np.arange(self.count + 1) * whole) // max(self.count, 1)
            return np.maximum(np.diff(steps), 1)
        drawn: dict[str, Codes] = {}
        words = self._even(codes)

        def settle(name: str, found: Codes, redraw: object) -> Codes:
            drawn[name] = found
            return found

        self.model.synthesizer.sample(
            [DEGREE], {CODE: codes.astype(np.int32)}, lambda name, number: words, settle
        )
        within = self.seed.words(self.label, "phantom", 0, self.count, 1)
        ticks, null = self.model.degrees.draw(drawn[DEGREE], within)
        found = np.maximum(np.where(null, 1, ticks), 1).astype(np.float64)
        # bins of few keys are wide: the mean is known better than they tell
        true = np.floor(np.cumsum(found * (self.model.mean * self.count / found.sum())) + 0.5)
        made: Index = np.maximum(np.diff(true, prepend=0.0), 1).astype(np.int64)
        return made

    def _even(self, codes: NDArray[np.int64]) -> Words:
        """Words whose upper halves are evenly spread within each code."""
        out = self.seed.words(self.label, "phantom", 0, self.count, 2) & np.uint64(0xFFFFFFFF)
        for code in np.unique(codes):
            rows = np.flatnonzero(codes == code)
            order = Permutation(len(rows), self.seed.key(self.label, f"phantom{code}") % 2**64)
            middle = order(np.arange(len(rows))).astype(np.float64) + 0.5
            high = np.floor(middle / len(rows) * 2.0**32).astype(np.uint64)
            out[rows] |= high << np.uint64(32)
        return out


def fitted(stubs: Index, totals: Index, real: int) -> Index:
    """Stubs before each block, as many of a code as it has children where these are fewer.

    Else stubs without a child would leave parents without one. Phantoms have as many stubs as
    children in any case.

    Args:
        stubs: shape (blocks + 1, codes), before each block of parents; the last one is of phantoms.
        totals: shape (codes,), children of each code.
        real: codes of real parents; those of phantoms follow.
    """
    sizes = stubs[-1]
    phantom = np.arange(len(sizes)) >= real
    fits = (totals > 0) & (sizes > 0) & ((totals < sizes) | phantom)
    out = np.empty_like(stubs)
    for block, before in enumerate(stubs):  # all at once would take many times the memory
        out[block] = np.where(fits, mulhigh(before, totals, sizes), before)
    return out


def fitting(codes: Index, degrees: Index, totals: Index) -> Index:
    """Degrees of a block of parents that add up to its stubs of each code.

    Who has children keeps one or more, as far as they suffice: how many have none is known better
    than how many children a code draws.

    Args:
        codes: of the parents.
        degrees: children of each.
        totals: stubs of each code.
    """
    out = degrees.astype(np.int64)
    sums = np.bincount(codes, degrees, len(totals)).astype(np.int64)
    for code in np.flatnonzero(sums != totals):
        rows = np.flatnonzero((codes == code) & (degrees > 0))
        least, room = min(int(totals[code]), len(rows)), int(totals[code])
        more = (degrees[rows] - 1).astype(np.float64)
        more = more if more.any() else np.ones(len(rows))
        ends = np.floor(np.cumsum(more) * ((room - least) / max(more.sum(), 1.0)) + 0.5)
        out[rows] = np.diff(ends, prepend=0.0).astype(np.int64)
        out[rows[:least]] += 1
    return out


def drawn_of(link: Link, parents: int, key: int, rows: Index, whole: int) -> Index:
    """Which of the parents that are no categories each row has, each as often as it should.

    Rows take evenly spread places along all of these, neighbours far from each other.

    Args:
        link: knows how many of them have how many children.
        parents: how many there are.
        key: decides which has which.
        rows: numbers of the rows, among all of the table that have such a parent.
        whole: how many these are, about.
    """
    weights = np.repeat([mean for _, mean in link.shares], [n for n, _ in link.shares])
    if len(weights) != parents or not weights.sum() > 0:
        weights = np.ones(max(parents, 1))
    order = Permutation(len(weights), key % 2**64)(np.arange(len(weights)))
    ends = np.cumsum(weights[order])
    size, words = max(whole, 1), np.full(len(rows), (key >> 64) % 2**64, np.uint64)
    place = strided(rows % size, np.full(len(rows), size), words >> np.uint64(8))
    at = (place + unit(words)) / size * ends[-1]
    last = int(np.flatnonzero(weights[order])[-1])
    found: Index = np.minimum(np.searchsorted(ends, at, side="right"), last).astype(np.int64)
    return found


def virtual_rows(plan: SamplePlan, parent: str, label: str) -> int:
    """Parents of an own key: real ones, phantoms, and families without a parent."""
    families = -(-plan.nulls.get(label, 0) // NULL_FAMILY)
    return plan.rows[parent] + plan.phantoms.get(label, 0) + families


def null_families(rows: int) -> Index:
    """Sizes of the families without a parent."""
    whole, rest = divmod(rows, NULL_FAMILY)
    return np.array([NULL_FAMILY] * whole + ([rest] if rest else []), np.int64)


def multiplied(counts: Index, times: NDArray[np.float64], words: Words) -> Index:
    """Counts times factors, rounded up or down at random so that the mean is right."""
    exact = counts * times
    whole = np.floor(exact)
    more = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53 < exact - whole
    made: Index = (whole + more).astype(np.int64)
    return made


@dataclass(frozen=True)
class Stubs:
    """Which parent each child of a cluster key has.

    The parents of a code own a stub for each of their children; a child's rank within its code is
    permuted and scaled onto the stubs. Ranks that follow each other, such as those of siblings, lie
    far apart there, so that siblings have different parents where these are enough.
    Source: configuration model (Bollobas 1980).
    """

    link: Link
    label: str
    plan: SamplePlan
    seed: Seed

    ANY: ClassVar[int] = -2  # in place of a code: any parent, as none has stubs

    @property
    def _sizes(self) -> Index:
        """Stubs of each code."""
        sizes: Index = self.plan.stubs[self.label][-1]
        return sizes

    def standing(self, codes: Codes) -> Codes:
        """The codes whose parents take the children of these: the nearest ones with stubs.

        Small samples have codes without a parent. Phantoms stand in for phantoms, and for all if
        the sample has no parents; -1 where there is nobody at all.
        """
        table = self._standing
        return table[np.where(codes < 0, len(table) - 1, codes)]

    @cached_property
    def _standing(self) -> Codes:
        """The code that stands for each one; the last place is of rows without a code."""
        sizes, real = self._sizes, self.link.codes
        there = np.flatnonzero(sizes > 0)
        known = [there[there < real], there[there >= real]]
        out = np.full(len(sizes) + 1, -1, np.int32)
        for code, size in enumerate(sizes):
            found = next((k for k in (known if code < real else known[::-1]) if len(k)), None)
            if code < real and not len(known[0]) and self._parents:
                out[code] = Stubs.ANY
            elif size:
                out[code] = code
            elif found is not None:
                out[code] = found[np.argmin(np.abs(found - code))]
            elif self._parents:
                out[code] = Stubs.ANY
        return out

    @cached_property
    def _keys(self) -> Words:
        """The key of each code's permutation."""
        codes = range(len(self.plan.codes[self.label].total))
        keys = [self.seed.key(self.label, f"stubs{code}") % 2**64 for code in codes]
        return np.array(keys, np.uint64)

    @property
    def _parents(self) -> int:
        """Real parents."""
        return self.plan.rows[self.link.fk.references]

    def found(self, codes: Codes, ranks: Index) -> tuple[Codes, Index]:
        """The code and the number of the stub of each child, by its rank."""
        return self.standing(codes), self.places(codes, ranks)

    def others(self, codes: Codes, words: Words, again: int) -> tuple[Codes, Index]:
        """Any other stub of the codes of children, for the try of a number."""
        standing = self.standing(codes)
        return standing, below(words, self.room(standing))

    def room(self, standing: Codes) -> Index:
        """Stubs that there are for each row."""
        sizes = np.append(self._sizes, [self._parents, 0])  # ANY, and nobody
        return sizes[standing]

    def places(self, codes: Codes, ranks: Index) -> Index:
        """Stub numbers of children, counted within their code."""
        totals, keys = self.plan.codes[self.label].total, self._keys
        out = np.zeros(len(codes), np.int64)
        known = np.flatnonzero(codes >= 0)
        at = codes[known]
        if len(known):
            spread = strided(ranks[known], totals[at], keys[at])
            out[known] = mulhigh(spread, self.room(self.standing(at)), totals[at])
        return out


def ranks_of(codes: Codes, before: Index) -> Index:
    """The rank of each child within its code: those of earlier blocks, then those of its own."""
    out = np.zeros(len(codes), np.int64)
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    first = np.searchsorted(ordered, ordered, side="left")
    out[order] = np.arange(len(codes)) - first
    known = codes >= 0
    out[known] += before[codes[known]]
    return out


def with_nulls(
    arrays: Mapping[str, pa.Array[Any]], gone: NDArray[np.bool_]
) -> dict[str, pa.Array[Any]]:
    """Key columns without a value where there is no parent."""
    if not gone.any():
        return dict(arrays)
    mask = pa.array(gone)
    return {n: pa.compute.if_else(mask, pa.nulls(len(a), a.type), a) for n, a in arrays.items()}


def typed(
    keys: Mapping[str, pa.Array[Any]], fk: ForeignKey, table: Table
) -> dict[str, pa.Array[Any]]:
    """Columns of a parent as those of a child that refers to them."""
    return {
        column: as_type(keys[to], table.column(column).type)
        for column, to in zip(fk.columns, fk.to, strict=True)
    }


def as_type(array: pa.Array[Any] | pa.ChunkedArray[Any], dtype: pa.DataType) -> pa.Array[Any]:
    """One array of a type.

    Raises:
        SampleError: the type does not hold all values, as where a child's is narrower than its
            parent's and the parent has many rows.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.type == dtype:
        return array
    try:
        if pa.types.is_dictionary(dtype):
            return coded(plain(array), dtype)
        if pa.types.is_decimal(dtype) and pa.types.is_integer(array.type):
            array = array.cast(pa.decimal128(_WHOLE, 0))  # Arrow asks for room for any number
        made: pa.Array[Any] = array.cast(dtype)
    except pa.ArrowException:
        raise SampleError(
            f"keys of the type {array.type} do not all fit into {dtype}",
            hint="ask for fewer rows, or give the column the type of what it refers to",
        ) from None
    return made
