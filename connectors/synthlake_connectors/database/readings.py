"""How columns of a database are read, and the views that do it."""

from __future__ import annotations

from collections.abc import Callable
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


class Views:
    """Addresses of the views of tables. The cells of a table are checked when it is first used.

    A table that is skipped, or that the user may not read, stops nobody.
    """

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._checks: dict[str, Callable[[], None]] = {}

    def add(self, table: str, address: str, check: Callable[[], None]) -> None:
        """Name the view of a table, and what raises an error if its cells cannot be read."""
        self._addresses[table], self._checks[table] = address, check

    def address(self, table: str) -> str | None:
        """The view of a table, if it has one.

        Raises:
            SourceError: it has cells that its types cannot hold.
        """
        if (check := self._checks.get(table)) is not None:
            check()
            del self._checks[table]
        return self._addresses.get(table)
