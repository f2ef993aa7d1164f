"""Values of a family that add up to a constant: entries of a booking, shares of a whole.

Rows are drawn as any others. Where those of a family do not add up, one after another takes a
further draw from its own leaf: each time the one, of all rows and draws of the family, that brings
the sum nearest to the constant. So few rows change, and each for a value that is as likely for it.
What is left after some rounds goes to all rows of the family in even parts. All this is a function
of the family, which one block holds as a whole.
Source: greedy local search for subset sums; exact conditioning would take a draw for each sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.bounds import exact, per_tick, single
from synthlake.constraints.declared import Declared
from synthlake.constraints.rule import Mask
from synthlake.encode.axis import Axis, Ticks, plain
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import LearnError, SampleError
from synthlake.ports import Codes, Redraw
from synthlake.relational.across import Balance
from synthlake.relational.apportion import rounded
from synthlake.relational.columns import TableData
from synthlake.relational.declare import Declaration, unlearn
from synthlake.relational.model import Attribute, column_id
from synthlake.seed import Words

if TYPE_CHECKING:
    from synthlake.relational.attributes import Frame

Index = NDArray[np.int64]
Place = tuple[Ticks, Mask]

_FIRST, _DRAWS, _ROUNDS = 200, 8, 4  # numbers of further draws: so many at a time, so often
_WITHIN = 100  # added for their place within a bin
_STEPS = 64  # rows of a family that change in one round
_EXACT = 2**44  # ticks of which a quarter of a million add up within 64 bits


# learning


def balances(said: Declaration, attributes: Sequence[Attribute]) -> tuple[Balance, ...]:
    """The balances that are declared of a table.

    Raises:
        LearnError: a column has no number that k entities share, or cannot add up to the constant.
    """
    codecs = {a.column: a.codec for a in attributes}
    return tuple(_balance(said, rule, codecs.get(rule.rule["balance"]))
                 for rule in said.terms.balances)  # fmt: skip


def _balance(said: Declaration, rule: Declared, codec: Any) -> Balance:
    name, equals = rule.rule["balance"], rule.rule.get("equals", 0)
    if not isinstance(codec, NumericCodec) or not len(codec.low):
        raise LearnError(
            f"{rule.where}: no number of {name} is shared by k = {said.data.k} entities",
            hint="leave the rule out, or lower k",
        )
    axis = codec.axis
    if axis.continuous and pa.types.is_decimal(axis.value_type):
        raise LearnError(
            f"{rule.where}: {name} has decimals of more than 18 digits, which are not added up",
            hint="leave the rule out, or declare fewer digits",
        )
    if not axis.continuous and max(-int(codec.low[0]), int(codec.high[-1])) >= _EXACT:
        raise LearnError(
            f"{rule.where}: {name} has numbers of more than 13 digits, which are not added up",
            hint="leave the rule out, or declare fewer digits",
        )
    goal = exact(equals, axis.type) / per_tick(axis)
    if not axis.continuous and goal.denominator != 1:
        raise LearnError(
            f"{rule.where}: numbers of {name} do not add up to {equals}: they have fewer digits",
            hint="check `equals` against the data",
        )
    limits = said.terms.limits.get(name)
    low, high = limits.ticks(axis) if limits is not None else (None, None)
    return Balance(name, float(goal) if axis.continuous else int(goal), low, high)


def with_balances(frame: Frame, data: TableData, family: Index) -> Frame:
    """The frame of a table without the numbers of families that do not add up.

    Args:
        frame: of the table.
        data: what is learned from.
        family: number of each row's parent, by key; below 0 for rows of none.

    Raises:
        LearnError: the rows of families that keep a rule have fewer than k entities.
    """
    drawn = dict(frame.drawn)
    axes = {a.column: a.codec.axis for a in frame.attributes if isinstance(a.codec, NumericCodec)}
    for balance in frame.across.balances:
        key, axis = column_id(balance.column), axes[balance.column]
        wrong = _unbalanced(data, balance, axis, family)
        if len(np.unique(data.group[(family >= 0) & ~wrong])) < data.k:
            raise LearnError(
                f"{data.name}.{balance.column} adds up in families of fewer than k = {data.k} "
                "entities",
                hint="check the rule `balance` against the data",
            )
        unlearn(drawn, key, wrong)
    return replace(frame, drawn=drawn)


def _unbalanced(data: TableData, balance: Balance, axis: Axis, family: Index) -> Mask:
    """Rows of families whose numbers do not add up; those of which all are NULL are free."""
    array: Any = plain(data.sample[balance.column])
    size = int(family.max(initial=-1)) + 1
    there = (family >= 0) & np.asarray(array.is_valid())
    who = family[there]
    if axis.continuous or pa.types.is_floating(array.type):
        goal = balance.goal * float(per_tick(axis))
        values = np.asarray(array.cast(pa.float64(), safe=False).fill_null(0.0))[there]
        scale = np.bincount(who, np.abs(values), size) + 1
        bad = ~(np.abs(np.bincount(who, values, size) - goal) <= slack_of(array.type) * scale)
    else:
        sums = np.zeros(size, np.int64)
        np.add.at(sums, who, axis.ticks(array)[0][there])
        bad = sums != balance.goal
    bad = np.append(bad & (np.bincount(who, minlength=size) > 0), False)  # the last for no family
    found: Mask = bad[np.where(family >= 0, family, size)]
    return found


def slack_of(dtype: pa.DataType) -> float:
    """What adding floats may lose, of the sum of their sizes."""
    return 1e-6 if single(dtype) else 1e-9


# making


@dataclass(frozen=True)
class Drawn:
    """What a column's values are balanced within.

    Attributes:
        number: of each row's family, ascending; below 0 for rows of none.
        name: of the table and the column.
        codec: of the column.
        redraw: draws rows again.
        words: of the column's draws, by their number.
    """

    number: Index
    name: str
    codec: NumericCodec
    redraw: Redraw
    words: Callable[[int], Words]


def evened(balance: Balance, codes: Codes, place: Place, family: Drawn) -> tuple[Codes, Place]:
    """Codes and values of which those of each family add up.

    NULLs stay, and so do families of nothing else.

    Args:
        balance: to what they add up.
        codes: as drawn.
        place: values within the bins of the codes.
        family: of the rows.

    Raises:
        SampleError: a family has too few or too many rows for what its values may be.

    Cost: eight draws of the column for each row of a family that does not add up, up to 32.
    """
    sums = _Sums(balance, codes, place, family)
    for number in range(_ROUNDS):
        if not sums.left.any():
            break
        sums.swap(_FIRST + number * _DRAWS)
    sums.share()
    return sums.settled(codes, place)


class _Sums:
    """Values of a block, and what their families lack.

    Attributes:
        rows: those that have a family and a value, ascending by family.
        who: number of the family of each, from 0 without gaps.
        ticks: their values.
        left: by family, what is lacking.
    """

    def __init__(self, balance: Balance, codes: Codes, place: Place, family: Drawn) -> None:
        self._balance, self._family = balance, family
        self.rows = np.flatnonzero((family.number >= 0) & (codes >= 0))
        self.who = np.unique(family.number[self.rows], return_inverse=True)[1].astype(np.int64)
        codec = family.codec
        usual = codec.low[len(codec.low) // 2]  # in place of NaN and infinities
        self.ticks = np.where(place[1][self.rows], usual, place[0][self.rows])
        self.left = self._lacking()

    def _lacking(self) -> Ticks:
        size = int(self.who.max(initial=-1)) + 1
        added = np.zeros(size, self.ticks.dtype)
        np.add.at(added, self.who, self.ticks)
        left: Ticks = self._balance.goal - added
        if self.ticks.dtype.kind == "f":
            scale = np.bincount(self.who, np.abs(self.ticks), size) + 1
            left = np.where(np.abs(left) <= 1e-12 * scale, 0.0, left)
        return left

    def swap(self, number: int) -> None:
        """Let rows of families that lack something take further draws of theirs."""
        some = np.flatnonzero(self.left[self.who] != 0)
        steps, words = self._steps(some, number), self._family.words(number)[self.rows[some]]
        who = self.who[some]
        for _ in range(_STEPS):
            if not len(some):
                return
            after = np.abs(self.left[who][:, None] - steps)
            best = after.argmin(1)
            first = _nearest(after[np.arange(len(best)), best], words, who)
            step, at = steps[first, best[first]], who[first]
            nearer = np.abs(self.left[at] - step) < np.abs(self.left[at])
            first, step, at = first[nearer], step[nearer], at[nearer]
            self.ticks[some[first]] += step
            self.left[at] -= step
            steps[first] -= step[:, None]
            stays = np.isin(who, at[self.left[at] != 0])
            some, steps, words, who = some[stays], steps[stays], words[stays], who[stays]
        if self.ticks.dtype.kind == "f":
            self.left = self._lacking()

    def _steps(self, some: Index, number: int) -> Ticks:
        """From values to those of further draws, shape (rows, draws); 0 where these are NULL."""
        codec, rows = self._family.codec, self.rows[some]
        steps = np.zeros((len(some), _DRAWS), self.ticks.dtype)
        for draw in range(_DRAWS):
            codes = self._family.redraw(rows, number + draw)
            words = self._family.words(number + draw + _WITHIN)[rows]
            ticks, null = codec.draw(codes, words)
            steps[:, draw] = np.where(null, 0, ticks - self.ticks[some])
        return steps

    def share(self) -> None:
        """Give what is left to all rows of a family, evenly in whole steps of the column.

        Values stay within those that were learned, unless there are too few rows for that.
        """
        families = np.flatnonzero(self.left)
        if not len(families):
            return
        some = np.flatnonzero(np.isin(self.who, families))
        who = np.searchsorted(families, self.who[some])
        left, ends = self.left[families], self._ends(some, families, who)
        if self.ticks.dtype.kind == "f":
            self.ticks[some] = _spread(self.ticks[some], who, left, ends)
            return
        unit = np.where(left % self._family.codec.step == 0, self._family.codec.step, 1)[who]
        above, rest = np.divmod(self.ticks[some] - ends[0], unit)
        room = np.bincount(who, above, len(left)).astype(np.int64) + left // unit[_starts(who)]
        made = rounded(above.astype(float), who, room, (ends[1] - ends[0] - rest) // unit)
        self.ticks[some] = ends[0] + rest + made * unit
        if self._lacking()[families].any():
            raise self._error()

    def _ends(self, some: Index, families: Index, who: Index) -> tuple[Ticks, Ticks]:
        """By row, the least and the greatest value that it may have."""
        codec, balance = self._family.codec, self._balance
        count = np.bincount(who, minlength=len(families))
        each = balance.goal / count
        low, high = np.floor(each), np.ceil(each)
        if self.ticks.dtype.kind == "f":
            low = high = each
        low = np.minimum(low, codec.low[0])[who]
        high = np.maximum(high, codec.high[-1])[who]
        beyond = balance.low is not None and bool((low < balance.low).any())
        if beyond or (balance.high is not None and bool((high > balance.high).any())):
            raise self._error()
        kind = self.ticks.dtype
        ends = low.astype(kind), high.astype(kind)
        return np.minimum(ends[0], self.ticks[some]), np.maximum(ends[1], self.ticks[some])

    def _error(self) -> SampleError:
        goal = self._balance.goal * float(per_tick(self._family.codec.axis))
        return SampleError(
            f"{self._family.name}: within its `range`, values of some families cannot add up to "
            f"{goal:g}, as these have too many rows or too few",
            hint="widen the `range`, or leave the rule `balance` out",
        )

    def settled(self, codes: Codes, place: Place) -> tuple[Codes, Place]:
        """All codes and values of the block, with those that changed."""
        ticks, null, codes = place[0].copy(), place[1].copy(), codes.copy()
        changed = null[self.rows] | (ticks[self.rows] != self.ticks)
        rows, made = self.rows[changed], self.ticks[changed]
        ticks[rows], null[rows] = made, False
        codes[rows] = self._family.codec.encode_ticks(made, np.zeros(len(rows), bool))
        return codes, (ticks, null)


def _starts(who: Index) -> Index:
    """Where each family begins."""
    return np.flatnonzero(np.append(True, who[1:] != who[:-1])) if len(who) else who


def _nearest(distance: Ticks, words: Words, who: Index) -> Index:
    """Of each family the row of the least distance; of equals the one with the least word."""
    starts = _starts(who)
    size = np.diff(np.append(starts, len(who)))
    least = np.repeat(np.minimum.reduceat(distance, starts), size)
    word = np.where(distance == least, words, np.uint64(2**64 - 1))
    chosen = np.flatnonzero(word == np.repeat(np.minimum.reduceat(word, starts), size))
    found: Index = chosen[_starts(who[chosen])]
    return found


def _spread(ticks: Ticks, who: Index, left: Ticks, ends: tuple[Ticks, Ticks]) -> Ticks:
    """Floats that each take a share of what is left, as far as they have room."""
    low, high = ends
    room = np.where(left[who] > 0, high - ticks, ticks - low)
    total = np.bincount(who, room, len(left))
    share = np.abs(left) / np.where(total > 0, total, 1.0)
    made: Ticks = np.clip(ticks + np.sign(left)[who] * share[who] * room, low, high)
    return made
