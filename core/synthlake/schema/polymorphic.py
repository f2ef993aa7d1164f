"""References whose table another column of the row names: a type column and an id column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

_MAX_NAME = 63  # octets of a name that PostgreSQL keeps
_SHORT = 40  # characters of the id column in the place of a longer one

Policy = Literal["keep", "null", "drop", "fail"]


@dataclass(frozen=True)
class Polymorphic:
    """An id column that is read as one column a target, each NULL where another type stands.

    Attributes:
        by: the type column.
        column: the id column, as rows are written.
        type: of the id column.
        nullable: False where the real data has no NULL; until it is counted, where the source
            promises it.
        of: each type and the flat column of its ids, which is a foreign key of the table.
        rest: the flat column of ids whose type names no table.
        orphans: what becomes of these.
    """

    by: str
    column: str
    type: pa.DataType
    nullable: bool
    of: tuple[tuple[str, str], ...]
    rest: str
    orphans: Policy = "keep"

    @property
    def parts(self) -> tuple[str, ...]:
        """Flat columns that refer to a table."""
        return tuple(part for _, part in self.of)

    @property
    def flat(self) -> tuple[str, ...]:
        """All columns that stand in the place of the id."""
        return (*self.parts, self.rest)


def flat_names(column: str, types: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Names of the flat columns of an id, such as ``commentable_id of post``; the rest's is last.

    Signs that some engine allows in no name stand as ``_``.

    Args:
        column: the id column.
        types: that name a table.
        taken: names of the table's columns, which SQL tells apart only by more than case.
    """
    known, out = {name.lower() for name in taken}, list[str]()
    for number, kind in enumerate([*map(_plain, types), "no table"], 1):
        name, again = f"{column} of {kind}", 1
        if len(name.encode()) > _MAX_NAME:
            name = f"{column.encode()[:_SHORT].decode(errors='ignore')} of {number}"
        first = name
        while name.lower() in known:
            again += 1
            name = f"{first} {again}"
        known.add(name.lower())
        out.append(name)
    return out


def _plain(kind: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in kind)
