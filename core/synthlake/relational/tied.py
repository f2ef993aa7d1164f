"""What ties a table to its parents: which of their columns its rules read, and its marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.declared import Declared
from synthlake.constraints.mapping import MapRule
from synthlake.encode.axis import plain
from synthlake.encode.categorical import UNKNOWN
from synthlake.errors import LearnError
from synthlake.ports import Feature
from synthlake.relational.across import Across, Mark
from synthlake.relational.balancing import balances
from synthlake.relational.columns import TableData
from synthlake.relational.declare import Declaration, unlearn
from synthlake.relational.model import Attribute, column_id

if TYPE_CHECKING:
    from synthlake.relational.attributes import Frame


def tied(
    said: Declaration, coded: Mapping[str, Feature], attributes: Sequence[Attribute],
    maps: Sequence[MapRule],
) -> Across:  # fmt: skip
    """What ties the table to its parents, and which of their columns are read for it.

    Args:
        said: its rules.
        coded: the own columns by their codecs.
        attributes: all of them.
        maps: columns that follow from others.
    """
    marks = tuple(_mark(said, rule, coded) for rule in said.terms.marks)
    read = {copy.of for copy in said.copies}
    read |= {n for rule in said.terms.rules for n in rule.columns}
    read |= {given.removeprefix(column_id("")) for rule in maps for given in rule.given}
    for attribute in attributes:
        read |= set(attribute.linear.needs if attribute.linear else ())
        gap = attribute.gap
        read |= {end.column for end in (*gap.below, *gap.above)} if gap else set()
    places = tuple(held.place for n, held in said.data.above.items() if n in read)
    return Across(places, said.copies, marks, balances=balances(said, attributes))


def with_marks(frame: Frame, data: TableData, family: NDArray[np.int64]) -> Frame:
    """The frame of a table without the marks of families that break their rule.

    Args:
        frame: of the table.
        data: what is learned from.
        family: number of each row's parent, by key; below 0 for rows of none.

    Raises:
        LearnError: the rows of families that keep a rule have fewer than k entities.
    """
    drawn = dict(frame.drawn)
    for mark in frame.across.marks:
        key = column_id(mark.column)
        hot = np.isin(frame.seen[key].codes, mark.hot)
        some = family >= 0
        count = np.bincount(family[some], hot[some], int(family.max(initial=-1)) + 1)
        bad = (count > 1) | ((count < 1) & (not mark.optional))
        wrong = np.where(some, bad[np.maximum(family, 0)], False) if len(bad) else ~some
        if len(np.unique(data.group[some & ~wrong])) < data.k:
            raise LearnError(
                f"{data.name}.{mark.column} marks one row of a family in families of fewer than "
                f"k = {data.k} entities",
                hint="check the rule `one_per` against the data",
            )
        unlearn(drawn, key, wrong)
    return replace(frame, drawn=drawn)


def _mark(said: Declaration, rule: Declared, coded: Mapping[str, Feature]) -> Mark:
    """The codes that mark, and the most frequent one that does not.

    Raises:
        LearnError: no marking value, or no other one, has k entities.
    """
    name = rule.rule["column"]
    codes = coded[column_id(name)].codes if column_id(name) in coded else np.zeros(0, np.int32)
    array: Any = plain(said.data.sample[name])
    hot = np.asarray(array.cast(pa.int64()).fill_null(0)) == 1
    marking = np.unique(codes[hot & (codes >= 0)]) if len(codes) else np.zeros(0, np.int32)
    other = codes[~np.isin(codes, marking) & (codes != UNKNOWN)] if len(codes) else codes
    if not len(marking) or not len(other):
        raise LearnError(
            f"{rule.where}: {name} is not both marked and unmarked in rows of k = "
            f"{said.data.k} entities",
            hint="leave the rule out, or lower k",
        )
    values, rows = np.unique(other, return_counts=True)
    optional = bool(rule.rule.get("optional"))
    return Mark(name, tuple(int(c) for c in marking), int(values[rows.argmax()]), optional)
