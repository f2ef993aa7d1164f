"""Columns drawn one by one: the floor of every report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from synthlake.models.trees import FittedTrees, Trees
from synthlake.ports import TrainingTable


@dataclass(frozen=True)
class Independent:
    """Every column from its own distribution: a tree of one leaf, without context."""

    name: str = "independent"

    def fit(self, data: TrainingTable, seed: int) -> FittedTrees:
        """Learn each column alone."""
        steps: tuple[Any, ...] = ()
        for name, column in data.columns.items():
            alone = replace(data, columns={name: column}, context={})
            steps += Trees().fit(alone, seed).steps
        return FittedTrees(steps)

    def from_artifact(
        self, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> FittedTrees:
        """The model that ``to_artifact`` described."""
        return Trees().from_artifact(settings, tensors)
