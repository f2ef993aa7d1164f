"""Learning what lists hold: their items are rows of a table of their own.

An item is learned given the row that it belongs to (all of its features, the list's length among
them), its position and the item before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import whole
from synthlake.encode.nested import Plan, flat_columns, items_of, lists_in, take_apart
from synthlake.models.registry import synthesizer_of
from synthlake.models.support import dense
from synthlake.ports import Feature, TrainingTable
from synthlake.relational.attributes import build_frame
from synthlake.relational.columns import TableData
from synthlake.relational.counted import count_sample
from synthlake.relational.model import TableModel, parent_id
from synthlake.relational.unnest import Plans, flattened, masked, under_of
from synthlake.schema.model import Table
from synthlake.source.nesting import Lists
from synthlake.sql.draw import ENTITY
from synthlake.sql.statistics import TableStatistics

MAX_ITEMS = 1_000_000  # that are learned from; rows of the sample stand in an order without meaning
MAX_POSITION = 255  # later items are all alike
POSITION = "position"

Features = Mapping[str, Feature]


@dataclass(frozen=True)
class ListSettings:
    """How items are learned.

    Attributes:
        k: least entities behind anything stored; items of one entity count once.
        seed: of learning.
        synthesizer: name and settings.
    """

    k: int
    seed: int
    synthesizer: Mapping[str, Any]


@dataclass(frozen=True)
class Owners:
    """The rows that lists belong to.

    Attributes:
        name: of their table, for words.
        context: features of the rows.
        group: entity of each row, from 0.
    """

    name: str
    context: Features
    group: NDArray[np.int64]


def before_id(name: str) -> str:
    """Name of a feature of the item before, among those of an item."""
    return f"b:{name}"


def with_lists(
    model: TableModel, plans: Plans, sample: pa.Table, owners: Owners, settings: ListSettings
) -> TableModel:
    """A table's model with those of the items of its lists.

    Args:
        model: of the flat columns.
        plans: of the nested ones.
        sample: with the nested columns.
        owners: its rows.
        settings: how to learn.

    Raises:
        LearnError: an item has a type that is not learned.

    Privacy: k counts entities of rows, not items.
    """
    values = {name: whole(sample[name]) for name in plans}
    lists = _learned(plans, values, owners, settings)
    return replace(model, plans=dict(plans), under=under_of(plans), lists=lists)


def _learned(
    plans: Plans, values: Mapping[str, Any], owners: Owners, settings: ListSettings
) -> dict[str, TableModel]:
    out = {}
    for name, plan in plans.items():
        for node, held in lists_in(plan, values[name]):
            out[node.name] = _items(node, held, owners, settings)
    return out


def owner_of(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row of each item, and its position there."""
    owner = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.cumsum(lengths) - lengths
    return owner, np.arange(len(owner)) - starts[owner]


def place_of(position: NDArray[np.int64]) -> Feature:
    """Positions as a feature."""
    codes = np.minimum(position, MAX_POSITION).astype(np.int32)
    return Feature(codes, MAX_POSITION + 1, True)


def _items(node: Plan, held: Lists, owners: Owners, settings: ListSettings) -> TableModel:
    """The model of one list's items."""
    owner, position = owner_of(held.lengths)
    parts = items_of(node, held)
    if len(owner) > MAX_ITEMS:
        most = int(np.searchsorted(np.cumsum(held.lengths), MAX_ITEMS, side="right"))
        size = int(held.lengths[: max(most, 1)].sum())
        owner, position, parts = owner[:size], position[:size], [p.slice(0, size) for p in parts]
    group = owners.group[owner]
    plans = {plan.name: plan for plan in node.parts}
    values = dict(zip(plans, parts, strict=True))
    name = f"{owners.name}.{node.name}[]"
    data, table = _data(name, plans, values, group, settings.k)
    structured = settings.synthesizer["name"] != "independent"
    frame = build_frame(data, table, table.columns, (), {}, structured)
    under = under_of(plans)
    frame = masked(frame, under, data.sample)
    context = {parent_id(n): replace(f, codes=f.codes[owner]) for n, f in owners.context.items()}
    context |= {POSITION: place_of(position)}
    context |= {before_id(n): _before(f, position) for n, f in frame.seen.items()}
    fitted = None
    if len(owner) and frame.drawn:
        training = TrainingTable(frame.drawn, context, data.group, settings.k, frame.seen)
        fitted = synthesizer_of(settings.synthesizer).fit(training, settings.seed)
    rows = Owners(name, {**context, **frame.seen}, data.group)
    return TableModel(
        table=table,
        rows=len(owner),
        attributes=frame.attributes,
        order=tuple(frame.drawn),
        rules=frame.rules,
        maps=frame.maps,
        synthesizer=fitted,
        plans=plans,
        under=under,
        lists=_learned(plans, values, rows, settings),
    )


def _data(
    name: str, plans: Plans, values: Mapping[str, Any], group: NDArray[np.int64], k: int
) -> tuple[TableData, Table]:
    """Items as a table; keys of a map are its primary key."""
    group = dense(group) if len(group) else group
    parts = {n: take_apart(plan, values[n]) for n, plan in plans.items()}
    flat = {n: made for held in parts.values() for n, made in held.items()}
    counted = {n: count_sample(made, group) for n, made in flat.items()}
    columns = [c for n, plan in plans.items() for c in flattened(plan, parts[n], counted)]
    key = [n for n, _ in flat_columns(next(iter(plans.values())))] if len(plans) > 1 else []
    sample = pa.table({**flat, ENTITY: pa.array(group)})
    size = int(group.max(initial=-1)) + 1
    statistics = TableStatistics(len(group), len(group), size, counted)
    return TableData(name, sample, statistics, k), Table(name, tuple(columns), tuple(key))


def _before(feature: Feature, position: NDArray[np.int64]) -> Feature:
    """The feature of the item before; as NULL for the first."""
    codes = np.where(position > 0, np.roll(feature.codes, 1), -1)
    return replace(feature, codes=codes.astype(np.int32))
