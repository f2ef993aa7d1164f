"""Columns that are made from the row's number: identifiers and personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthlake.encode.presence import PresenceCodec
from synthlake.relational.columns import TableData
from synthlake.relational.identifiers import Identifier, build_identifier
from synthlake.relational.model import Attribute, Maker
from synthlake.relational.personal import Personal, build_personal
from synthlake.schema.model import Table


def build_makers(
    data: TableData, table: Table, attributes: Sequence[Attribute]
) -> tuple[Maker, ...]:
    """Makers of all columns of which only the presence is learned.

    Raises:
        LearnError: there are no words for a kind in its locale.
    """
    names = [a.column for a in attributes if isinstance(a.codec, PresenceCodec)]
    columns = [c for c in table.columns if c.name in names]
    made: list[Maker] = [build_identifier(data, c) for c in columns if c.role != "personal"]
    people = build_personal(data, columns)
    return (*made, people) if people else tuple(made)


def pack_makers(makers: Sequence[Maker]) -> dict[str, Any]:
    """Makers as plain values."""
    people = [m.to_json() for m in makers if isinstance(m, Personal)]
    return {
        "identifiers": [m.to_json() for m in makers if isinstance(m, Identifier)],
        "personal": people[0] if people else None,
    }


def unpack_makers(held: Mapping[str, Any], table: Table) -> tuple[Maker, ...]:
    """The makers that ``pack_makers`` gave."""
    types = {c.name: c.type for c in table.columns}
    made: list[Maker] = [
        Identifier.from_json(form, types[form["column"]]) for form in held["identifiers"]
    ]
    if held["personal"] is not None:
        made.append(Personal.from_json(held["personal"], types))
    return tuple(made)
