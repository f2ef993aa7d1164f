"""What keeps rules across tables while a block is drawn: copies, marks, and totals of children."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.joined import Place
from synthlake.ports import Codes, Redraw
from synthlake.seed import Words

_TRIES = range(40, 56)  # numbers of further draws, by which a family without a mark finds one
_UNIT = 2.0**-53

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Copy:
    """A column that has the value of a parent's column.

    Attributes:
        column: its own name.
        of: the parent's, as rules call it.
        nulls: whether it is NULL where the parent's is; else it is as drawn there.
    """

    column: str
    of: str
    nulls: bool = False


@dataclass(frozen=True)
class Mark:
    """A column of which one row of each family has a marking code.

    Attributes:
        column: its name.
        hot: codes that mark; the first is written where none was drawn.
        cold: the code of all other rows, where a marking one was drawn.
        optional: whether families may have none.
    """

    column: str
    hot: tuple[int, ...]
    cold: int
    optional: bool = False

    def settle(self, codes: Codes, family: Index, words: Words, redraw: Redraw) -> Codes:
        """Codes of which one of each family marks.

        Of several marks one is left, by the words. In a family without one, all rows are drawn
        again until some are marked, so that a row is as likely to be as its columns make it.

        Args:
            codes: as drawn.
            family: number of each row's family, ascending; below 0 for rows of none.
            words: of the rows.
            redraw: draws rows again.
        """
        rows = np.flatnonzero(family >= 0)
        if not len(rows):
            return codes
        starts = np.flatnonzero(np.append(True, family[rows][1:] != family[rows][:-1]))
        where = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(rows))))
        hot = np.isin(codes[rows], self.hot)
        chosen, drawn = hot.copy(), codes[rows].copy()
        for number in () if self.optional else _TRIES:
            bare = np.bincount(where, chosen, len(starts)) == 0
            some = np.flatnonzero(bare[where])
            if not len(some):
                break
            again = redraw(rows[some], number)
            chosen[some] = np.isin(again, self.hot)
            drawn[some] = np.where(chosen[some], again, drawn[some])
        if not self.optional:
            bare = np.bincount(where, chosen, len(starts)) == 0
            chosen |= bare[where]
        place = (words[rows] >> np.uint64(11)).astype(np.float64) * _UNIT
        order = np.lexsort((place, ~chosen, where))
        first = order[starts]
        one = np.zeros(len(rows), bool)
        one[first[chosen[first]]] = True
        marked = np.where(np.isin(drawn, self.hot), drawn, np.int32(self.hot[0]))
        other = np.where(np.isin(codes[rows], self.hot), np.int32(self.cold), codes[rows])
        out = codes.copy()
        out[rows] = np.where(one, marked, other)
        return out


@dataclass(frozen=True)
class Total:
    """A column that is computed from the rows' children.

    Attributes:
        column: its name.
        function: ``sum``, ``count``, ``min`` or ``max``.
        child: table of the children.
        label: of their reference.
        part: their column; empty for ``count``.
        empty: whether it is NULL where there are no children, rather than 0.
    """

    column: str
    function: str
    child: str
    label: str
    part: str = ""
    empty: bool = False


@dataclass(frozen=True)
class Balance:
    """A column whose values add up to a constant in each family.

    Attributes:
        column: its name.
        goal: the constant, in ticks.
        low, high: least and greatest tick that rules allow; None for no bound.
    """

    column: str
    goal: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Across:
    """What ties one table to its parents and its children.

    Attributes:
        places: columns of parents that are read when rows are made.
        copies, marks, totals, balances: own columns.
    """

    places: tuple[Place, ...] = ()
    copies: tuple[Copy, ...] = ()
    marks: tuple[Mark, ...] = ()
    totals: tuple[Total, ...] = ()
    balances: tuple[Balance, ...] = ()

    def copy_of(self, column: str) -> Copy | None:
        """The copy that a column is."""
        return next((c for c in self.copies if c.column == column), None)

    def mark_of(self, column: str) -> Mark | None:
        """The mark that a column is."""
        return next((m for m in self.marks if m.column == column), None)

    def settles(self, column: str) -> bool:
        """Whether a column is settled with those of its family."""
        return self.mark_of(column) is not None or self.balance_of(column) is not None

    def balance_of(self, column: str) -> Balance | None:
        """The balance of a column."""
        return next((b for b in self.balances if b.column == column), None)

    def to_json(self) -> dict[str, Any]:
        """All of it, for the artifact."""
        return {
            "places": [asdict(one) for one in self.places],
            "copies": [asdict(one) for one in self.copies],
            "marks": [asdict(one) for one in self.marks],
            "totals": [asdict(one) for one in self.totals],
            **({"balances": [asdict(b) for b in self.balances]} if self.balances else {}),
        }


def across_from_json(form: Mapping[str, Any]) -> Across:
    """What ``to_json`` described."""
    marks = tuple(Mark(**{**m, "hot": tuple(m["hot"])}) for m in form.get("marks", ()))
    return Across(
        tuple(Place(**p) for p in form.get("places", ())),
        tuple(Copy(**c) for c in form.get("copies", ())),
        marks,
        tuple(Total(**t) for t in form.get("totals", ())),
        tuple(Balance(**b) for b in form.get("balances", ())),
    )
