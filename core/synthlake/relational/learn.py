"""Learning a database from its statistics and its intact sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from synthlake.errors import LearnError
from synthlake.models import registry
from synthlake.ports import Event, Feature, FittedSynthesizer, OnEvent, TrainingTable
from synthlake.relational.apart import find_apart
from synthlake.relational.calendars import calendar_features, find_calendars
from synthlake.relational.dated import dated_features, find_dated
from synthlake.relational.draft import Draft, connect, meaningful, prepare
from synthlake.relational.joins import entities
from synthlake.relational.lists import ListSettings, Owners, with_lists
from synthlake.relational.loops import close_loops
from synthlake.relational.model import CODE, Model, TableModel, column_id, link_id, parent_id
from synthlake.relational.ordering import Order
from synthlake.relational.orphans import apply_policies
from synthlake.relational.people import rows_as_entities
from synthlake.relational.polymorphic import (
    cases_of,
    check_named,
    first_features,
    rejoined_table,
)
from synthlake.relational.refined import refine
from synthlake.relational.sequence import Sequence
from synthlake.relational.sequencing import find_chained, fit_sequence
from synthlake.relational.spelled import with_spelled
from synthlake.relational.unlike import find_unlike
from synthlake.relational.unnest import masked, under_of, unnest
from synthlake.relational.walks import find_walks
from synthlake.schema.honoured import unanswered
from synthlake.schema.identity import digest_of
from synthlake.schema.model import Schema, Table
from synthlake.sql.statistics import TableStatistics


@dataclass(frozen=True)
class LearnSettings:
    """How a database is learned.

    Attributes:
        seed: of learning.
        k: least entities behind anything stored.
        synthesizer: name and settings, for tables that do not say.
    """

    seed: int = 0
    k: int = 10
    synthesizer: Mapping[str, Any] = field(default_factory=lambda: {"name": "trees"})


def learn(
    samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics], schema: Schema,
    settings: LearnSettings, on_event: OnEvent | None = None,
) -> Model:  # fmt: skip
    """Learn every table.

    Args:
        samples: rows by table, intact in their references (``sql.draw``).
        statistics: counts over all training rows (``sql.measure``).
        schema: with all modes decided.
        settings: how to learn.
        on_event: told of each table.

    Raises:
        LearnError: a table is too small, has a type that is not learned, or a policy is broken.

    Privacy: the sample is not kept; see ``Model``.
    Cost: one tree a column, see ``models.trees``.
    """
    samples, statistics = _answered(samples, statistics, schema)
    given, flat = (samples, schema), unnest(samples, statistics, schema)
    samples, statistics, schema = flat.samples, flat.statistics, flat.schema
    order = schema.order()
    drafts: dict[str, Draft] = {}
    for table in order:
        if not table.keep and samples[table.name].num_rows:
            _check_size(table, samples[table.name], settings)
            name = _settings(table, settings)["name"]
            _check_order(table, name)
            drafts[table.name] = prepare(
                table, samples, statistics, schema, drafts,
                (settings.k, name != "independent", name == "trees"),
            )  # fmt: skip
    connect(drafts, schema)
    close_loops(drafts, schema)
    models: dict[str, TableModel] = {}
    seen: dict[str, dict[str, Feature]] = {}
    for number, table in enumerate(order):
        if on_event is not None:
            on_event(Event("fit", f"learning {table.name}", number, len(order)))
        if table.name in drafts:
            draft, plans = drafts[table.name], flat.plans.get(table.name, {})
            draft.frame = masked(draft.frame, under_of(plans), draft.data.sample)
            model, seen[table.name] = _fit(draft, drafts, seen, settings)
            context = {**_of_parent(draft, seen), **seen[table.name]}
            models[table.name] = with_lists(
                model, plans, given[0][table.name],
                Owners(table.name, context, draft.data.group),
                ListSettings(settings.k, settings.seed, _settings(table, settings)),
            )  # fmt: skip
        else:
            models[table.name] = _unlearned(table, samples[table.name])
    return Model(given[1], models, digest_of(given[1]), settings.k)


def _answered(
    samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics], schema: Schema
) -> tuple[Mapping[str, pa.Table], Mapping[str, TableStatistics]]:
    """Rows and statistics once policies have been applied; refuses what no twin can honour."""
    for said, way in unanswered(schema, {name: of.rows for name, of in statistics.items()}):
        raise LearnError(said, hint=way)
    samples, statistics = rows_as_entities(samples, statistics, schema)
    drawn = {name: sample.num_rows for name, sample in samples.items()}
    check_named(statistics, schema)
    samples, statistics = apply_policies(samples, statistics, schema)
    left = {name: 0 if n and not samples[name].num_rows else 1 for name, n in drawn.items()}
    for said, way in unanswered(schema, left, settled=True):
        raise LearnError(said, hint=way)
    return samples, statistics


def _settings(table: Table, settings: LearnSettings) -> Mapping[str, Any]:
    return table.synthesizer or settings.synthesizer


def _tries(table: Table, settings: LearnSettings) -> int:
    """How many draws a row has."""
    asked = _settings(table, settings)
    return int(asked.get("tries", 1)) if asked["name"] == "trees" else 1


def _unlearned(table: Table, sample: pa.Table) -> TableModel:
    """A public table as it is, or one without rows."""
    if not table.keep:
        return TableModel(table, 0)
    kept = sample.select([f.name for f in table.arrow]).combine_chunks()
    kept = rejoined_table(table, kept)
    return TableModel(table, kept.num_rows, kept=kept)


def _check_order(table: Table, name: str) -> None:
    """Refuse a declared order of rows that are drawn without one; the floor is so by design."""
    if table.sequence is not None and table.sequence.by and name not in ("trees", "independent"):
        raise LearnError(
            f"{table.name}.sequence: rows in order are made by trees, not by {name}",
            hint="declare `synthesizer: trees` for the table, or `sequence: false`",
        )


def _check_size(table: Table, sample: pa.Table, settings: LearnSettings) -> None:
    """Refuse a table of which nothing may be stored."""
    people = len(np.unique(entities(sample)))
    if people < settings.k and _settings(table, settings)["name"] != "independent":
        raise LearnError(
            f"{table.name} has {sample.num_rows} rows of fewer than k = {settings.k} entities:"
            " nothing of it may be stored",
            hint=f"declare {table.name} as keep: true (public), skip: true,"
            " or synthesizer: {name: independent}",
        )


def _fit(
    draft: Draft, drafts: Mapping[str, Draft], seen: Mapping[str, Mapping[str, Feature]],
    settings: LearnSettings,
) -> tuple[TableModel, dict[str, Feature]]:  # fmt: skip
    """The model of one table, and its rows' features for its children."""
    table, data, frame = draft.table, draft.data, draft.frame
    _check_conditions(table)
    calendars = find_calendars(data, table, meaningful(table, draft.key, drafts), frame.rules)
    context = {**calendar_features(calendars, data.sample), **_of_parent(draft, seen)}
    links = {link_id(n): f for n, f in draft.codes.items()}
    order, distinct = _order(draft)
    dates = find_dated(data, frame.attributes, frame.rules)
    made = {**draft.family, **links, **frame.drawn}
    visible = {**draft.family, **links, **frame.seen}
    made = cases_of(table, table.foreign_keys, frame.attributes).absent(made, visible)
    training = TrainingTable(
        {n: made[n] for n in order}, context, data.group, data.k, {n: visible[n] for n in order},
        even=frozenset([*links, *draft.family]),
        told={column_id(n): held for n, held in dated_features(dates, data.sample).items()},
        stratified=True,
        groups=frozenset({CODE} & set(draft.family)),
    )  # fmt: skip
    fitted, sequence, whole = _fitted(draft, training, settings)
    spelled, made_by = with_spelled(data, table, frame.attributes)
    model = TableModel(
        table=table,
        rows=data.statistics.rows,
        key=draft.key,
        calendars=calendars,
        links=tuple(draft.link(n) for n in range(len(table.foreign_keys))),
        attributes=frame.attributes,
        dates=dates,
        degrees=draft.degrees,
        codes=draft.groups,
        order=tuple(order),
        rules=frame.rules,
        maps=frame.maps,
        masks=frame.masks,
        distinct=distinct,
        apart=find_apart(draft),
        unlike=_unlike(draft, fitted, whole, settings.seed),
        made=made_by,
        synthesizer=fitted,
        enforced=frame.enforced,
        across=frame.across,
        sequence=sequence,
        loops=tuple(draft.loops[n] for n in sorted(draft.loops)),
        spans=draft.spans,
        spelled=spelled,
    )
    return refine(model, training, data, _tries(table, settings), settings.seed), visible


