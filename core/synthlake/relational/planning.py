"""Making a sample plan: sizes from the roots down, then one counting pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from synthlake.errors import SampleError
from synthlake.ports import Event, OnEvent
from synthlake.relational.generate import ROOT_BLOCK, Generator
from synthlake.relational.model import Link, Model, TableModel, link_id
from synthlake.relational.parents import virtual_rows
from synthlake.relational.plan import Counts, SamplePlan

_ROWS_PER_BLOCK = 8_192
_EXACT = 0.002  # relative error of a child table's size that is let be


def plan_sample(
    model: Model, seed: int, scale: float = 1.0, rows: Mapping[str, int] | None = None,
    on_event: OnEvent | None = None,
) -> SamplePlan:  # fmt: skip
    """Decide the size of every table and where each block begins.

    Args:
        model: what was learned.
        seed: of the sample.
        scale: of the source's roots, hold-out included.
        rows: of single roots, in place of the scale.
        on_event: told of each table.

    Raises:
        SampleError: the scale is not positive, or ``rows`` names a table that follows another.

    Cost: draws the counts of all parents and the codes of all children once.
    """
    if not scale > 0:
        raise SampleError(f"scale {scale} is not positive", hint="give a scale such as 1.0")
    made = _Planner(model, seed, scale, dict(rows or {}))
    made.check()
    order = list(model.tables.values())
    for number, table in enumerate(order):
        if on_event is not None:
            on_event(Event("plan", f"counting {table.table.name}", number, len(order)))
        made.take(table)
    for table in order:
        made.count_stubs(table)
    return made.plan()


@dataclass
class _Planner:
    """Sizes found so far."""

    model: Model
    seed: int
    scale: float
    wanted: dict[str, int]
    rows: dict[str, int] = field(default_factory=dict)
    phantoms: dict[str, int] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    width: dict[str, int] = field(default_factory=dict)
    starts: dict[str, Counts] = field(default_factory=dict)
    codes: dict[str, Counts] = field(default_factory=dict)
    stubs: dict[str, Counts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    held: dict[str, float] = field(default_factory=dict)

    def plan(self) -> SamplePlan:
        """The plan as far as it is known."""
        return SamplePlan(
            self.seed, self.scale, dict(self.rows), dict(self.phantoms), dict(self.offsets),
            dict(self.nulls), dict(self.times), dict(self.width), dict(self.starts),
            dict(self.codes), dict(self.stubs), tuple(self.notes),
        )  # fmt: skip

    def check(self) -> None:
        """Refuse sizes of tables that are not roots."""
        for name, count in self.wanted.items():
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
            if count < 0:
                raise SampleError(f"{count} rows of {name} were asked for", hint="give 0 or more")

    def take(self, table: TableModel) -> None:
        """The size of one table."""
        name = table.table.name
        if table.kept is not None:
            self.rows[name] = table.kept.num_rows
            self._phantoms(table, 1.0)
        elif table.own is None:
            self._root(table)
        else:
            self._children(table, table.own)

    def _root(self, table: TableModel) -> None:
        name = table.table.name
        wanted = self.wanted.get(name, round(table.rows * self.scale))
        if table.rows == 0:
            wanted = 0
        factor = wanted / max(table.rows, 1)
        self._phantoms(table, factor)
        extra = sum(self.phantoms.get(label, 0) for label in self._labels(table))
        capacity = table.key.capacity if table.key else wanted + extra
        if wanted + extra > capacity:
            most = min(1.0, factor) if table.rows * min(1.0, factor) <= capacity else None
            factor = most if most is not None else capacity / max(table.rows, 1)
            self._phantoms(table, factor)
            extra = sum(self.phantoms.get(label, 0) for label in self._labels(table))
            held = max(min(round(table.rows * factor), capacity - extra), 0)
            self.notes.append(
                f"{name} cannot grow to {wanted:,} rows: its key holds {capacity:,};"
                f" it is held at {held:,}, and its children grow with the scale instead"
            )
            for label in self._labels(table):
                self.times[label] = wanted / max(held, 1)
            wanted = held
        self.rows[name] = wanted

    def _labels(self, table: TableModel) -> list[str]:
        """Foreign keys that refer to a table."""
        return [fk.label(t.name) for t, fk in self.model.schema.children(table.table.name)]

    def _phantoms(self, table: TableModel, factor: float) -> None:
        """Missing parents beyond a table's rows, and children without a parent."""
        offset = 0
        for child, fk in self.model.schema.children(table.table.name):
            label = fk.label(child.name)
            link = self._link(child.name, label)
            if link is None:
                continue
            if link.phantoms is not None and (table.key is not None):
                self.phantoms[label] = max(1, round(link.phantoms.keys * factor))
                self.offsets[label] = offset
                offset += self.phantoms[label]
            if link.kind == "own":
                self.nulls[label] = round(link.null_rows * self.scale)

    def _link(self, child: str, label: str) -> Link | None:
        if child not in self.model.tables:
            return None
        found = (k for k in self.model.tables[child].links if k.fk.label(child) == label)
        return next(found, None)

    def _children(self, table: TableModel, own: Link) -> None:
        """Rows of a child: count them block by block."""
        name, label = table.table.name, own.fk.label(table.table.name)
        parent = self.model.tables[own.fk.references]
        self._phantoms(table, self._growth(parent))
        mean = table.rows / max(parent.rows, 1) * self.times.get(label, 1.0)
        self.width[label] = int(np.clip(_ROWS_PER_BLOCK / max(mean, 1e-9), 1, ROOT_BLOCK))
        self.rows[name] = 0
        met = sum(self._counted(own, label, self.rows[own.fk.references]))
        wanted = own.mean * self.rows[own.fk.references] * self.times.get(label, 1.0)
        if met and abs(wanted / met - 1.0) > _EXACT:  # bins of counts are coarser than their mean
            self.times[label] = self.times.get(label, 1.0) * wanted / met
        total = virtual_rows(self.plan(), own.fk.references, label)
        counts = [0, *self._counted(own, label, total)]
        self.starts[name] = np.cumsum(counts).astype(np.int64)
        self.rows[name] = int(self.starts[name][-1])

    def _counted(self, own: Link, label: str, total: int) -> Iterator[int]:
        """Children of each block of the first ``total`` parents."""
        generator, width = Generator(self.model, self.plan()), self.width[label]
        for low in range(0, total, width):
            yield int(generator.children(own, label, low, min(low + width, total)).sum())

    def _growth(self, parent: TableModel) -> float:
        return self.rows[parent.table.name] / max(parent.rows, 1)

    def count_stubs(self, table: TableModel) -> None:
        """Children and stubs per code, for every cluster key of a table."""
        name = table.table.name
        clusters = [(n, k) for n, k in enumerate(table.links) if k.kind == "cluster"]
        if not clusters or table.synthesizer is None:
            return
        generator = Generator(self.model, self.plan())
        last = max(table.order.index(link_id(n)) for n, _ in clusters)
        starts = self.starts.get(name)
        blocks = len(starts) - 1 if starts is not None else -(-self.rows[name] // ROOT_BLOCK)
        found = {n: [np.zeros(k.size, np.int64)] for n, k in clusters}
        for number in range(blocks):
            block = generator.open_block(name, number)
            block.draw(table.order[: last + 1])
            for place, link in clusters:
                codes = block.drawn.get(link_id(place), np.zeros(0, np.int32))
                found[place].append(np.bincount(codes[codes >= 0], minlength=link.size))
        for place, link in clusters:
            label = link.fk.label(name)
            self.codes[label] = np.cumsum(found[place], axis=0).astype(np.int64)
            self.stubs[label] = self._stubs(generator, link, label)

    def _stubs(self, generator: Generator, link: Link, label: str) -> Counts:
        """Stubs before each block of parents, and before the phantoms."""
        blocks = -(-self.rows[link.fk.references] // ROOT_BLOCK)
        total = [np.zeros(link.size, np.int64)]
        for number in range(blocks + (1 if self.phantoms.get(label) else 0)):
            codes, degrees, _ = generator.stub_owners(link, label, number)
            total.append(np.bincount(codes, degrees, link.size).astype(np.int64))
        return np.cumsum(total, axis=0).astype(np.int64)
