"""Attacking every table, with nothing left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from synthlake.ports import Score
from synthlake.quality.attacks.arena import Arena, Rows, arena, reason_against
from synthlake.quality.classifier import one_thread
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Scored, Subject

MOST_SECRETS = 20

OnTable = Callable[[Comparison, str], Score]
OnColumns = Callable[[Comparison, str, Arena, Rows], Iterator[Scored]]


def each_table(comparison: Comparison, attack: OnTable) -> Iterator[Scored]:
    """A score for each table, or why its rows cannot be attacked."""
    for table in comparison.ground.tables:
        reason = reason_against(comparison, table.name)
        score = Score(None, reason=reason) if reason else attack(comparison, table.name)
        yield Subject(table.name), score


def each_secret(comparison: Comparison, attack: OnColumns) -> Iterator[Scored]:
    """Scores of the columns of each table, or why its rows cannot be attacked."""
    for table in comparison.ground.tables:
        reason = reason_against(comparison, table.name)
        if reason:
            yield Subject(table.name), Score(None, reason=reason)
            continue
        with one_thread():
            where = arena(comparison.ground, table.name)
            yield from attack(comparison, table.name, where, where.of(comparison.candidate))


def secrets(where: Arena) -> tuple[Field, ...]:
    """The columns that are attacked: of many, every so manieth."""
    return where.fields[:: -(-len(where.fields) // MOST_SECRETS) or 1]
