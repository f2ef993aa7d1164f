"""Foreign keys by evidence: names that refer, and values that lie in a parent's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synthlake.schema.keys import family
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.schema.probe import Inclusion, Probe, TableCounts
from synthlake.schema.words import names_table, refers, words

MIN_INCLUDED = 0.75  # of the distinct keys: real data has orphans
_MIN_UNNAMED = 0.9
_MIN_PARENTS, _MIN_KEYS = 20, 3  # below, texts lie in each other by chance
_MIN_COVERED = 0.25


@dataclass(frozen=True)
class Reference:
    """A foreign key that the data supports.

    Attributes:
        fk: the key, without a mode.
        included: what supports it.
        named: 0 to 3, how clearly the name says so.
    """

    fk: ForeignKey
    included: Inclusion
    named: int

    @property
    def strength(self) -> tuple[int, bool, float]:
        """Orders references of one column by how likely they are meant."""
        its_own = names_table(self.fk.to[0], self.fk.references)
        return self.named, its_own, self.included.share


def single_references(
    child: Table, schema: Schema, counts: Mapping[str, TableCounts], probe: Probe
) -> list[Reference]:
    """References of one column each, at most one a column.

    Cost: a join on distinct keys for each pair of columns that names and counts allow.
    """
    found = []
    for column in child.columns:
        if column.action != "learn" or not counts[child.name].columns[column.name].values:
            continue
        made = [
            reference
            for parent in schema
            if len(parent.primary_key) == 1
            and not parent.skip
            and (parent.name, *parent.primary_key) != (child.name, column.name)
            and (reference := _single(child, column, parent, counts, probe)) is not None
        ]
        if made:
            found.append(max(made, key=lambda r: r.strength))
    return found


def composite_reference(
    child: Table, parent: Table, counts: Mapping[str, TableCounts], probe: Probe
) -> Reference | None:
    """The reference of several columns to a parent whose key columns the child has by name."""
    columns = _namesakes(child, parent)
    if columns is None or not all(counts[child.name].columns[c].values for c in columns):
        return None
    if not _is_larger(child, parent, columns, counts):
        return None
    fk = ForeignKey(columns, parent.name, parent.primary_key)
    included = probe.inclusion(child, parent, fk)
    return Reference(fk, included, 3) if included.share >= MIN_INCLUDED else None


def _single(
    child: Table, column: Column, parent: Table, counts: Mapping[str, TableCounts], probe: Probe
) -> Reference | None:
    key = parent.column(parent.primary_key[0])
    named = refers(column.name, parent.name, key.name)
    distinct = counts[child.name].columns[column.name].distinct
    parents = counts[parent.name].rows
    if family(column.type) != family(key.type) or distinct * MIN_INCLUDED > parents:
        return None
    if not _may_refer(child, column, named) or not _supported(
        family(column.type), named, distinct, parents
    ):
        return None
    fk = ForeignKey((column.name,), parent.name, (key.name,))
    included = probe.inclusion(child, parent, fk)
    return Reference(fk, included, named) if _enough(child, fk, included, named, parents) else None


def _may_refer(child: Table, column: Column, named: int) -> bool:
    if child.primary_key != (column.name,):
        return True
    # an id of its own: 1, 2, 3 lie in every other id
    if names_table(column.name, child.name) or words(column.name) == ("id",):
        return False
    return named == 3


def _supported(kind: str, named: int, distinct: int, parents: int) -> bool:
    if kind in ("text", "uuid", "binary"):
        return named >= 2 or (parents >= _MIN_PARENTS and distinct >= _MIN_KEYS)
    if kind == "int":
        return named >= 2 or (named == 1 and distinct >= 2)
    return kind in ("date", "timestamp") and named == 3


def _enough(child: Table, fk: ForeignKey, included: Inclusion, named: int, parents: int) -> bool:
    if named >= 2:
        return included.share >= MIN_INCLUDED
    kind = family(child.column(fk.columns[0]).type)
    if kind == "int":
        # small numbers lie in a range of ids by chance, unless they fill it
        return included.share == 1.0 and included.keys >= _MIN_COVERED * parents
    return included.share >= _MIN_UNNAMED


def _namesakes(child: Table, parent: Table) -> tuple[str, ...] | None:
    by_words = {words(c.name) or (c.name,): c for c in child.columns if c.action == "learn"}
    found = []
    for name in parent.primary_key:
        column = child.column(name) if child.has(name) else by_words.get(words(name))
        if column is None or column.action != "learn":
            return None
        if family(column.type) != family(parent.column(name).type):
            return None
        found.append(column.name)
    return tuple(found) if len(set(found)) == len(found) else None


def _is_larger(
    child: Table, parent: Table, columns: tuple[str, ...], counts: Mapping[str, TableCounts]
) -> bool:
    # two tables with one key refer to each other: the larger one is the parent
    if set(columns) != set(child.primary_key):
        return True
    return counts[child.name].rows <= counts[parent.name].rows