def _check_conditions(table: Table) -> None:
    """Refuse conditions of rows that are made with those of a parent."""
    if table.conditions and table.own is not None:
        raise LearnError(
            f"{table.name} has conditions, but its rows are made with those of its parent",
            hint=f"declare conditions of the root, {table.own.references}, or none",
        )


def _fitted(
    draft: Draft, training: TrainingTable, settings: LearnSettings
) -> tuple[FittedSynthesizer, Sequence | None, TrainingTable]:
    """What draws rows by themselves and those that follow another; what the first learned from."""
    table, frame = draft.table, draft.frame
    asked = _settings(table, settings)
    mapped = frozenset(rule.made for rule in frame.maps)
    order = draft.order
    if order is not None and order.kind == "grid" and not order.declared:
        fitted = registry.fit(asked, training, settings.seed)
        return *_along_time(order, training, fitted, settings), training
    chained = find_chained(order, training, mapped, settings.seed)
    if chained is None:
        return registry.fit(asked, training, settings.seed), None, training
    fitted = registry.fit(asked, chained.training, settings.seed)
    sequence = fit_sequence(chained, draft.data, table, frame, settings.seed)
    return fitted, sequence, chained.training


def _unlike(
    draft: Draft, fitted: FittedSynthesizer, training: TrainingTable, seed: int
) -> tuple[str, ...]:
    """Columns in which rows of one own parent are less alike than chance would have it."""
    own, trees = draft.table.own, registry.trees_of(fitted)
    if own is None or trees is None:
        return ()
    family = draft.joins[draft.table.foreign_keys.index(own)].key
    return find_unlike(trees, training, family, seed)


