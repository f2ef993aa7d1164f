"""What an artifact is made of, before it lies on a disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Parts:
    """A model taken apart into what can be stored without running code when it is read.

    Attributes:
        manifest: JSON values only: schema, settings, categories.
        tensors: arrays by name, of numbers and booleans.
        tables: tables that were declared public (``keep: true``), stored as they are.
    """

    manifest: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("manifest", "tensors", "tables"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
