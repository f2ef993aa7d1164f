"""Whether the key of a row is among other keys, by a join that multiplies nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Among:
    """A test of rows, and what must be read for it.

    Attributes:
        join: what to write after the table in FROM.
        found: the test; ``NOT`` of it is true of a key that is NULL.
    """

    join: str
    found: str


def among(name: str, keys: Sequence[str], others: str) -> Among:
    """Whether a row's key is among others.

    Args:
        name: of the others in the statement.
        keys: expressions of the key, as ``keys.compared`` gives them.
        others: from ``distinct``.
    """
    on = " AND ".join(f"{key} = {name}.k{place}" for place, key in enumerate(keys))
    return Among(f" LEFT JOIN ({others}) AS {name} ON {on}", f"{name}.k0 IS NOT NULL")


def distinct(keys: Sequence[str], read: str) -> str:
    """The keys that there are, once each, as ``k0, k1, ...``."""
    named = ", ".join(f"{key} AS k{place}" for place, key in enumerate(keys))
    return f"SELECT DISTINCT {named} FROM {read}"


def present(keys: Sequence[str]) -> str:
    """Whether no part of a key is NULL."""
    return " AND ".join(f"{key} IS NOT NULL" for key in keys)
