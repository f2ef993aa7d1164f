"""Statements as expressions: standard SQL with places for what differs between dialects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp

from synthlake.quality.emitted.dialects import Leaves, render

FIGURES = (
    "metric", "table_name", "column_name", "other_column", "value", "real_value", "synthetic_value",
)  # fmt: skip
"""Columns of every result, in this order."""

Piece = str | int | exp.Expression
"""What a place is filled with: SQL of the dialect as it is, a number, or an expression."""


@dataclass(frozen=True)
class Statement:
    """One statement of a script.

    Attributes:
        name: what it counts, or the metric.
        tree: a SELECT.
        keep: under which name its result is kept for the statements after it; empty for a figure.
    """

    name: str
    tree: exp.Expression
    keep: str = ""

    def sql(self, leaves: Leaves) -> list[str]:
        """As statements of a dialect."""
        text = render(self.tree, leaves)
        return leaves.keep(self.keep, text) if self.keep else [text]


@lru_cache(maxsize=256)
def _parsed(template: str) -> exp.Expression:
    tree = sqlglot.parse_one(template, read="postgres")
    assert isinstance(tree, exp.Expression)
    return tree


def raw(text: str) -> exp.Expression:
    """SQL of the dialect, as it is."""
    return exp.Var(this=text)


def text(value: str) -> exp.Expression:
    """A text as a literal, written by the dialect's own rules."""
    return exp.Literal.string(value)


def select(template: str, **places: Piece) -> exp.Expression:
    """A statement from a template.

    Args:
        template: PostgreSQL's SQL, with places such as ``:relation``.
        **places: what they are filled with.
    """
    filled = {name: _node(piece) for name, piece in places.items()}
    made = exp.replace_placeholders(_parsed(template).copy(), **filled)
    assert isinstance(made, exp.Expression)
    return made


def _node(piece: Piece) -> exp.Expression:
    if isinstance(piece, int):
        return exp.Literal.number(piece)
    return raw(piece) if isinstance(piece, str) else piece


def union(parts: Sequence[exp.Expression]) -> exp.Expression:
    """All rows of several statements, balanced so that no parser has to go deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return exp.union(union(parts[:middle]), union(parts[middle:]), distinct=False, copy=False)
