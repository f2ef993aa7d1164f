"""How a column of a database is read."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Reading:
    """How a column of a table is read through its view.

    Attributes:
        type: Arrow type.
        value: expression of the value.
        misfit: condition on cells that the Arrow type cannot hold; empty if there are none.
    """

    type: pa.DataType
    value: str
    misfit: str = ""
