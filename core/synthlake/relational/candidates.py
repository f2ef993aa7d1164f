"""Rows that satisfy a condition: candidates are weighed, and the likely ones go on.

Columns that are declared as conditions come first, so there is nothing before them to weigh: their
codes are set, and all that follows is drawn given them. For others, columns before the condition
are drawn for more candidates than rows; each candidate weighs as much as the condition is likely
given its columns, and rows go on by systematic resampling.

Source: sequential importance resampling (Gordon, Salmond and Smith, IEE Proceedings F 140(2),
1993); systematic resampling (Kitagawa, J. Computational and Graphical Statistics 5(1), 1996).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.mapping import MapRule
from synthlake.constraints.rule import Cells, Mask
from synthlake.encode.axis import Ticks
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import SampleError
from synthlake.models.registry import guided_of
from synthlake.ports import Admission, Codes, Distribution, Redraw
from synthlake.relational.admitted import Admitted
from synthlake.relational.dated import Live
from synthlake.relational.given import Condition, understand
from synthlake.relational.masking import demanded
from synthlake.relational.model import Model, TableModel, column_id, link_id
from synthlake.relational.rows import WITHIN, Block
from synthlake.seed import Seed, Words, unit

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
LEAST = 0.05  # effective share of candidates below which a condition is refused
LEAST_DECLARED = 0.01  # where only few columns are drawn for candidates
_EVEN = 0.999  # effective share from which candidates count alike
_COARSE = 20  # times k rows, below which leaves are larger than what satisfies a condition
_PILOT = 16_384  # candidates by which a condition is measured
_FEWEST = 1_024  # candidates of a pool
_TRIES = 4  # pools of which none may have a candidate, each four times larger
_BLOCK = 24  # bits of a candidate's number within its block
_FREE = np.int32(-3)  # no map says what the code is


@dataclass(frozen=True)
class Asked:
    """A condition, ready to be drawn.

    Attributes:
        model: of the table.
        condition: with the number of candidates.
        number: of the condition, from 1.
    """

    model: TableModel
    condition: Condition
    number: int

    @cached_property
    def admitted(self) -> dict[str, Admitted]:
        """What is drawn, by feature."""
        return {column_id(a.column): a for a in self.condition.where if not a.late}

    @cached_property
    def rests(self) -> dict[str, Admitted]:
        """What is compared as soon as it is settled, by feature: remainders."""
        made = {n for rule in self.model.rules for n in rule.makes}
        return {column_id(a.column): a for a in self.condition.where
                if a.late and a.column not in made}  # fmt: skip

    @cached_property
    def computed(self) -> tuple[Admitted, ...]:
        """What is compared once all columns are drawn, as a rule computes it."""
        return tuple(a for a in self.condition.where
                     if a.late and column_id(a.column) not in self.rests)  # fmt: skip

    @cached_property
    def admissions(self) -> dict[str, Admission]:
        """Admitted codes by feature, with those of columns from which others follow."""
        shares = {n: a.shares(self._codec(n)) for n, a in self.admitted.items()}
        for rule in reversed(self.model.maps):
            given = rule.given[0]
            if rule.made not in shares or len(rule.given) > 1 or given not in self.model.order:
                continue
            before = shares.get(given, np.ones(self._size(given) + 1))
            allowed = np.ones(len(before))
            allowed[rule.keys] = shares[rule.made][rule.values] > 0
            shares[given] = before * allowed
        return {n: Admission(s) for n, s in shares.items()}

    @cached_property
    def last(self) -> str | None:
        """The column after which rows are chosen; None for the end."""
        names = [*self.admissions, *self.rests]
        if self.computed or not names or guided_of(self.model.synthesizer) is None:
            return None
        return max(names, key=self.model.order.index)

    @property
    def prefix(self) -> Sequence[str]:
        """Columns that decide how likely a candidate is."""
        order = self.model.order
        return order if self.last is None else order[: order.index(self.last) + 1]

    @property
    def least(self) -> float:
        """The least effective share of candidates."""
        declared = [column_id(c) for c in self.model.table.conditions]
        return self.condition.least or (
            LEAST_DECLARED if set(self.prefix) <= set(declared) else LEAST
        )

    def _codec(self, name: str) -> NumericCodec:
        found = next(a for a in self.model.attributes if column_id(a.column) == name)
        return found.codec  # type: ignore[return-value]  # any codec; NULL alone needs none

    def _size(self, name: str) -> int:
        for number, link in enumerate(self.model.links):
            if link_id(number) == name:
                return link.size
        return self._codec(name).size

    def maps(self, name: str) -> list[MapRule]:
        """Rules by which a column follows from others."""
        return [rule for rule in self.model.maps if rule.made == name]


@dataclass
class Candidates(Block):
    """Candidates for rows of a condition, and then the rows.

    Attributes:
        asked: the condition.
        wanted: rows that go on.
        pool: name of the candidates' words; empty where each row has one candidate.
        first: number of the first candidate.
        weight: shape (rows,), how likely the condition is for each.
        done: whether rows have been chosen.
    """

    asked: Asked | None = None
    wanted: int = 0
    pool: str = ""
    first: int = 0
    weight: Floats = field(default_factory=lambda: np.ones(0))
    done: bool = False

    def run(self, columns: Sequence[str]) -> Floats:
        """Draw columns; returns the weights of the candidates, as far as nothing was chosen."""
        self.weight = np.ones(self.rows)
        guided = guided_of(self.model.synthesizer)
        if guided is not None:
            context = Live(self.context, self)
            guided.sample_guided(columns, context, self.words, self._settle, _Guide(self))
        elif self.model.synthesizer is not None:
            self.model.synthesizer.sample(columns, self.context, self.words, self._settle)
        if not self.done:
            for admitted in self._asked.computed:
                self.weight *= admitted.holds(self._ruled()[admitted.column])
        return self.weight

    def words(self, column: str, number: int) -> Words:
        """Words of the candidates, or of the rows that were chosen."""
        if self.done or not self.pool:
            return super().words(column, number)
        return self.seed.words(self.pool, column, self.first, self.rows, number)

    @property
    def _asked(self) -> Asked:
        assert self.asked is not None
        return self.asked

    def choose(self) -> Index | None:
        """Let the likely candidates go on; None where each goes on as it is.

        Raises:
            NoCandidates: the condition is impossible for all of them.
        """
        weight, wanted = self.weight, self.wanted
        if not weight.sum() > 0:
            raise NoCandidates
        if len(weight) == wanted and np.ptp(weight) == 0:
            self.done = True
            return None
        word = unit(self.seed.words(self.pool, "choice", self.first, 1))[0]
        total = np.cumsum(weight / weight.sum())
        at = (word + np.arange(wanted)) / wanted * total[-1]
        found = np.minimum(np.searchsorted(total, at, side="right"), np.flatnonzero(weight)[-1])
        self.done, self.rows = True, wanted
        # twice the same candidate, if it has to be, does not stand side by side
        rows: Index = found[np.argsort(super().words("choice", 0), kind="stable")]
        self.codes = {n: c[rows] for n, c in self.codes.items()}
        self.drawn = {n: c[rows] for n, c in self.drawn.items()}
        self.cells = {n: c.take(rows) for n, c in self.cells.items()}
        return rows

    def _settle(self, name: str, codes: Codes, redraw: Redraw) -> Codes:
        seen = super()._settle(name, codes, redraw)
        if name in self._asked.rests:
            admitted = self._asked.rests[name]
            self.weight *= admitted.holds(self.cells[admitted.column])
        elif name in self._asked.admissions and guided_of(self.model.synthesizer) is None:
            self.weight *= self._asked.admissions[name].shares[self.drawn[name]]
        return seen

    def _within(
        self, name: str, codec: NumericCodec, codes: Codes
    ) -> tuple[Ticks, NDArray[np.bool_]]:
        admitted = self._asked.admitted.get(name)
        if admitted is None:
            return super()._within(name, codec, codes)
        return admitted.place(codec, codes, self.words(name, WITHIN))


class NoCandidates(Exception):  # noqa: N818
    """Not one candidate can satisfy the condition."""


@dataclass
class _Guide:
    """Draws admitted codes alone, and weighs candidates by how likely these were."""

    made: Candidates

    def alone(self, column: str) -> bool:
        """Whether a row's draw may not depend on which rows are made with it."""
        return self.made.alone(column)

    def draw(self, column: str, given: Distribution, words: Words) -> Codes:
        """The codes of a column, given those before it."""
        admission = self.made._asked.admissions.get(column)
        if admission is None or self.made.done:
            return given.draw(words)
        within, likely = given.within(admission)
        codes = within.draw(words)
        demand = demanded(self.made, column, self.made.drawn)
        if demand is not None:
            codes, likely = _demanded((codes, likely), demand, (given, admission), words)
        for rule in self.made._asked.maps(column):
            mapped = rule.apply(self.made.codes, np.full(len(words), _FREE))
            likely = np.where(mapped == _FREE, likely, admission.shares[mapped])
        self.made.weight *= likely
        return codes

    def chosen(self, column: str) -> Index | None:
        """Rows to go on with, once all that the condition speaks of is drawn."""
        if self.made.done or column != self.made._asked.last or not self.made.wanted:
            return None
        return self.made.choose()


