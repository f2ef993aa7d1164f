"""The sample plan: how many rows of what, and where each block begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import ArtifactError
from synthlake.relational.careers import Career
from synthlake.relational.cumulated import Cumulated

Counts = NDArray[np.int64]
ROOT_BLOCK = 16_384  # rows of a block of a table without an own parent
NULL_FAMILY = 32  # rows without a parent are made in families of so many


@dataclass(frozen=True)
class SamplePlan:
    """Everything that a worker needs besides the model to make any range of rows.

    Attributes:
        seed: of the sample.
        rows: emitted rows by table.
        phantoms: by label of a foreign key: missing parents.
        offsets: by label: number of the first phantom beyond the parent's rows.
        nulls: by label: rows without a parent.
        times: by label: how many times more children each parent has than in the source.
        bias: by label: what numbers of children are multiplied by, as bins are coarser than means.
        width: by label of an own key: parents of one block of children.
        limits: by label of an own key: most children that the key tells apart.
        starts: by table with an own parent: shape (blocks + 1,), rows before each block.
        codes: by label of a cluster key: children of each code before each block.
        stubs: by label: shape (parent blocks + 1, codes), stubs before each block of parents.
        given: by root table: conditions, see ``relational.given``.
        notes: what could not be done as asked, by name.
        careers: by label of a cluster key whose parents are found in the order of time.
        even: by label: children of every parent on average, where no parent happens to draw any.
    """

    seed: int
    scale: float | Mapping[str, float]
    rows: Mapping[str, int]
    phantoms: Mapping[str, int] = field(default_factory=dict)
    offsets: Mapping[str, int] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    bias: Mapping[str, float] = field(default_factory=dict)
    width: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    starts: Mapping[str, Counts] = field(default_factory=dict)
    codes: Mapping[str, Cumulated] = field(default_factory=dict)
    stubs: Mapping[str, Counts] = field(default_factory=dict)
    given: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    even: Mapping[str, float] = field(default_factory=dict)
    careers: Mapping[str, Career] = field(default_factory=dict)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON values and tensors."""
        counts = {label: found.counts for label, found in self.codes.items()}
        parts: dict[str, Mapping[str, NDArray[Any]]] = {
            "starts": self.starts, "counts": counts, "stubs": self.stubs,
            **self._careers(),
        }  # fmt: skip
        names = {part: sorted(arrays) for part, arrays in parts.items()}
        tensors = {
            f"{part}/{place}": np.ascontiguousarray(parts[part][name])
            for part, listed in names.items()
            for place, name in enumerate(listed)
        }
        held: dict[str, Any] = {
            "seed": self.seed, "scale": _plain(self.scale), "rows": dict(self.rows),
            "phantoms": dict(self.phantoms), "offsets": dict(self.offsets),
            "nulls": dict(self.nulls), "times": dict(self.times), "bias": dict(self.bias),
            "width": dict(self.width), "limits": dict(self.limits),
            "notes": list(self.notes), "tensors": names,
        }  # fmt: skip
        if self.even:
            held["even"] = dict(self.even)
        if self.given:
            held["given"] = {name: list(listed) for name, listed in self.given.items()}
        return held, tensors

    def _careers(self) -> dict[str, Mapping[str, NDArray[Any]]]:
        """Their arrays, each kind by label."""
        kinds = [f.name for f in fields(Career)] if self.careers else []
        return {f"career/{k}": {n: getattr(c, k) for n, c in self.careers.items()} for k in kinds}

    @classmethod
    def from_parts(cls, held: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> SamplePlan:
        """The plan that ``to_parts`` described.

        Raises:
            ArtifactError: it is of a version whose rows would be others now.
        """
        rest = {key: value for key, value in held.items() if key != "tensors"}
        for part, listed in held["tensors"].items():
            rest[part] = {name: tensors[f"{part}/{place}"] for place, name in enumerate(listed)}
        of_sums = {
            n: Cumulated.of_sums(a) for n, a in rest.pop("codes", {}).items()
        }  # of older versions
        counted = {n: Cumulated.of(a) for n, a in rest.pop("counts", {}).items()}
        rest["codes"] = {**of_sums, **counted}
        kinds = {f.name: rest.pop(f"career/{f.name}", {}) for f in fields(Career)}
        rest["careers"] = {n: Career(**{k: held[n] for k, held in kinds.items()})
                           for n in kinds["parent"]}  # fmt: skip
        if rest.pop("due", None) or rest.pop("warp", None):
            raise ArtifactError(
                "the plan is of an older version, which found parents by time in another way",
                hint="delete the unfinished run, or sample the artifact again",
            )
        return cls(**{**rest, "notes": tuple(rest["notes"])})


def beyond(label: str) -> str:
    """Under which name phantoms of an own key's table count among those of its parent's table."""
    return f"beyond {label}"


def _plain(scale: float | Mapping[str, float]) -> float | dict[str, float]:
    """A scale as JSON."""
    return dict(scale) if isinstance(scale, Mapping) else scale
