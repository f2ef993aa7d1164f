"""Rows that break a declared rule are drawn again, by the words of further draw numbers.

What is drawn again of a row begins at the columns that the rule speaks of (those of ``then`` first)
and goes on to the end, given all that was drawn before them: as a row would be that had come out
right at once. Only where this does not help is more of the row drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.declared import Declared, declared
from synthlake.constraints.rule import Cells
from synthlake.constraints.verdict import broken
from synthlake.encode.axis import indices
from synthlake.errors import SampleError
from synthlake.models.chained import Asked, sample_chained
from synthlake.models.registry import trees_of
from synthlake.ports import Codes, Redraw
from synthlake.relational.above import with_above
from synthlake.relational.chaining import RetryChain
from synthlake.relational.dated import Live
from synthlake.relational.model import TableModel, column_id, view_id
from synthlake.relational.rows import WITHIN, Block, mixed
from synthlake.seed import Words

_STAGES = (("first", 8), ("all", 24), ("row", 64), ("elsewhere", 904))
_PASS = 8_192  # rows that are drawn at once
_HOPELESS = 20_000  # rows drawn, none of them right, after which a block is given up

Index = NDArray[np.int64]


def keep_rules(block: Block) -> None:
    """Draw rows of a block again until all keep the rules of the table.

    Raises:
        SampleError: a row still breaks a rule after 1,000 draws; names the rule and the share of
            drawn rows that keep it.
    """
    enforced = block.model.enforced
    if enforced is None or not enforced.tried or not block.rows:
        return
    every = declared(with_above(block.model.table, block.uppers))
    _Redrawing(block, [every[number] for number in enforced.tried]).run()


class _Redrawing:
    """One block and its rules."""

    def __init__(self, block: Block, rules: Sequence[Declared]) -> None:
        self.block, self.rules = block, rules
        self.names = {n for rule in rules for n in rule.columns}
        self.places = _Places(block.model)
        self.end = max(self.places.last(n) for n in self.names - set(block.uppers)) + 1
        self.tried = self.kept = 0
        self.last = np.zeros((len(rules), 0), bool)

    def run(self) -> None:
        """Stage after stage."""
        wrong = broken(self.rules, self.block.arrays(self.names))
        bad, attempt = np.flatnonzero(wrong.any(0)), 1
        for stage, most in _STAGES:
            end = attempt + most
            while len(bad) and attempt < end:
                times = min(max(_PASS // len(bad), 1), end - attempt)
                bad = self._pass(bad, wrong, stage, np.arange(attempt, attempt + times))
                attempt += times
                if self.tried > _HOPELESS and not self.kept and len(bad) == self.block.rows:
                    raise self._error(bad)
        if len(bad):
            raise self._error(bad)

    def _pass(self, bad: Index, wrong: Any, stage: str, attempts: Index) -> Index:
        """Draw rows once for each attempt, take the first that is right; returns the rest."""
        place, attempt = np.tile(bad, len(attempts)), np.repeat(attempts, len(bad))
        since = np.tile(self._since(wrong[:, bad], stage), len(attempts))
        prefix = self._elsewhere(bad, place, attempt) if stage == "elsewhere" else place
        rows = Rows(place, prefix, attempt, since, self.places)
        retry = Retry.of(self.block, rows)
        retry.draw(self.block.model.order[: self.end])
        self.last = broken(self.rules, retry.arrays(self.names))
        right = np.flatnonzero(~self.last.any(0))
        self.tried, self.kept = self.tried + len(place), self.kept + len(right)
        found, first = np.unique(place[right], return_index=True)
        if len(found):
            whole = Retry.of(self.block, rows.take(right[first]))
            whole.draw(self.block.model.order)
            whole.adopt()
        return np.setdiff1d(bad, found)

    def _since(self, wrong: NDArray[np.bool_], stage: str) -> Index:
        """The place in the order from which each row is drawn again."""
        out = np.full(wrong.shape[1], len(self.block.model.order))
        for rule, rows in zip(self.rules, wrong, strict=True):
            names = rule.first if stage == "first" else rule.columns
            own = [n for n in names if n not in self.block.uppers]
            place = min((self.places.of(n) for n in own), default=self.places.first)
            out[rows] = np.minimum(out[rows], place)
        return out if stage in ("first", "all") else np.full_like(out, self.places.first)

    def _elsewhere(self, bad: Index, place: Index, attempt: Index) -> Index:
        """For each row, one that is right: with its parent and references a right one is likely."""
        good = np.setdiff1d(np.arange(self.block.rows), bad)
        if not len(good):
            return place
        words = mixed(self.block, "elsewhere", 0, attempt, place)
        return good[(words % np.uint64(len(good))).astype(np.int64)]

    def _error(self, bad: Index) -> SampleError:
        worst = int(self.last.sum(1).argmax())
        share = 1.0 - float(self.last[worst].mean())
        return SampleError(
            f"{self.rules[worst].where}: {len(bad):,} of {self.block.rows:,} rows of a block break "
            f"it however often they are drawn; {share:.2%} of the rows drawn last keep it",
            hint="check it together with the table's other rules: they may exclude each other",
        )


class _Places:
    """Where columns stand in the order in which a table is drawn.

    Attributes:
        first: place of the first column that may be drawn again: keys and numbers of children are
            counted before any row is made, and stay.
    """

    def __init__(self, model: TableModel) -> None:
        self._model = model
        self.order = {name: place for place, name in enumerate(model.order)}
        steps = model.sequence.increments if model.sequence else {}
        fixed = [p for n, p in self.order.items()
                 if n[:2] not in ("c:", "j:") or n in model.distinct or n in steps
                 or model.across.settles(n.removeprefix(column_id("")))]  # fmt: skip
        self.first = max(fixed, default=-1) + 1

    def of(self, column: str) -> int:
        """Place of a column, or the first of those that it is made of."""
        return max(min(self._all(column, frozenset()), default=self.first), self.first)

    def last(self, column: str) -> int:
        """Place of a column, or the last of those that it is made of."""
        return max(self._all(column, frozenset()), default=self.first)

    def _all(self, column: str, above: frozenset[str]) -> list[int]:
        key = column_id(column)
        enforced = self._model.enforced
        joint = enforced.joint_of(key) if enforced else None
        found = [self.order[n] for n in (key, joint) if n in self.order]
        for rule in self._model.rules:
            if column in rule.makes and column not in above:
                needs = (n.removeprefix("~") for n in rule.needs)
                found += [place for n in needs for place in self._all(n, above | {column})]
        return found


@dataclass(frozen=True)
class Rows:
    """Rows of a block that are drawn again.

    Attributes:
        place: which rows.
        prefix: rows whose parent and references stand in their place.
        attempt: number of the attempt of each.
        since: place in the order from which each is drawn again.
        places: of the columns.
    """

    place: Index
    prefix: Index
    attempt: Index
    since: Index
    places: _Places

    def take(self, rows: Index) -> Rows:
        """Some of them."""
        return Rows(self.place[rows], self.prefix[rows], self.attempt[rows], self.since[rows],
                    self.places)  # fmt: skip


@dataclass
class Retry(Block):
    """Some rows of a block, drawn again."""

    outer: Block | None = None
    chosen: Rows | None = None

    @classmethod
    def of(cls, outer: Block, rows: Rows) -> Retry:
        """Rows of a block."""
        known = {n: a.take(indices(rows.place)) for n, a in outer.known.items()}
        context = {n: codes[rows.prefix] for n, codes in outer.context.items()}
        above = {n: upper.take(rows.place) for n, upper in outer.uppers.items()}
        return cls(outer.model, outer.seed, outer.start, len(rows.place), known, context,
                   frame=outer.frame, outer=outer, chosen=rows, uppers=above)  # fmt: skip

    def alone(self, column: str) -> bool:
        """A row comes out the same whichever rows are drawn again with it."""
        return True

    def _chained(self, asked: Asked) -> bool:
        """Rows given those before them in the block that they come from."""
        outer, chosen = self._of()
        sequence, trees = self.model.sequence, trees_of(self.model.synthesizer)
        places = outer.places
        if sequence is None or places is None or trees is None or not sequence.later.steps:
            return False
        later = {n: f.codes[chosen.place] for n, f in places.later().items()}
        context = Live({**asked.context, **later}, self)
        asked = Asked(asked.columns, context, asked.draw, asked.settle)
        chain = RetryChain(self, outer, chosen.place, places)
        sample_chained(trees, sequence.steps, asked, chain)
        return True

    def words(self, column: str, number: int) -> Words:
        """Words of the rows' attempts."""
        outer, rows = self._of()
        return mixed(outer, column, number, rows.attempt, rows.place)

    def made_words(self, column: str) -> Words:
        """Words of the attempt from which a row has a column."""
        outer, rows = self._of()
        return mixed(outer, column, WITHIN, self._attempts(column), rows.place)

    def _of(self) -> tuple[Block, Rows]:
        assert self.outer is not None
        assert self.chosen is not None
        return self.outer, self.chosen

    def _attempts(self, name: str) -> Index:
        outer, rows = self._of()
        held = outer.attempts.get(name)
        before = np.zeros(self.rows, np.int64) if held is None else held[rows.place]
        return np.where(self._kept(name), before, rows.attempt)

    def _kept(self, name: str) -> NDArray[np.bool_]:
        """Rows that keep what they have of a column."""
        _, rows = self._of()
        enforced = self.model.enforced
        stands = (enforced.joint_of(name) if enforced else None) or name
        return rows.places.order.get(stands, len(rows.places.order)) < rows.since

    def _settle(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        """The codes that are drawn, or those that the row keeps."""
        super()._settle(name, codes, redraw)
        kept = self._kept(name)
        if kept.any():
            _, rows = self._of()
            later = rows.places.order[name] >= rows.places.first
            self._restore(name, kept, rows.place if later else rows.prefix)
        return self.codes[name]

    def _restore(self, name: str, kept: NDArray[np.bool_], place: Index) -> None:
        outer, _ = self._of()
        for key in (name, *self._members(name)):
            self.drawn[key] = np.where(kept, outer.drawn[key][place], self.drawn[key])
            self.codes[key] = np.where(kept, outer.codes[key][place], self.codes[key])
        for column in _cells_of(name):
            if column in self.cells and column in outer.cells:
                mine, held = self.cells[column], outer.cells[column].take(place)
                self.cells[column] = Cells(
                    np.where(kept, held.ticks, mine.ticks), np.where(kept, held.null, mine.null)
                )

    def _members(self, name: str) -> tuple[str, ...]:
        joints: Mapping[str, Any] = self.model.enforced.joints if self.model.enforced else {}
        return joints[name].columns if name in joints else ()

    def adopt(self) -> None:
        """Give the rows of this block to the one that they come from."""
        outer, chosen = self._of()
        rows = chosen.place
        for name, place in chosen.places.order.items():
            if place < chosen.places.first:
                continue
            for key in (name, *self._members(name)):
                outer.drawn[key] = _put(outer.drawn[key], rows, self.drawn[key])
                outer.codes[key] = _put(outer.codes[key], rows, self.codes[key])
                held = outer.attempts.get(key, np.zeros(outer.rows, np.int64))
                outer.attempts[key] = _put(held, rows, self._attempts(key))
            for column in _cells_of(name):
                if column in outer.cells:
                    old, new = outer.cells[column], self.cells[column]
                    outer.cells[column] = Cells(
                        _put(old.ticks, rows, new.ticks), _put(old.null, rows, new.null)
                    )


def _cells_of(name: str) -> tuple[str, str]:
    column = name.removeprefix(column_id(""))
    return column, view_id(column)


def _put(array: NDArray[Any], rows: Index, values: NDArray[Any]) -> NDArray[Any]:
    """The array with other values in some rows; others may hold the old one."""
    out = array.copy()
    out[rows] = values
    return out