def _demanded(
    found: tuple[Codes, Floats], demand: tuple[Mask, Mask],
    given: tuple[Distribution, Admission], words: Words,
) -> tuple[Codes, Floats]:  # fmt: skip
    """Codes, and how likely the condition is, where rules on NULLs say which rows have one."""
    (codes, likely), (must, known), (distribution, admission) = found, demand, given
    if known.any():
        held, shares = admission.held, admission.shares
        if "known" not in held:
            values = np.append(np.ones(len(shares) - 1), 0.0)
            held["known"] = Admission(shares * values), Admission(values)
        some, part = distribution.within(held["known"][0])
        whole = distribution.within(held["known"][1])[1]
        codes = np.where(known, some.draw(words), codes)
        likely = np.where(known, part / np.maximum(whole, 1e-300), likely)
    null = admission.shares[-1]
    return np.where(must, np.int32(-1), codes), np.where(must, null, likely)


@dataclass
class GivenBlock(Block):
    """Rows of a table of which conditions are asked, one after another."""

    asked: tuple[Asked, ...] = ()

    def draw(self, columns: Sequence[str]) -> None:
        """Draw all columns, whichever are asked for: conditions may be on any of them."""
        if self.model.synthesizer is None or not self.rows:
            return
        begin, parts = 0, []
        for asked in self.asked:
            low = max(self.start, begin)
            begin += asked.condition.rows
            high = min(self.start + self.rows, begin)
            if low < high:
                parts.append(self._part(asked, low, high - low))
        self.codes = _joined([p.codes for p in parts])
        self.drawn = _joined([p.drawn for p in parts])
        for name in parts[0].cells:
            held = [p.cells[name] for p in parts]
            self.cells[name] = Cells(
                np.concatenate([c.ticks for c in held]), np.concatenate([c.null for c in held])
            )
        self._know()

    def _part(self, asked: Asked, start: int, rows: int) -> Candidates:
        """Rows of one condition.

        Raises:
            SampleError: not one candidate satisfies it.
        """
        pool, table = asked.condition.pool, self.model.table.name
        for attempt in range(_TRIES):
            size = rows if pool == 1 and not attempt else max(pool * rows, _FEWEST) * 4**attempt
            name = "" if size == rows and not attempt else f"{table}?{asked.number}.{attempt}"
            made = Candidates(
                self.model, self.seed, start, min(size, 1 << _BLOCK), {}, {}, asked=asked,
                wanted=rows, pool=name, first=start << _BLOCK,
            )  # fmt: skip
            try:
                made.run(self.model.order)
                if not made.done:
                    made.choose()
            except NoCandidates:
                continue
            return made
        raise _impossible(asked)


