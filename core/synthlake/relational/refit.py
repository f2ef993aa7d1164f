"""A model that takes in further rows, without those it was learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.encode.axis import is_ordered
from synthlake.encode.categorical import UNKNOWN, CategoricalCodec
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import LearnError
from synthlake.models.refit import Shares, Weights, refitted, widened
from synthlake.models.registry import trees_of
from synthlake.models.trees import FittedTrees
from synthlake.ports import Event, Feature, OnEvent, TrainingTable
from synthlake.quality.drift import Change, Contradiction, Drift, drift_of
from synthlake.relational.attributes import features_of
from synthlake.relational.calendars import calendar_features
from synthlake.relational.columns import TableData, axis_of
from synthlake.relational.contradictions import contradictions
from synthlake.relational.dated import dated_features
from synthlake.relational.declare import declaration
from synthlake.relational.enforced import Joint
from synthlake.relational.extending import Extended, extended, taken
from synthlake.relational.keys import SlotKey
from synthlake.relational.model import Model, TableModel, column_id
from synthlake.relational.people import rows_as_entities
from synthlake.relational.refined import levelled
from synthlake.sql.statistics import TableStatistics

_LIKE = (0.8, 1.25)  # shares of rows that were drawn: within these, a row counts as one
_EXPECTED = 3  # times k rows of a value, from which its absence is worth a word


@dataclass(frozen=True)
class RefitSettings:
    """How further rows are taken in.

    Attributes:
        decay: what an old row counts, in (0, 1]; a further one counts 1.
        seed: of the samples that drift is compared with.
    """

    decay: float = 1.0
    seed: int = 0


@dataclass
class _Found:
    """What is said of the further rows."""

    changes: list[Change] = field(default_factory=list)
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    contradictions: list[Contradiction] = field(default_factory=list)


def check_refit(model: Model) -> None:
    """Refuse what cannot be refitted, before any row is read.

    Raises:
        LearnError: it has references, keys on a grid, nested columns, or a synthesizer that keeps
            no leaves.
    """
    for name, table in model.tables.items():
        if table.table.references:
            raise LearnError(
                f"{name} refers to {table.table.references[0].references}: a refit takes in"
                " tables without references, as numbers of children and groups of parents are not"
                " known of an artifact's rows",
                hint="fit all rows again",
            )
        if table.table.keep or table.kept is not None:
            continue
        if isinstance(table.key, SlotKey):
            raise LearnError(
                f"the key of {name} is a grid of {', '.join(table.key.columns)}: which places it"
                " has is learned once",
                hint="fit all rows again",
            )
        if table.plans:
            raise LearnError(
                f"{name}.{next(iter(table.plans))} is nested: a refit takes in flat columns",
                hint="fit all rows again",
            )
        if table.synthesizer is None:
            raise LearnError(
                f"nothing was learned of {name}, which had no rows", hint="fit all rows again"
            )
        if trees_of(table.synthesizer) is None:
            raise LearnError(
                f"{name} was learned by another synthesizer than trees or independent, which alone"
                " take in further rows",
                hint="fit all rows again, or learn by trees",
            )


def _with_trees(fitted: Any, trees: FittedTrees) -> Any:
    """The same with other trees."""
    if isinstance(fitted, FittedTrees):
        return trees
    return replace(fitted, fitted=_with_trees(fitted.fitted, trees))


def refit(
    model: Model, samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics],
    settings: RefitSettings, on_event: OnEvent | None = None,
) -> tuple[Model, Drift]:  # fmt: skip
    """The model with further rows, and how these differ from what was learned.

    Tables without further rows stay as they are.

    Args:
        model: as it was learned; it does not change.
        samples: further rows by table (``sql.draw``).
        statistics: counts over all of them (``sql.measure``).
        settings: how they are taken in.
        on_event: told of each table.

    Raises:
        LearnError: see ``check_refit``; or a table has further rows of fewer than k entities.

    Privacy: see ``models.refit``.
    Cost: one pass a column over the further rows; no tree is grown.
    """
    check_refit(model)
    samples, statistics = rows_as_entities(samples, statistics, model.schema)
    touched = {
        name: TableData(name, samples[name], statistics[name], model.k, table.table.primary_key)
        for name, table in model.tables.items()
        if table.kept is None and name in samples and samples[name].num_rows
    }
    for data in touched.values():
        _check_size(data)
    found, tables = _Found(), dict(model.tables)
    for number, (name, data) in enumerate(touched.items()):
        if on_event is not None:
            on_event(Event("refit", f"taking in {name}", number, len(touched)))
        tables[name] = _refitted(model.tables[name], data, settings, found)
    drift = drift_of(found.changes, found.rows, found.contradictions, settings.seed)
    return replace(model, tables=tables), drift


def _check_size(data: TableData) -> None:
    people = int(data.group.max()) + 1
    if people < data.k:
        raise LearnError(
            f"{data.name} has {data.sample.num_rows} further rows of fewer than k = {data.k}"
            " entities: nothing of them may be stored",
            hint="gather more rows before a refit, or leave the table empty",
        )


def _refitted(
    model: TableModel, data: TableData, settings: RefitSettings, found: _Found
) -> TableModel:
    """One table."""
    trees = trees_of(model.synthesizer)
    assert trees is not None
    codecs = {a.column: a.codec for a in model.attributes}
    data = replace(data, sample=taken(data.sample, codecs))
    new = extended(model, data, settings.decay)
    model = replace(model, attributes=new.attributes)
    places = {name: move.place for name, move in new.seen.items()}
    maps = [m.moved(places, {n: move.size for n, move in new.seen.items()}) for m in model.maps]
    cells = _cells(model, data)
    drawn, seen = _features(model, data, cells)
    told = {column_id(n): f for n, f in dated_features(model.dates, data.sample).items()}
    training = TrainingTable(
        {n: drawn[n] for n in model.order}, calendar_features(model.calendars, data.sample),
        data.group, data.k, {n: seen[n] for n in model.order}, told=told,
    )  # fmt: skip
    weights = Weights(settings.decay, _weight(trees, model, data))
    wide = widened(trees, new.drawn, new.seen)
    made, shares = refitted(wide, training, weights)
    found.changes += _changes(model, data, shares, new)
    found.rows[data.name] = (model.rows, data.statistics.rows)
    whole = replace(model, maps=tuple(maps))
    found.contradictions += [c for c in contradictions(whole, data, cells, seen) if c.broken]
    codes = {n: f.codes for n, f in {**training.context, **seen}.items()}
    maps = [m.extended(codes, codes[m.made], data.group, data.k) for m in maps]
    refined = model.refined
    if refined is not None:
        moved = refined.ratio.moved({n: move.like for n, move in new.seen.items()})
        refined = replace(refined, ratio=moved)
    model = replace(
        model,
        refined=refined,
        rows=round(settings.decay * model.rows) + data.statistics.rows,
        maps=tuple(maps),
        synthesizer=_with_trees(model.synthesizer, made),
    )
    fresh = [name for name, move in new.seen.items() if (move.like < 0).any()]
    return levelled(model, fresh, settings.seed)


def _weight(trees: FittedTrees, model: TableModel, data: TableData) -> float:
    """What a further row counts, as of old and further rows different shares may be drawn."""
    if not trees.steps:
        return 1.0
    old = float(trees.steps[0].leaves.rows.sum()) / max(model.rows, 1)
    new = data.sample.num_rows / max(data.statistics.rows, 1)
    found = old / new
    return 1.0 if _LIKE[0] < found < _LIKE[1] or not old else found


def _cells(model: TableModel, data: TableData) -> dict[str, Cells]:
    """Further rows on the axes of the model."""
    axes = {a.column: a.codec.axis for a in model.attributes if isinstance(a.codec, NumericCodec)}
    out = {}
    for column in model.table.columns:
        if column.name in data.sample.column_names and is_ordered(column.type):
            axis = axes.get(column.name) or axis_of(data, column)
            out[column.name] = Cells(*axis.ticks(data.sample[column.name]))
    return out


def _features(
    model: TableModel, data: TableData, cells: Mapping[str, Cells]
) -> tuple[dict[str, Feature], dict[str, Feature]]:
    """Codes of further rows as they are drawn, and as later columns see them."""
    learned = [a for a in model.attributes if a.learned]
    drawn, seen = features_of(data, learned, cells)
    if model.enforced is None:
        return drawn, seen
    said = declaration(data, model.table)
    drawn = said.masked(said.excluded(drawn), model.enforced.settled)
    for name, joint in model.enforced.joints.items():
        drawn[name] = seen[name] = _combined(joint, drawn)
    return drawn, seen


def _combined(joint: Joint, drawn: Mapping[str, Feature]) -> Feature:
    """Combinations as the model knows them; others are unknown."""
    codes = np.stack([drawn[n].codes for n in joint.columns], axis=1)
    both = np.concatenate([joint.table, codes])
    place = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1)
    size = len(joint.table)
    number = np.full(int(place.max(initial=0)) + 1, UNKNOWN, np.int32)
    number[place[:size]] = np.arange(size)
    return Feature(number[place[size:]], size, False)


def _changes(
    model: TableModel, data: TableData, shares: Mapping[str, Shares], new: Extended
) -> Iterator[Change]:
    """Columns as they were, and among further rows, in the schema's order."""
    attributes = {a.column: a for a in model.attributes if a.learned}
    for column in model.table.columns:
        attribute, key = attributes.get(column.name), column_id(column.name)
        if attribute is None or attribute.codec is None or key not in shares:
            continue
        found, codec = shares[key], attribute.drawn or attribute.codec
        appeared: tuple[str, ...] = ()
        vanished: tuple[str, ...] = ()
        if isinstance(codec, CategoricalCodec):
            values = [str(v) for v in codec.values.to_pylist()]
            fresh = new.drawn[key].fresh if key in new.drawn else np.zeros(0, np.int64)
            found = _doubted(found, fresh, data.k)
            appeared = tuple(values[code] for code in fresh)
            vanished = tuple(values[code] for code in _vanished(found, data.k))
        note = "" if attribute.drawn is None else "distance from what other columns say"
        yield Change(
            data.name, column.name, found.old, found.new, found.nulls, codec.ordered,
            found.entities, appeared, vanished, new.beyond.get(column.name, 0.0), note,
        )  # fmt: skip


def _doubted(found: Shares, fresh: NDArray[np.int64], k: int) -> Shares:
    """Shares in which new categories have been there before, as often as nobody would have seen."""
    share = found.old.sum() / max(float(found.new.sum()), 1.0)
    old = found.old.copy()
    old[fresh] = np.minimum(found.new[fresh] * share, (k - 1) / max(found.entities, 1e-9))
    return replace(found, old=old)


def _vanished(found: Shares, k: int) -> NDArray[np.int64]:
    """Codes of which entities are to be expected, and fewer than k are there."""
    total = found.old.sum() + found.nulls[0]
    rows = found.new.sum() + found.nulls[1]
    expected = found.old / max(total, 1.0) * rows * found.entities
    return np.flatnonzero((expected >= _EXPECTED * k) & ~found.known)