def _along_time(
    order: Order, training: TrainingTable, fitted: FittedSynthesizer, settings: LearnSettings
) -> tuple[FittedSynthesizer, Sequence | None]:
    """Rows of a grid: drawn as without an order, by words that wander along its time."""
    trees = registry.trees_of(fitted)
    walks = find_walks(trees, training, order.places, settings.seed) if trees else {}
    return fitted, Sequence("grid", order.by, walks=walks) if walks else None


def _of_parent(draft: Draft, seen: Mapping[str, Mapping[str, Feature]]) -> dict[str, Feature]:
    """Features of the own parent, a row for each child."""
    own = draft.table.own
    if own is None or own.references not in seen:
        return {}
    parent = draft.joins[draft.table.foreign_keys.index(own)].parent
    out = {}
    for name, given in seen[own.references].items():
        codes = np.where(parent < 0, -1, given.codes[parent])
        out[parent_id(name)] = replace(given, codes=codes.astype(np.int32))
    return out


def _declared(draft: Draft) -> list[str]:
    """Columns of declared conditions, each after those from which it is learned as a distance."""
    needs = {column_id(a.column): a.gap.needs for a in draft.frame.attributes if a.gap}
    waiting = [column_id(n) for n in reversed(draft.table.conditions)]
    out: list[str] = []
    while waiting:
        name = waiting.pop()
        first = [column_id(n) for n in needs.get(name, ()) if column_id(n) not in out]
        first = [n for n in first if n in draft.frame.drawn and n != name]
        if first and name in draft.frame.drawn:
            waiting += [name, *reversed(first)]
        elif name in draft.frame.drawn and name not in out:
            out.append(name)
    return out


def _order(draft: Draft) -> tuple[list[str], tuple[str, ...]]:
    """Columns in the order in which they are drawn, and those that make the key distinct.

    Declared conditions first, then codes and numbers of children, then what says which table is
    meant, then references from few codes to many, then attributes.
    The last column of a key that is completed within the family is the one that gives way.
    """
    links = sorted(draft.codes, key=lambda n: (draft.kinds[n] == "cluster", draft.codes[n].size))
    table = draft.table
    declared = _declared(draft)
    first = [n for n in first_features(table, draft.frame.drawn) if n not in declared]
    order = [*declared, *sorted(draft.family, reverse=True), *first, *(link_id(n) for n in links)]
    order += [n for n in draft.frame.drawn if n not in {*declared, *first}]
    own = set(table.own.columns) if table.own else set()
    if not own or not own <= set(table.primary_key):
        return order, ()
    rest = []
    for name in table.primary_key:
        if name in own:
            continue
        number = next(
            (n for n, fk in enumerate(table.foreign_keys)
             if name in fk.columns and draft.kinds[n] != "derived"), None
        )  # fmt: skip
        rest.append(column_id(name) if number is None else link_id(number))
    wanted = [n for n in order if n in rest]
    return order, tuple(dict.fromkeys(wanted))
