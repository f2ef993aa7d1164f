"""What an evaluation is told beyond a tier: analyses that a report compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthlake.errors import SpecError

Value = str | int | float | bool


@dataclass(frozen=True)
class Fairness:
    """A prediction that is to treat groups alike.

    Attributes:
        target: ``table.column`` that is predicted.
        protected: columns of the same table whose values are the groups.
        positive: the outcome that is wished for; None for the last of two.
        privileged: by protected column, the group that others are compared with; without one, the
            best and the worst treated are.
    """

    target: str
    protected: tuple[str, ...]
    positive: Value | None = None
    privileged: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if "." not in self.target or not self.protected:
            raise SpecError(
                "fairness needs a target table.column and protected columns",
                hint="{target: people.income, protected: [sex], positive: '>50K'}",
            )
        if unknown := [name for name in self.privileged if name not in self.protected]:
            raise SpecError(
                f"fairness of {self.target}: a privileged group of {unknown[0]}, which is not"
                " protected",
                hint=f"protected are {', '.join(self.protected)}",
            )

    @property
    def table(self) -> str:
        """The table that it is about."""
        return self.target.partition(".")[0]

    @property
    def column(self) -> str:
        """The column that is predicted."""
        return self.target.partition(".")[2]


def fairness_of(given: Sequence[Fairness | Mapping[str, Any]]) -> tuple[Fairness, ...]:
    """Declared predictions, from mappings too.

    Raises:
        SpecError: one has no target or no protected column.
    """
    return tuple(
        f
        if isinstance(f, Fairness)
        else Fairness(
            str(f.get("target", "")),
            tuple(f.get("protected", ())),
            f.get("positive"),
            dict(f.get("privileged") or {}),
        )
        for f in given
    )


@dataclass(frozen=True)
class Match:
    """What an intruder knows of the rows of a partially synthetic table.

    Attributes:
        table: whose rows were kept one by one, some columns of them replaced.
        known: columns whose true values the intruder knows.
        key: columns that tell which row became which; the primary key if empty.
    """

    table: str
    known: tuple[str, ...]
    key: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.table or not self.known or set(self.known) & set(self.key):
            raise SpecError(
                "matches need a table, and columns that an intruder knows, other than the key",
                hint="{table: people, known: [age, sex, city]}",
            )


def matches_of(given: Sequence[Match | Mapping[str, Any]]) -> tuple[Match, ...]:
    """Declared intruders, from mappings too.

    Raises:
        SpecError: one has no table or knows nothing.
    """
    return tuple(
        m
        if isinstance(m, Match)
        else Match(str(m.get("table", "")), tuple(m.get("known", ())), tuple(m.get("key", ())))
        for m in given
    )
