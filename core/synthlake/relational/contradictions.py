"""Rules that were found in old rows, and further rows that break them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from synthlake.constraints.formula import Formula
from synthlake.constraints.masks import MaskRule
from synthlake.constraints.rule import Cells
from synthlake.ports import Feature
from synthlake.quality.drift import Contradiction
from synthlake.relational.calendars import calendar_features
from synthlake.relational.columns import TableData
from synthlake.relational.model import TableModel


def contradictions(
    model: TableModel, data: TableData, cells: Mapping[str, Cells], seen: Mapping[str, Feature]
) -> Iterator[Contradiction]:
    """Each rule of a table with the further rows it speaks of, and those that break it.

    Declared rules are counted by their SQL.

    Args:
        model: of the table.
        data: further rows.
        cells: the same on the axes of the model.
        seen: the same as codes.
    """
    yield from _of_rules(model, data, cells)
    codes = {n: f.codes for n, f in seen.items()}
    codes |= {n: f.codes for n, f in calendar_features(model.calendars, data.sample).items()}
    for rule in model.maps:
        if rule.made in codes and set(rule.given) <= codes.keys():
            rows, broken = rule.broken(codes, codes[rule.made])
            said = f"{_said([rule.made])} follows from {_said(rule.given)}"
            yield Contradiction(data.name, said, broken, rows)
    yield from (_of_mask(mask, data) for mask in model.masks)


def _of_rules(
    model: TableModel, data: TableData, cells: Mapping[str, Cells]
) -> Iterator[Contradiction]:
    """Columns that are computed."""
    for rule in model.rules:
        if isinstance(rule, Formula) or not {*rule.needs, *rule.makes} <= cells.keys():
            continue  # a declared one, or of what is drawn and not of values
        for column, made in rule.apply(cells).items():
            own = cells[column]
            there = ~made.null & ~own.null
            wrong = there & (made.ticks != own.ticks)
            said = f"{column} follows from {', '.join(rule.needs)}"
            yield Contradiction(data.name, said, int(wrong.sum()), int(there.sum()))


def _of_mask(mask: MaskRule, data: TableData) -> Contradiction:
    """NULLs that follow from each other."""
    null = [np.asarray(data.sample[n].is_null()) for n in mask.columns]
    wrong = np.zeros(len(null[0]), bool)
    for other in null[1:]:
        wrong |= other != null[0]
    for name in mask.then:
        wrong |= null[0] & ~np.asarray(data.sample[name].is_null())
    said = f"{', '.join(mask.columns)} are NULL together"
    if mask.then:
        said = f"where {', '.join(mask.columns)} is NULL, {', '.join(mask.then)} is"
    return Contradiction(data.name, said, int(wrong.sum()), len(wrong))


def _said(names: Sequence[str]) -> str:
    """Features as a person calls them."""
    return ", ".join(name.partition(":")[2] or name for name in names)
