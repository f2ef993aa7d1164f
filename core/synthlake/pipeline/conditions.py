"""What callers give of rows: conditions on them, and rows themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from synthlake.errors import SampleError, SpecError
from synthlake.pipeline import document
from synthlake.schema.model import Schema

Conditions = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""By table, a list of ``{"where": {column: what}, "rows": n}``; for a single table, the list."""


def conditions_of(given: Conditions | None, schema: Schema) -> dict[str, Any]:
    """Conditions by table, as JSON values.

    Raises:
        SampleError: it is not said of which table they are.
    """
    from synthlake.relational.typed import as_json

    if not given:
        return {}
    if isinstance(given, Mapping) and not {"where", "rows"} & (set(given) - set(schema.tables)):
        return {str(name): _listed(as_json(listed)) for name, listed in given.items()}
    made = [table.name for table in schema if not (table.skip or table.keep)]
    if len(made) != 1:
        raise SampleError(
            f"it is not said of which of {len(made)} tables the conditions are",
            hint=f"write {{{made[0] if made else 'table'}: [{{where: ..., rows: ...}}]}}",
        )
    return {made[0]: _listed(as_json(given))}


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def read_conditions(text: str | None) -> Conditions | None:
    """Conditions from JSON, or from a file of YAML or JSON.

    Raises:
        SpecError: they cannot be read.
    """
    if text is None:
        return None
    if not text.lstrip().startswith(("{", "[")):
        if not Path(text).is_file():
            raise SpecError(
                f"--given: there is no file {text}", hint="name a file, or write JSON: {...}"
            )
        held = document.read(text).values
        given: Conditions = held.get("given", held)
        return given
    try:
        found: Conditions = json.loads(text)
    except json.JSONDecodeError as error:
        raise SpecError(
            f"--given is no JSON: {error.msg} at character {error.pos}",
            hint="quote it for the shell, or name a file",
        ) from None
    return found


def table_of(rows: object) -> pa.Table:
    """Rows as an Arrow table: one itself, a batch, a DataFrame, or what has an Arrow stream.

    Raises:
        SampleError: they are nothing of that.
    """
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pa.RecordBatch):
        return pa.Table.from_batches([rows])
    if type(rows).__module__.startswith("pandas"):
        frame: Any = rows
        return pa.Table.from_pandas(frame, preserve_index=False)
    if hasattr(rows, "__arrow_c_stream__"):
        made: pa.Table = pa.RecordBatchReader.from_stream(rows).read_all()
        return made
    raise SampleError(
        f"rows of the type {type(rows).__name__} are no Arrow table",
        hint="give a pyarrow.Table or a DataFrame",
    )
