"""Foreign keys, one by one: how they come about, and what stands behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.encode.axis import indices, plain
from synthlake.errors import LearnError
from synthlake.models.support import distinct
from synthlake.models.trees import Trees
from synthlake.ports import Feature, TrainingTable
from synthlake.relational.columns import TableData, codec_of_cells
from synthlake.relational.joins import Join, key_numbers
from synthlake.relational.keys import KeyMaker
from synthlake.relational.model import Link, LinkKind, Phantoms
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.schema.overlaps import shared_above

if TYPE_CHECKING:
    from synthlake.sql.statistics import KeyStatistics

MAX_IDENTITY = 5_000
DEGREE, CODE = "degree", "code"  # columns of the phantoms' own small model


def link_kinds(table: Table, schema: Schema, key: KeyMaker | None) -> list[LinkKind]:
    """How each foreign key comes about; wider keys set columns that narrower ones share.

    Raises:
        LearnError: two keys share a column, but neither covers the other.
    """
    taken: set[str] = set(key.columns if key else ())
    kinds: dict[int, LinkKind] = {}
    numbered = list(enumerate(table.foreign_keys))
    # of two by the same columns, that to the table below: its keys are those of the other as well
    depth = {other.name: place for place, other in enumerate(schema.order())}
    ranked = sorted(numbered, key=lambda n: (
        n[1].mode != "own", -len(n[1].columns), -depth[n[1].references],
    ))  # fmt: skip
    for number, fk in ranked:
        mine = set(fk.columns)
        if mine <= taken and fk.mode != "own":
            kinds[number] = "derived"
            continue
        shared = shared_above(table, fk, schema) if mine & taken else None
        if shared is not None and mine & taken == set(shared.columns):
            kinds[number] = "within"
            taken |= mine
            continue
        if mine & taken:
            raise _overlapping(table, fk, mine & taken)
        taken |= mine
        keep = schema[fk.references].keep
        kinds[number] = "own" if fk.mode == "own" else "identity" if keep else "cluster"
    return [kinds[n] for n in range(len(numbered))]


def _overlapping(table: Table, fk: ForeignKey, shared: set[str]) -> LearnError:
    """What to say of a key that shares columns with another one."""
    others = [
        other.label(table.name)
        for other in table.foreign_keys
        if other != fk and shared & set(other.columns)
    ]
    return LearnError(
        f"{fk.label(table.name)} shares the columns {', '.join(sorted(shared))} with"
        f" {'; '.join(others)}, and neither covers the other",
        hint=f"declare mode: own for {fk.label(table.name)}, from which a narrower key follows; or"
        f" for another one, and for {fk.references} an own key by those columns to the same table"
        " above; or declare only one of these foreign keys",
    )


def identity_link(
    data: TableData, table: Table, fk: ForeignKey, join: Join, parent: pa.Table
) -> Link:
    """The key's supported values as categories; other parents share one further code.

    Privacy: a listed value has k entities; an orphan value that fewer have is not stored.
    """
    there = np.flatnonzero(join.key >= 0)
    size = int(join.key.max(initial=-1)) + 1
    people = distinct(join.key[there], data.group[there], size)
    supported = np.flatnonzero(people >= data.k)[:MAX_IDENTITY]
    first = np.full(size, -1, np.int64)
    first[join.key[there][::-1]] = there[::-1]
    rows = np.sort(first[supported])
    values = data.sample.select(list(fk.columns)).take(indices(rows)).combine_chunks()
    known = np.isin(join.key, supported)
    rest = (join.parent >= 0) & ~known
    enough = len(np.unique(data.group[rest])) >= data.k
    link = Link(fk, "identity", values=values, phantoms=_unlisted(data, join, known))
    if not enough or not len(parent):
        return link
    return replace(link, rest=True, shares=_shares(data, fk, join, parent, supported))


def _unlisted(data: TableData, join: Join, known: NDArray[np.bool_]) -> Phantoms | None:
    """Orphans whose keys are not listed; None where fewer than k entities have some."""
    lost = join.orphan & ~known
    if len(np.unique(data.group[lost])) < data.k:
        return None
    keys = len(np.unique(join.key[lost]))
    return Phantoms(keys, (1,), None, None, float(lost.sum()) / keys)


def _shares(
    data: TableData, fk: ForeignKey, join: Join, parent: pa.Table, supported: NDArray[np.int64]
) -> tuple[tuple[int, float], ...]:
    """Numbers of children of the parents that are no categories of their own.

    Privacy: a mean of the numbers of k parents that are next to each other in size; which parent
    has which is not told.
    """
    known = join.key[np.isin(join.key, supported)]
    theirs = key_numbers([[data.sample[c] for c in fk.columns], [parent[c] for c in fk.to]])[1]
    theirs = np.unique(theirs[theirs >= 0])
    rest = np.setdiff1d(theirs, known)
    counts = np.bincount(join.key[join.key >= 0], minlength=int(theirs.max(initial=-1)) + 1)
    degree = np.sort(counts[rest])
    parts = np.array_split(degree, max(len(degree) // data.k, 1)) if len(degree) else []
    return tuple((len(part), float(part.mean())) for part in parts)


def identity_feature(data: TableData, link: Link) -> Feature:
    """Codes of the values of an identity link; unsupported ones are the rest, or unknown."""
    assert link.values is not None
    names = link.fk.columns
    mine, listed = key_numbers([[data.sample[c] for c in names], [link.values[c] for c in names]])
    size = int(max(mine.max(initial=-1), listed.max(initial=-1))) + 1
    other = link.values.num_rows if link.rest else -2
    code = np.full(size + 1, other, np.int64)
    code[listed] = np.arange(len(listed))
    code[size] = -1
    return Feature(code[mine].astype(np.int32), link.size, False)


def children_of(join: Join, parents: int) -> NDArray[np.int64]:
    """Sampled children of each parent."""
    return np.bincount(join.parent[join.parent >= 0], minlength=parents).astype(np.int64)


def degrees_of(
    join: Join, parents: int, rows: int, statistics: KeyStatistics, whole: int
) -> NDArray[np.int64]:
    """Children per parent. Where only some children were sampled, the true distribution by rank.

    Of parents that share what is referred to, the first has all children.

    Args:
        join: of the children with their parents.
        parents: how many are sampled.
        rows: children that are sampled.
        statistics: of the key, over all rows.
        whole: rows of a sample in which no child of a sampled parent is missing.
    """
    counts = children_of(join, parents)
    if rows >= whole or not statistics.degrees.num_rows:
        return counts
    childless = statistics.parent_rows - statistics.parents  # shares its key, or has none
    degree = np.append(np.asarray(plain(statistics.degrees["degree"])), 0)
    weight = np.append(np.asarray(plain(statistics.degrees["parents"])), childless).astype(float)
    order = np.argsort(degree, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    rank = np.empty(parents)
    rank[np.argsort(counts, kind="stable")] = (np.arange(parents) + 0.5) / parents
    place = np.minimum(np.searchsorted(share, rank), len(order) - 1)
    return degree[order][place].astype(np.int64)


def with_unseen(
    codes: NDArray[np.int32], sampled: NDArray[np.int64], true: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Codes of parents, of which those of whose children none is sampled are like some others.

    By what they have in the sample, they would be the parents without children; their code would
    draw none. They are like those with as few children, one by one.

    Args:
        codes: of all parents.
        sampled: children of each in the sample.
        true: children of each in the source.
    """
    unseen = np.flatnonzero((sampled == 0) & (true > 0))
    known = np.flatnonzero(sampled > 0)
    few = known[true[known] <= true[unseen].max(initial=0)]
    donors = few if len(few) else known
    if not len(unseen) or not len(donors):
        return codes
    out = codes.copy()
    out[unseen] = codes[donors[np.arange(len(unseen)) * len(donors) // len(unseen)]]
    return out


def spread_if_few(counts: NDArray[np.int64], group: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Children per parent, spread evenly over all parents where too few have any.

    Privacy: which parents have children, and how many, is told of k entities or more; of fewer it
    is only how many children there are.
    """
    if not counts.any() or len(np.unique(group[counts > 0])) >= k:
        return counts
    even = np.arange(len(counts) + 1) * int(counts.sum()) // len(counts)
    spread: NDArray[np.int64] = np.diff(even)
    return spread


def build_phantoms(
    group: NDArray[np.int64], codes: NDArray[np.int32], lost: NDArray[np.int64],
    statistics: KeyStatistics, k: int,
) -> Phantoms | None:  # fmt: skip
    """What is known of keys without a parent; None where fewer than k entities have one.

    Args:
        group: entity of each child; of an own key, the missing key itself.
        codes: phantom code of each child, -1 for a child with a parent.
        lost: number of each child's missing key, -1 likewise.
        statistics: of the key, over all rows.
        k: least entities behind anything stored.
    """
    rows = np.flatnonzero(lost >= 0)
    if len(np.unique(group[rows])) < k or not statistics.orphan_keys:
        return None
    degree = np.bincount(lost[rows])
    code = np.zeros(len(degree), np.int32)
    code[lost[rows]] = codes[rows]
    weights = np.bincount(code)
    mean = float(statistics.orphans) / statistics.orphan_keys
    if len(degree) < 2 * k:
        return Phantoms(statistics.orphan_keys, (1,), None, None, mean)
    who = np.arange(len(degree), dtype=np.int64)
    codec = codec_of_cells(Cells(degree, np.zeros(len(degree), bool)), who, k)
    column = Feature(codec.encode_ticks(degree, np.zeros(len(degree), bool)), codec.size, True)
    context = {CODE: Feature(code, len(weights), False)}
    fitted = Trees(min_leaf=2 * k).fit(TrainingTable({DEGREE: column}, context, who, k), 0)
    return Phantoms(statistics.orphan_keys, tuple(int(w) for w in weights), codec, fitted, mean)
