"""A synthesizer as a third party writes it: one file, of what ``synthlake.api`` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synthlake.api import ports


@dataclass(frozen=True)
class FittedDummy:
    """Shares of codes by column."""

    shares: Mapping[str, NDArray[np.float64]]

    def sample(
        self, columns: Sequence[str], context: Mapping[str, ports.Codes], draw: ports.Draw,
        settle: ports.Settle,
    ) -> None:  # fmt: skip
        """Each column on its own."""
        for name in columns:

            def made(words: NDArray[np.uint64], name: str = name) -> ports.Codes:
                unit = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
                place = np.searchsorted(np.cumsum(self.shares[name])[:-1], unit, side="right")
                return (place - 1).astype(np.int32)

            def redraw(
                rows: NDArray[np.int64], number: int, name: str = name, made: Any = made
            ) -> ports.Codes:
                return made(draw(name, number)[rows])

            settle(name, made(draw(name, 0)), redraw)

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Tensors ``N/...`` are of the N-th column."""
        held = {f"{n}/shares": share for n, share in enumerate(self.shares.values())}
        return {"columns": list(self.shares)}, held


@dataclass(frozen=True)
class Dummy:
    """Every column from the shares of its codes.

    Attributes:
        rounds: does nothing.
        mode: does nothing.
        slack: does nothing.
    """

    rounds: int = 1
    mode: Literal["plain", "fancy"] = "plain"
    slack: Annotated[float, Field(ge=0, le=1)] = 0.0
    name: str = "dummy"

    def fit(self, data: ports.TrainingTable, seed: int) -> FittedDummy:
        """Shares of codes that k entities have; of numbers, of neighbours that k have together."""
        return FittedDummy({n: _shares(f, data.group, data.k) for n, f in data.columns.items()})

    def from_artifact(
        self, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> FittedDummy:
        """What ``to_artifact`` described."""
        return FittedDummy({c: tensors[f"{n}/shares"] for n, c in enumerate(settings["columns"])})


def _shares(column: ports.Feature, group: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    out = np.zeros(column.size + 1)
    gone = column.codes == -1
    out[0] = gone.sum() if len(np.unique(group[gone])) >= k else 0.0
    codes: list[int] = []
    for code in range(column.size):
        codes.append(code)
        rows = np.isin(column.codes, codes)
        if len(np.unique(group[rows])) >= k:
            out[np.asarray(codes) + 1] += rows.sum() / len(codes)
            codes = []
        elif not column.ordered:
            codes = []
    if not out[1:].sum():
        return np.append(1.0, np.zeros(column.size))
    null = out[0] / len(column.codes)
    return np.append(null, out[1:] / out[1:].sum() * (1 - null))
