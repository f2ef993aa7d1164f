"""Making a sample plan: sizes from the roots down, then one counting pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthlake.errors import SampleError
from synthlake.ports import Event, OnEvent
from synthlake.relational.candidates import measure_given
from synthlake.relational.careers import Career
from synthlake.relational.cumulated import Cumulated, Tally
from synthlake.relational.generate import Generator
from synthlake.relational.keys import SlotKey
from synthlake.relational.model import Link, Model, TableModel, link_id
from synthlake.relational.parents import fitted, virtual_rows
from synthlake.relational.placing import key_of
from synthlake.relational.plan import ROOT_BLOCK, Counts, SamplePlan, beyond
from synthlake.relational.timed import cells_of_stubs, fitted_in_time, with_slices
from synthlake.relational.timeline import MOST_HANDED, career_of, is_handed
from synthlake.relational.uniqueness import most_children
from synthlake.relational.within import held_by

Given = Mapping[str, Sequence[Mapping[str, Any]]]
_ROWS_PER_BLOCK = 8_192
_EXACT = 0.002  # relative error of a child table's size that is let be
_FULL = 0.98  # share of a table's rows from which it counts as all of them
_ROUNDED = 0.1  # share by which a root may miss what is asked for without its children's knowing
_THINNED = 4  # times that families are made smaller


def plan_sample(
    model: Model, seed: int, scale: float | Mapping[str, float] = 1.0,
    rows: Mapping[str, int] | None = None, given: Given | None = None,
    on_event: OnEvent | None = None,
) -> SamplePlan:  # fmt: skip
    """Decide the size of every table and where each block begins.

    Args:
        model: what was learned.
        seed: of the sample.
        scale: of the source's roots, hold-out included; or by root, 1 for those that are not named.
        rows: of single roots, in place of the scale.
        given: by root: conditions, each with its rows; in place of ``rows``.
        on_event: told of each table.

    Raises:
        SampleError: a scale is not positive, ``rows`` or ``given`` names a table that follows
            another, or a condition cannot be met.

    Cost: draws the counts of all parents and the codes of all children once, and 16,384 candidates
        a condition; where parents are found in the order of time, codes twice, and a tenth of a
        millisecond or more for each family, in one process.
    """
    for factor in scale.values() if isinstance(scale, Mapping) else (scale,):
        if not factor > 0:
            raise SampleError(f"scale {factor} is not positive", hint="give a scale such as 1.0")
    made = _Planner(model, seed, scale, dict(rows or {}))
    made.check()
    made.ask(given or {})
    order = list(model.tables.values())
    for number, table in enumerate(order):
        if on_event is not None:
            on_event(Event("plan", f"counting {table.table.name}", number, len(order)))
        made.take(table)
        made.check_room(table)
        made.count_stubs(table)
    for table in order:
        made.count_loops(table)
    return made.plan()


@dataclass
class _Planner:
    """Sizes found so far."""

    model: Model
    seed: int
    scale: float | Mapping[str, float]
    wanted: dict[str, int]
    rows: dict[str, int] = field(default_factory=dict)
    phantoms: dict[str, int] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    bias: dict[str, float] = field(default_factory=dict)
    width: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    starts: dict[str, Counts] = field(default_factory=dict)
    codes: dict[str, Cumulated] = field(default_factory=dict)
    stubs: dict[str, Counts] = field(default_factory=dict)
    careers: dict[str, Career] = field(default_factory=dict)
    given: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    growth: dict[str, float] = field(default_factory=dict)
    even: dict[str, float] = field(default_factory=dict)

    def plan(self) -> SamplePlan:
        """The plan as far as it is known."""
        return SamplePlan(
            self.seed, self.scale, dict(self.rows), dict(self.phantoms), dict(self.offsets),
            dict(self.nulls), dict(self.times), dict(self.bias), dict(self.width),
            dict(self.limits), dict(self.starts), dict(self.codes), dict(self.stubs),
            dict(self.given), tuple(self.notes), dict(self.even), dict(self.careers),
        )  # fmt: skip

    def check(self) -> None:
        """Refuse sizes of tables that are not roots."""
        for name in self.scale if isinstance(self.scale, Mapping) else ():
            self._check_root(name)
        for name, count in self.wanted.items():
            self._check_root(name)
            if count < 0:
                raise SampleError(f"{count} rows of {name} were asked for", hint="give 0 or more")

    def _check_root(self, name: str) -> None:
        """Refuse a table whose size is not chosen."""
        if name not in self.model.tables:
            raise SampleError(
                f"rows are asked for {name!r}, which is not made",
                hint=f"tables are {', '.join(self.model.tables)}",
            )
        chain = self.model.schema.chain(name)
        if len(chain) > 1:
            raise SampleError(
                f"{name} has as many rows as its parents have children",
                hint=f"ask for rows of its root, {chain[-1]}",
            )

    def _factor(self, name: str) -> float:
        """How many times the source's rows a root is to have."""
        return self.scale.get(name, 1.0) if isinstance(self.scale, Mapping) else self.scale

    def ask(self, given: Given) -> None:
        """Measure conditions, and take their rows."""
        for name, listed in given.items():
            if name in self.wanted:
                raise SampleError(
                    f"{name} has both rows and conditions",
                    hint="its conditions say how many rows it has: leave it out of rows",
                )
            conditions, notes = measure_given(self.model, name, listed, self.seed)
            self.given[name] = [condition.to_json() for condition in conditions]
            self.wanted[name] = sum(condition.rows for condition in conditions)
            self.notes += notes

    def take(self, table: TableModel) -> None:
        """The size of one table."""
        name = table.table.name
        if table.kept is not None:
            self.rows[name] = table.kept.num_rows
        elif table.own is None:
            self._root(table)
        else:
            self._children(table, table.own)

    def check_room(self, table: TableModel) -> None:
        """Refuse more rows than a column that repeats nothing has values for.

        Raises:
            SampleError: there are more.
        """
        name = table.table.name
        for maker in table.made:
            lacks = maker.room(self.rows[name])
            if lacks:
                raise SampleError(
                    f"{name}.{', '.join(maker.columns)} {lacks}",
                    hint="ask for fewer rows, give it a wider `pattern`, or `role: text`",
                )

    def _sides(self, name: str) -> int:
        """Rows that grids over a table need, one for each of their places."""
        found = [0]
        for child, fk in self.model.schema.children(name):
            key = self.model.tables[child.name].key if child.name in self.model.tables else None
            if isinstance(key, SlotKey):
                found += [a.size for a in key.axes if (a.column,) == fk.columns]
        return max(found)

    def _root(self, table: TableModel) -> None:
        name = table.table.name
        asked = self.wanted.get(name, table.rows * self._factor(name))
        fewest = max(self._sides(name), int(name not in self.wanted))
        wanted = max(round(asked), fewest) if table.rows else 0
        factor = wanted / max(table.rows, 1)
        if abs(asked / max(wanted, 1) - 1.0) > _ROUNDED and wanted:
            self._follow(name, asked / wanted)
        extra = self._reserve(table, factor)
        key = key_of(table, self.model.tables, self.rows)
        capacity = key.capacity if key else wanted + extra
        if wanted + extra > capacity:
            least = min(1.0, factor)
            factor = least if table.rows * least <= capacity else capacity / max(table.rows, 1)
            self._follow(name, asked / max(round(table.rows * factor), 1))
            extra = self._reserve(table, factor)
            grown = round(table.rows * factor)
            even = capacity * grown // max(grown + extra, 1)
            held = min(grown, max(capacity - extra, even, 1))
            self._reserve(table, factor, capacity - held)  # a row comes before keys without one
            self.notes.append(
                f"{name} cannot grow to {wanted:,} rows: its key holds {capacity:,};"
                f" it is held at {held:,}, and its children grow with the scale instead"
            )
            wanted = held
        if name in self.given and wanted != self.wanted[name]:
            raise SampleError(
                f"the conditions of {name} ask for {self.wanted[name]:,} rows, and it can only have"
                f" {wanted:,}",
                hint="ask for as many rows as its key, or the grid over it, holds",
            )
        self.rows[name] = wanted

    def _follow(self, name: str, times: float) -> None:
        """Let children of a root that cannot have the rows that are asked for have theirs."""
        for child, fk in self.model.schema.children(name):
            self.times[fk.label(child.name)] = times

    # phantoms

    def _reserve(self, table: TableModel, factor: float, room: int | None = None) -> int:
        """Number the phantoms beyond a table ``factor`` as large as the source's; returns all.

        There are no more than ``room``, as many as the key holds; where the key is another
        table's, as many as that one has lent.
        """
        self.growth[table.table.name] = factor
        offset, own = 0, table.own
        if table.key is None and own is not None:
            room = self.phantoms.get(beyond(own.fk.label(table.table.name)), 0)
        for name, count in self._missing(table, factor).items():
            some = count if room is None else min(count, room - offset)
            self.phantoms[name], self.offsets[name] = some, offset
            offset += some
            if count and not some:
                del self.phantoms[name], self.offsets[name]
        return offset

    def _missing(self, table: TableModel, factor: float) -> dict[str, int]:
        """Phantoms beyond a table's rows: its own, and those that lend keys to a child's."""
        out = {}
        for child, fk in self.model.schema.children(table.table.name):
            label, model = fk.label(child.name), self.model.tables.get(child.name)
            link = next((k for k in model.links if k.fk == fk), None) if model else None
            if model is None or link is None:
                continue
            if link.phantoms is not None and self._lacks(table, _free(model, link)):
                least = 1 if link.kind in ("cluster", "derived") and factor > 0 else 0
                out[label] = max(least, round(link.phantoms.keys * factor))
            if link.kind == "own":
                growth = factor * self.times.get(label, 1.0)
                self.growth[child.name] = growth
                lent = sum(self._missing(model, growth).values())
                if model.key is None and lent:
                    out[beyond(label)] = lent
        return {**out, **self._missing_last(table, factor)}

    def _missing_last(self, table: TableModel, factor: float) -> dict[str, int]:
        """The same of foreign keys that close a cycle."""
        out = {}
        for child, fk in self.model.schema.loops(table.table.name):
            model = self.model.tables.get(child.name)
            loop = next((held for held in model.loops if held.fk == fk), None) if model else None
            if loop is not None and loop.phantoms and factor > 0 and self._lacks(table, fk.to):
                out[fk.label(child.name)] = max(1, round(loop.phantoms * factor))
        return out

    def count_loops(self, table: TableModel) -> None:
        """Rows and stubs per code, for every foreign key of a table that closes a cycle."""
        for loop in table.loops:
            label, place = loop.fk.label(table.table.name), table.table.loops.index(loop.fk)
            generator = Generator(self.model, self.plan())
            self.codes[label], self.stubs[label] = generator.closing.count(table, place, loop)
            if loop.phantoms and label not in self.phantoms:
                self.notes.append(
                    f"{label}: rows without a parent are not made, as {loop.fk.references} has no"
                    " key of which more can be made"
                )

    def _lacks(self, table: TableModel, to: tuple[str, ...]) -> bool:
        """Whether there are keys that no row of a table has."""
        if table.key is not None:
            return set(table.key.columns) <= set(to)
        own = table.own
        if own is None or not set(own.fk.columns) <= set(to) & set(table.table.primary_key):
            return False
        return self._lacks(self.model.tables[own.fk.references], own.fk.to)

    def _say_lacking(self, table: TableModel, link: Link) -> None:
        """Note that orphans are not made, where no key is known that no parent has."""
        label = link.fk.label(table.table.name)
        if link.phantoms is None or label in self.phantoms:
            return
        made = "made only with keys that many share" if link.kind == "identity" else "not made"
        self.notes.append(
            f"{label}: rows without a parent are {made}, as {link.fk.references} has no key of"
            " which more can be made"
        )

    # children

    def _children(self, table: TableModel, own: Link) -> None:
        """Rows of a child: count them block by block."""
        name, label = table.table.name, own.fk.label(table.table.name)
        parent = self.model.tables[own.fk.references]
        times = self.times.get(label, 1.0)
        self._without(table, own, self.growth.get(own.fk.references, 1.0) * times)
        extra = self._reserve(table, self.growth.get(name, 1.0))
        self._say_lacking(table, own)
        most = most_children(table, self.rows)
        if most is not None:
            self.limits[label] = most
        mean = table.rows / max(parent.rows, 1) * times
        self.width[label] = int(np.clip(_ROWS_PER_BLOCK / max(mean, 1e-9), 1, ROOT_BLOCK))
        self.rows[name] = 0
        met = sum(self._counted(own, label, self.rows[own.fk.references]))
        wanted = own.mean * self.rows[own.fk.references] * times
        usual = self.model.schema.chain(name)[-1] not in self.given
        if usual and not met and wanted:  # of few parents with many children each, none is drawn
            self.even[label] = own.mean
            some = sum(self._counted(own, label, self.rows[own.fk.references]))
            self.even[label] *= wanted / some if some else 1.0  # not all parents may have any
        if usual and met and abs(wanted / met - 1.0) > _EXACT:
            self.bias[label] = wanted / met
        self._count(table, own)
        told = held_by(table, most)
        if usual and told and self.rows[name] < _FULL * wanted:
            self.notes.append(
                f"{name} cannot grow to {round(wanted):,} rows: {told}; it has {self.rows[name]:,}"
            )
        key = key_of(table, self.model.tables, self.rows)
        if key is not None and self.rows[name] + extra > key.capacity:
            self._thin(table, own, key.capacity - extra)

    def _without(self, table: TableModel, own: Link, growth: float) -> None:
        """Rows without a parent; all of them where the source has no parents."""
        rows = own.null_rows
        if not self.model.tables[own.fk.references].rows:
            root = self.model.schema.chain(table.table.name)[-1]
            rows, growth = table.rows, self._factor(root)
        self.nulls[own.fk.label(table.table.name)] = round(rows * growth)

    def _count(self, table: TableModel, own: Link) -> None:
        """Rows before each block of families."""
        name, label = table.table.name, own.fk.label(table.table.name)
        total = virtual_rows(self.plan(), own.fk.references, label)
        counts = [0, *self._counted(own, label, total)]
        self.starts[name] = np.cumsum(counts).astype(np.int64)
        self.rows[name] = int(self.starts[name][-1])

    def _thin(self, table: TableModel, own: Link, capacity: int) -> None:
        """Make families smaller until the key holds their rows.

        Raises:
            SampleError: it holds next to none.
        """
        name, label = table.table.name, own.fk.label(table.table.name)
        wanted = self.rows[name]
        for _ in range(_THINNED):
            share = _FULL * max(capacity, 0) / max(self.rows[name], 1)
            self.times[label] = self.times.get(label, 1.0) * share
            self.nulls[label] = int(self.nulls[label] * share)
            self._count(table, own)
            if self.rows[name] <= capacity:
                break
        else:
            raise SampleError(
                f"the key of {name} ({', '.join(table.table.primary_key)}) holds"
                f" {max(capacity, 0):,} rows, and {wanted:,} are wanted",
                hint=f"ask for fewer rows of {self.model.schema.chain(name)[-1]}, or give the key"
                " a wider pattern",
            )
        self.notes.append(
            f"{name} cannot grow to {wanted:,} rows: its key holds {capacity:,};"
            f" it is held at {self.rows[name]:,}"
        )

    def _counted(self, own: Link, label: str, total: int) -> Iterator[int]:
        """Children of each block of the first ``total`` parents."""
        generator, width = Generator(self.model, self.plan()), self.width[label]
        for low in range(0, total, width):
            yield int(generator.children(own, label, low, min(low + width, total)).sum())

    def count_stubs(self, table: TableModel) -> None:
        """Children and stubs per code, for every cluster key of a table."""
        name = table.table.name
        for link in table.links:
            if link.kind in ("within", "identity", "derived"):
                self._say_lacking(table, link)
        clusters = [(n, k) for n, k in enumerate(table.links)
                    if k.kind == "cluster" and link_id(n) in table.order]  # fmt: skip
        if not clusters:
            return
        handed = self._hand(table, clusters)
        clusters = [(n, k) for n, k in clusters if n not in handed]
        if not clusters:
            return
        generator = Generator(self.model, self.plan())
        last = max(table.order.index(link_id(n)) for n, _ in clusters)
        starts = self.starts.get(name)
        blocks = len(starts) - 1 if starts is not None else -(-self.rows[name] // ROOT_BLOCK)
        found = {n: Tally(blocks, cells_of_stubs(k)) for n, k in clusters}
        for number in range(blocks):
            block = generator.open_block(name, number)
            block.draw(table.order[: last + 1])
            for place, link in clusters:
                codes = block.drawn.get(link_id(place), np.zeros(0, np.int32))
                codes = with_slices(block, link, self.model, codes)
                counts = np.bincount(codes[codes >= 0], minlength=cells_of_stubs(link))
                found[place].add(number, counts)
        for place, link in clusters:
            label = link.fk.label(name)
            self.codes[label] = found.pop(place).done()
            self.stubs[label] = self._stubs(Generator(self.model, self.plan()), link, label)
            self._demand(table, link, bool(self.codes[label].total.any()))
            self._say_lacking(table, link)

    def _stubs(self, generator: Generator, link: Link, label: str) -> Counts:
        """Stubs before each block of parents, and before the phantoms, as many as children."""
        stubs = self._raw(generator, link, label)
        if link.slices:
            return fitted_in_time(stubs, self.codes[label].total, link.slices)
        some = self.rows[link.fk.references] > 0
        return fitted(stubs, self.codes[label].total, link.codes) if some else stubs

    def _hand(self, table: TableModel, clusters: Sequence[tuple[int, Link]]) -> list[int]:
        """Who has whom, where parents are found in the order of time: numbers of references."""
        name, out = table.table.name, list[int]()
        some = [(n, k) for n, k in clusters if is_handed(table, n, self.rows[name])]
        self.careers |= {link.fk.label(name): Career.unknown() for _, link in some}
        sliced = [k for _, k in clusters if k.once] if self.rows[name] > MOST_HANDED else []
        for number, link in some:
            found = career_of(Generator(self.model, self.plan()), table, number)
            if found is None:
                del self.careers[link.fk.label(name)]
                sliced.append(link)
                continue
            self.careers[link.fk.label(name)] = found
            self._demand(table, link, bool(len(found.parent)))
            out.append(number)
        self.notes += [
            f"{link.fk.label(name)}: too many rows for parents to be handed out one by one; they"
            " are found by slices of time, and their children lie less close together"
            for link in sliced
        ]
        return out

    def _raw(self, generator: Generator, link: Link, label: str) -> Counts:
        """Stubs before each block of parents, and before the phantoms, as they are drawn."""
        blocks = -(-self.rows[link.fk.references] // ROOT_BLOCK)
        held, size = blocks + (1 if self.phantoms.get(label) else 0), cells_of_stubs(link)
        stubs = np.zeros((held + 1, size), np.int64)
        for number in range(held):
            codes, degrees, _ = generator.matching.parents(link, label, number)
            stubs[number + 1] = stubs[number] + np.bincount(codes, degrees, size)
        return stubs

    def _demand(self, table: TableModel, link: Link, wanted: bool) -> None:
        """Refuse references that may not be NULL and have nobody to refer to."""
        label = link.fk.label(table.table.name)
        if not wanted or self.rows[link.fk.references] or self.phantoms.get(label):
            return
        strict = [c for c in link.fk.columns if not table.table.column(c).nullable]
        if strict:
            raise SampleError(
                f"{label} has no parents in this sample, and {strict[0]} allows no NULL",
                hint=f"ask for rows of {self.model.schema.chain(link.fk.references)[-1]}",
            )


def _free(table: TableModel, link: Link) -> tuple[str, ...]:
    """Columns of a parent that a key sets, without those that it shares with the own key."""
    own = table.own
    if link.kind != "within" or own is None:
        return link.fk.to
    pairs = zip(link.fk.columns, link.fk.to, strict=True)
    return tuple(to for column, to in pairs if column not in own.fk.columns)
