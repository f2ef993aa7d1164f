"""A metric as a spec declares it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from synthlake.errors import SpecError
from synthlake.schema.nearest import nearest

Way = Literal["difference", "low", "high"]
Level = Literal["quick", "standard", "full"]
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_KEYS = ("name", "sql", "direction", "table", "title", "best", "tier")


@dataclass(frozen=True)
class Custom:
    """A metric of one's own.

    Attributes:
        name: as in gates and reports.
        sql: a SELECT that gives one number.
        direction: ``difference``: of the number in the real data and in the twin, and less is
            better; ``low`` or ``high``: the number itself is the figure.
        table: whose rows are called ``real`` and ``synthetic`` in the SELECT.
        title: in reports; None for the name.
        best: the best value; None for 0, or 1 where higher is better.
        tier: the lowest one that computes it.
    """

    name: str
    sql: str
    direction: Way = "difference"
    table: str | None = None
    title: str | None = None
    best: float | None = None
    tier: Level = "quick"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SpecError(
                f"{self.name!r} cannot be the name of a metric",
                hint="small letters, digits, _ and dots, such as late_share",
            )
        for key, value, known in (
            ("direction", self.direction, get_args(Way)), ("tier", self.tier, get_args(Level)),
        ):  # fmt: skip
            if value not in known:
                raise SpecError(
                    f"the metric {self.name} has no {key} {value!r}",
                    hint=f"{nearest(str(value), known)}; it is one of {', '.join(known)}",
                )
        if self.best is not None and self.direction == "difference":
            raise SpecError(
                f"the metric {self.name} is a difference, whose best value is 0",
                hint="leave `best` out",
            )


def customs(given: Iterable[Custom | Mapping[str, Any]]) -> tuple[Custom, ...]:
    """Declared metrics, from mappings or as they are.

    Raises:
        SpecError: a key is missing or not known, or two have one name.
    """
    out: dict[str, Custom] = {}
    for item in given:
        one = item if isinstance(item, Custom) else _custom(item)
        if one.name in out:
            raise SpecError(
                f"two metrics of the spec are named {one.name!r}", hint="give one another name"
            )
        out[one.name] = one
    return tuple(out.values())


def _custom(item: Mapping[str, Any]) -> Custom:
    for key in item:
        if key not in _KEYS:
            raise SpecError(f"a metric has no {key!r}", hint=f"it has {', '.join(_KEYS)}")
    if not isinstance(item.get("name"), str) or not isinstance(item.get("sql"), str):
        raise SpecError(
            "a metric needs a name and its sql",
            hint="{name: mean_delay, sql: SELECT AVG(arr_delay) FROM flights}",
        )
    held = {key: value for key, value in item.items() if value is not None}
    return Custom(**cast(Any, held))