def _joined(parts: Sequence[Mapping[str, Codes]]) -> dict[str, Codes]:
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


@dataclass(frozen=True)
class Measure:
    """What a condition takes.

    Attributes:
        condition: with the number of candidates for each row.
        share: effective share of the candidates.
        likely: share of all rows that satisfy it, by the model.
    """

    condition: Condition
    share: float = 1.0
    likely: float = 1.0


def measured(asked: Asked, seed: Seed) -> Measure:
    """How many candidates a condition needs.

    Raises:
        SampleError: it is too small.

    Cost: draws 16,384 candidates up to the last column of the condition.
    Source: effective sample size (Kong, Liu and Wong, JASA 89, 1994).
    """
    condition, table = asked.condition, asked.model.table.name
    if not condition.where or asked.model.synthesizer is None:
        return Measure(condition)
    name = f"{table}?{asked.number}.pilot"
    pilot = Candidates(asked.model, seed, 0, _PILOT, {}, {}, asked=asked, pool=name)
    weight = pilot.run(asked.prefix)
    if not weight.sum() > 0:
        raise _impossible(asked)
    share = float(weight.sum() ** 2 / (len(weight) * (weight**2).sum()))
    if share < asked.least:
        raise SampleError(
            f"{_where(asked)}: {share:.2%} of the candidates count, and at least {asked.least:.0%}"
            " have to",
            hint=_declare(asked),
        )
    pool = 1 if share > _EVEN else math.ceil(1 / share)
    return Measure(replace(condition, pool=pool), share, float(weight.mean()))


