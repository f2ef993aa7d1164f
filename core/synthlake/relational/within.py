"""Parents among relatives: of a key that shares columns with the own one.

A line of an order refers to its order and to a product by (tenant, order) and (tenant, product):
the product is one of the tenant's. The lines of each tenant and code take the stubs of the tenant's
products of that code; only blocks of that tenant are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import empty, plain
from synthlake.errors import SampleError
from synthlake.models.support import joint, ranks
from synthlake.relational.above import Ancestors
from synthlake.relational.distinctness import repeated
from synthlake.relational.feistel import strided
from synthlake.relational.model import CODE, Link, TableModel, link_id
from synthlake.relational.recent import Recent
from synthlake.relational.rows import Block
from synthlake.relational.uniqueness import numbered, pairing, rewritten
from synthlake.schema.overlaps import Shared, shared_above
from synthlake.seed import below, mulhigh

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator

Index = NDArray[np.int64]
_KEPT = 256  # blocks of parents, three numbers a row


@dataclass(frozen=True)
class Relatives:
    """Rows that may be parents, in the order of their tables.

    Attributes:
        row: numbers.
        top: number of the row above each.
        code: of each, as a parent.
        stubs: children of each.
    """

    row: Index
    top: Index
    code: Index
    stubs: Index


class Within:
    """Finds the parents of one sample's rows by keys that share columns with the own one.

    Args:
        generator: makes the parents' codes, degrees and keys.

    Cost: of each block of rows, the codes of all parents of the same rows above.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._ancestors, self._blocks = Ancestors(generator), Recent(_KEPT)

    def columns(
        self, block: Block, number: int, link: Link, met: dict[int, Index]
    ) -> dict[str, pa.Array[Any]]:
        """Columns of one key that are not the own one's; ``met`` gets what tells these apart."""
        table, fk = block.model.table, link.fk
        shared = self._shared(block.model, link)
        names = [c for c in fk.columns if c not in shared.columns]
        if link_id(number) not in block.drawn:  # nothing was learned of it
            return {c: empty(block.rows, table.column(c).type) for c in names}
        parent = self._parents(block, number, link, shared)
        words = partial(block.words, f"part:{fk.label(table.name)}", 0)
        made = self._generator.referring(table, fk, names, parent, words)
        if link_id(number) in block.model.distinct:
            met[number] = _numbers(made)
        return made

    def room(self, model: TableModel, low: int, high: int) -> Index | None:
        """Most children of own parents in a range, as far as relatives tell them apart.

        None without a limit: no relatives are needed.
        """
        own, out = model.own, None
        for number, link in enumerate(model.links if own is not None else ()):
            apart = tells_apart(model, number)
            needed = apart or link.related or not model.loose(link.fk)
            if link.kind != "within" or own is None or not needed:
                continue
            shared = self._shared(model, link)
            tops = self._tops(own.fk.references, np.arange(low, high), shared.steps - 1)
            first, last = int(np.maximum(tops, 0).min()), int(tops.max()) + 1
            counts = self._counts(link.fk.references, first, last) if last > first else tops[:0]
            found = np.append(counts, 0)[np.where(tops >= 0, tops - first, len(counts))]
            most = found if apart else np.where(found > 0, np.iinfo(np.int64).max, 0)
            out = most if out is None else np.minimum(out, most)
        return out

    def _shared(self, model: TableModel, link: Link) -> Shared:
        found = shared_above(model.table, link.fk, self._generator.model.schema)
        assert found is not None
        return found

    def _parents(self, block: Block, number: int, link: Link, shared: Shared) -> Index:
        """Row numbers of parents; -1 for none. Those of orphans lie beyond the rows."""
        plan, table = self._generator.plan, block.model.table
        codes = block.drawn[link_id(number)].astype(np.int64)
        label, strict = link.fk.label(table.name), not block.model.loose(link.fk)
        # what is the own parent's key and a relative's line names nobody: so some rows have to
        borrows = strict or shared.steps > 1 or link.phantoms is not None
        top, missing = self._top(block, shared, borrows), plan.phantoms.get(label, 0)
        codes = np.maximum(codes, 0) if strict else codes
        codes = codes if missing else np.minimum(codes, link.codes - 1)
        parent = self._drawn(block, link, codes, top)
        words = block.words(f"within:{label}", 0)
        lost = np.flatnonzero(codes >= link.codes) if missing else np.zeros(0, np.int64)
        first = plan.rows[link.fk.references] + plan.offsets.get(label, 0)
        parent[lost] = first + below(words[lost], missing)
        nobody = np.flatnonzero(parent < 0)
        if strict and len(nobody):
            parent[nobody] = self._any(words[nobody], link, (label, first, missing))
        if tells_apart(block.model, number) and block.family is not None:
            return self._unlike(block, link, parent, top)
        return parent

    def _top(self, block: Block, shared: Shared, borrows: bool) -> Index:
        """The row above each row that decides its relatives; -1 for none.

        Where it ``borrows``, rows whose own parent is missing have the relatives of another row.
        """
        plan, own = self._generator.plan, block.model.own
        assert own is not None
        assert block.family is not None
        name, label = own.fk.references, own.fk.label(block.model.table.name)
        rows, family = plan.rows[name], block.family
        beyond = family - rows
        # missing parents have the other columns of some row, which has been above them
        lent = np.where(
            beyond < plan.phantoms.get(label, 0), beyond + plan.offsets.get(label, 0), -1
        )
        if not borrows or self._generator.model.tables[name].key is None or not rows:
            lent[:] = -1
        family = np.where(beyond < 0, family, np.where(lent < 0, -1, lent % max(rows, 1)))
        return self._tops(name, family, shared.steps - 1)

    def _unlike(self, block: Block, link: Link, parent: Index, top: Index) -> Index:
        """Parents of which no two rows of a family have the same.

        Raises:
            SampleError: a family has more rows than relatives.
        """
        assert block.family is not None
        label, out = link.fk.label(block.model.table.name), parent.copy()
        bad = np.flatnonzero(repeated([parent, block.family]))
        wanted = np.isin(block.family, block.family[bad])
        used: dict[int, set[int]] = {}
        for row in np.flatnonzero(wanted & ~np.isin(np.arange(len(parent)), bad)):
            used.setdefault(int(block.family[row]), set()).add(int(parent[row]))
        for row in bad:
            taken = used.setdefault(int(block.family[row]), set())
            near = self._of_top(link, label, int(top[row]))
            order = np.argsort(np.abs(near - parent[row]), kind="stable")
            free = next((int(n) for n in near[order] if int(n) not in taken), None)
            if free is None:
                raise SampleError(
                    f"the primary key of {block.model.table.name} would repeat: a family has more"
                    f" rows than rows of {link.fk.references} that they may refer to",
                    hint=f"ask for more rows of {link.fk.references}",
                )
            out[row] = free
            taken.add(free)
        return out

    def _of_top(self, link: Link, label: str, top: int) -> Index:
        """Numbers of the relatives below one row."""
        return self._relatives(link, label, top, top + 1).row if top >= 0 else np.zeros(0, np.int64)

    def _any(self, words: NDArray[np.uint64], link: Link, where: tuple[str, int, int]) -> Index:
        """Parents of rows that need one and have no relatives: rows of nobody, or of a phantom."""
        label, first, missing = where
        rows = self._generator.plan.rows[link.fk.references]
        if not missing and not rows:
            raise SampleError(
                f"{label} has no parents in this sample, and allows no NULL",
                hint=f"ask for more rows of the tables above {link.fk.references}",
            )
        return first + below(words, missing) if missing else below(words, rows)

    def _drawn(self, block: Block, link: Link, codes: Index, top: Index) -> Index:
        """Parents by code, else of any code, among the relatives of each row."""
        label = link.fk.label(block.model.table.name)
        out = np.full(len(codes), -1, np.int64)
        wanted = np.flatnonzero((codes >= 0) & (codes < link.codes) & (top >= 0))
        if not len(wanted):
            return out
        found = self._relatives(link, label, int(top[wanted].min()), int(top[wanted].max()) + 1)
        key = self._generator.seed.key(label, f"within{block.start}") % 2**64
        for fine in (True, False):
            mine = top[wanted] * link.codes + (codes[wanted] if fine else 0)
            theirs = found.top * link.codes + (found.code if fine else 0)
            place = _shared_out(mine, theirs, found.stubs, key)
            there = place >= 0
            out[wanted[there]] = found.row[place[there]]
            wanted = wanted[~there]
        return out

    def _relatives(self, link: Link, label: str, first: int, last: int) -> Relatives:
        """Parents whose rows above lie in a range."""
        generator, name = self._generator, link.fk.references
        starts = generator.plan.starts[name]
        own = generator.model.tables[name].own
        assert own is not None
        width = generator.plan.width[own.fk.label(name)]
        numbers = range(first // width, min((last - 1) // width + 1, len(starts) - 1))
        parts = [self._block(name, label, number) for number in numbers]
        row, top, code, stubs = (np.concatenate(p) for p in zip(*parts, strict=True))
        inside, code = (top >= first) & (top < last), np.minimum(code, link.codes - 1)
        return Relatives(row[inside], top[inside], code[inside], stubs[inside])

    def _block(self, name: str, label: str, number: int) -> tuple[Index, Index, Index, Index]:
        """Rows, rows above, codes and stubs of a block of parents."""

        def make() -> tuple[Index, Index, Index, Index]:
            block = self._generator.open_block(name, number)
            block.draw(self._generator.barren.family(block.model, label))
            assert block.family is not None
            some = CODE in block.drawn
            code = block.drawn[CODE].astype(np.int64) if some else np.zeros(block.rows, np.int64)
            counts = self._generator.barren.count
            stubs = counts(block, label) if some else np.zeros(block.rows, np.int64)
            row = np.arange(block.start, block.start + block.rows)
            return row, block.family, np.maximum(code, 0), np.maximum(stubs, 0)

        made: tuple[Index, Index, Index, Index] = self._blocks.get((name, label, number), make)
        return made

    def _counts(self, name: str, first: int, last: int) -> Index:
        """How many rows of a table each row above in a range has."""
        own = self._generator.model.tables[name].own
        assert own is not None
        return self._generator.children(own, own.fk.label(name), first, last)

    def _tops(self, table: str, index: Index, steps: int) -> Index:
        """Numbers of the rows some steps above; -1 for none."""
        for _ in range(steps):
            index, table = self._ancestors.next(table, index)
        return index


def _numbers(made: Mapping[str, pa.Array[Any]]) -> Index:
    """Rows as numbers by what is written, which parents of other rows above may share."""
    coded = (plain(values).dictionary_encode().indices.fill_null(-1) for values in made.values())
    return joint([np.asarray(codes) for codes in coded])


def tells_apart(model: TableModel, number: int) -> bool:
    """Whether the parents of a key tell the rows of a family apart, as no other column does."""
    gives_way = pairing(model) is not None or rewritten(model) is not None
    return link_id(number) in model.distinct and not gives_way and not numbered(model)


def held_by(model: TableModel, most: int | None) -> str:
    """What a family may have no more rows for than there are, for messages; empty for nothing."""
    own = model.own
    above = own.fk.references if own is not None else ""
    if most is not None:
        return f"its key tells {most:,} rows of one {above} apart"
    links = enumerate(model.links)
    tell = [k.fk.references for n, k in links if k.kind == "within" and tells_apart(model, n)]
    return f"its key tells as many rows of one {above} apart as this has {tell[0]}" if tell else ""


def _shared_out(mine: Index, theirs: Index, stubs: Index, key: int) -> Index:
    """Places in ``theirs`` of parents of equal number; -1 where there is none.

    The rows of a number take its stubs in a permuted order; where nobody has any, each parent has
    one.
    """
    numbers, group = np.unique(theirs, return_inverse=True)
    sums = np.bincount(group, stubs, len(numbers))
    weight = np.where(sums[group] > 0, stubs, 1)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(weight[order])
    first = np.searchsorted(group[order], np.arange(len(numbers)))
    before = (ends - weight[order])[first] if len(numbers) else ends
    room = np.bincount(group, weight, len(numbers)).astype(np.int64)
    at = np.searchsorted(numbers, mine)
    there = np.flatnonzero(at < len(numbers))
    there = there[numbers[at[there]] == mine[there]]
    out, known = np.full(len(mine), -1, np.int64), at[there]
    total = np.bincount(known, minlength=len(numbers))[known]
    spread = strided(
        ranks(known), total, np.full(len(known), key, np.uint64) + known.astype(np.uint64)
    )
    place = before[known] + mulhigh(spread, room[known], total)
    out[there] = order[np.searchsorted(ends, place, side="right")]
    return out
