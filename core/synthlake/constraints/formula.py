"""Columns that are sums, differences or ratios of others, rounded to their own digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells

_WHOLE = 2.0**62


@dataclass(frozen=True)
class Formula:
    """``made`` computed from ``of`` wherever these are known. Conforms to ``Rule``.

    Attributes:
        kind: ``sum``, ``difference`` or ``ratio``.
        made: the column that it computes.
        of: columns that it computes from.
        decimals: of the axes of ``of``; None for one that is continuous.
        digits: to which it is rounded; None for not at all.
        axis: decimals of its own axis; None for one that is continuous.
        limits: least and greatest tick of its type.
        keep: whether it may be NULL where ``of`` is known.
    """

    kind: str
    made: str
    of: tuple[str, ...]
    decimals: tuple[int | None, ...]
    digits: int | None
    axis: int | None
    limits: tuple[float, float]
    keep: bool = False

    @property
    def makes(self) -> tuple[str, ...]:
        """The computed column."""
        return (self.made,)

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that it is computed from."""
        return self.of

    def apply(self, cells: Mapping[str, Cells]) -> dict[str, Cells]:
        """The computed column; NULL where a part is, or where it is divided by 0."""
        parts = [cells[name] for name in self.of]
        null = np.logical_or.reduce([p.null for p in parts])
        if self.keep and self.made in cells:
            null = null | cells[self.made].null
        if self.kind == "ratio":
            null = null | (parts[1].ticks == 0)
        made = self._whole(parts) if self._is_whole() else self._float(parts)
        low, high = self.limits
        return {self.made: Cells(np.clip(made, low, high).astype(made.dtype), null)}

    def _is_whole(self) -> bool:
        """Whether ticks are added as they are, so that nothing is rounded."""
        mine = self.axis
        return (
            self.kind != "ratio"
            and mine is not None
            and (self.digits is None or self.digits >= mine)
            and all(d is not None and d <= mine for d in self.decimals)
        )

    def _whole(self, parts: list[Cells]) -> NDArray[Any]:
        scaled = [
            p.ticks.astype(np.int64) * 10 ** ((self.axis or 0) - (d or 0))
            for p, d in zip(parts, self.decimals, strict=True)
        ]
        made: NDArray[Any] = scaled[0] - scaled[1] if self.kind == "difference" else sum(scaled)
        return made

    def _float(self, parts: list[Cells]) -> NDArray[Any]:
        values = [p.ticks / 10.0 ** (d or 0) for p, d in zip(parts, self.decimals, strict=True)]
        if self.kind == "sum":
            made: NDArray[Any] = np.sum(values, axis=0)
        elif self.kind == "difference":
            made = values[0] - values[1]
        else:
            made = values[0] / np.where(values[1] == 0, 1.0, values[1])
        if self.digits is not None:
            made = np.rint(made * 10.0**self.digits) / 10.0**self.digits
        if self.axis is None:
            return made
        whole = np.clip(np.rint(made * 10.0**self.axis), -_WHOLE, _WHOLE)
        return whole.astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
        return {
            "rule": "formula", "kind": self.kind, "made": self.made, "of": list(self.of),
            "decimals": list(self.decimals), "digits": self.digits, "axis": self.axis,
            "limits": list(self.limits), "keep": self.keep,
        }  # fmt: skip


def formula_from_json(form: Mapping[str, Any]) -> Formula:
    """The formula that ``to_json`` described."""
    lists = {key: tuple(form[key]) for key in ("of", "decimals", "limits")}
    rest = {key: value for key, value in form.items() if key != "rule"}
    return Formula(**{**rest, **lists})