def _where(asked: Asked) -> str:
    columns = ", ".join(asked.condition.columns)
    return f"{asked.model.table.name}, condition {asked.number} on {columns}"


def _impossible(asked: Asked) -> SampleError:
    return SampleError(f"{_where(asked)}: the model has no such rows", hint=_declare(asked))


def _declare(asked: Asked) -> str:
    """What to do about a condition that is too rare."""
    made = {n: rule.needs for rule in asked.model.rules for n in rule.makes}
    computed = [a.column for a in asked.computed]
    if computed:
        needs = ", ".join(sorted({n for c in computed for n in made[c]}))
        return f"{', '.join(computed)} follows from {needs}: condition on that"
    if set(asked.condition.columns) <= set(asked.model.table.conditions):
        return "ask for values that occur together"
    columns = ", ".join(asked.condition.columns)
    return f"declare `conditions: [{columns}]` for {asked.model.table.name} and fit again"


def asked_of(model: TableModel, held: Sequence[Mapping[str, Any]]) -> tuple[Asked, ...]:
    """The conditions of a table, as a sample plan holds them."""
    listed = [Condition.from_json(form) for form in held]
    return tuple(Asked(model, condition, n) for n, condition in enumerate(listed, 1))


def measure_given(
    model: Model, name: str, listed: Sequence[Mapping[str, Any]], number: int
) -> tuple[list[Condition], list[str]]:
    """The conditions of a root, checked and measured, and what is to be said of them.

    Raises:
        SampleError: the table is no root, or a condition cannot be met.
    """
    if name not in model.tables:
        raise SampleError(
            f"conditions are asked of {name!r}, which is not made",
            hint=f"tables are {', '.join(model.tables)}",
        )
    chain = model.schema.chain(name)
    if len(chain) > 1:
        raise SampleError(
            f"{name} is made with the rows of {chain[1]}, and takes no conditions",
            hint=f"ask for conditions of its root, {chain[-1]}",
        )
    table, seed = model.tables[name], Seed(number, model.scope)
    out, notes = [], []
    for place, condition in enumerate(understand(table, model.k, listed), 1):
        asked = Asked(table, condition, place)
        done = measured(asked, seed)
        out.append(done.condition)
        if done.condition.pool > 1:
            notes.append(
                f"{_where(asked)}: {done.share:.0%} of the candidates count,"
                f" {done.condition.pool} are drawn a row"
            )
        if done.likely * table.rows < _COARSE * model.k:
            notes.append(
                f"{_where(asked)}: about {done.likely * table.rows:,.0f} rows of the source satisfy"
                " it, so what goes with it is known coarsely"
            )
    return out, notes
