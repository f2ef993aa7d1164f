"""What can be inferred of a source: its schema, and what seems to hold between its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synthlake.errors import SchemaError, SynthlakeError
from synthlake.ports import Source

if TYPE_CHECKING:
    import pyarrow as pa

    from synthlake.constraints.discovery.proposal import Proposal
    from synthlake.constraints.discovery.propose import Asked, Found
    from synthlake.schema.infer import Inference
    from synthlake.schema.model import Schema, Table

ROWS = 50_000  # of a tree of tables that are looked at
_CELLS = 1_000_000  # of a table
_LEAST_ROWS = 10_000
K = 10


@dataclass(frozen=True)
class TableProfile:
    """One table.

    Attributes:
        name: of the table.
        found: constraints that it suggests; None where they were not looked for.
        note: why not.
    """

    name: str
    found: Found | None
    note: str = ""


@dataclass(frozen=True)
class Profile:
    """A source.

    Attributes:
        inference: the schema, and why it is so.
        tables: by name.
    """

    inference: Inference
    tables: Mapping[str, TableProfile]

    def to_json(self, *, show_values: bool = False) -> dict[str, Any]:
        """All of it as plain values.

        Args:
            show_values: whether constraints that repeat values of cells are written out.
        """
        return {name: _table(self, profile, show_values) for name, profile in self.tables.items()}


def profile(
    source: str | Source, tables: Sequence[str] | None = None, *, pairs: bool = False
) -> Profile:
    """Infer a source's schema and look for constraints in a sample of each table.

    Args:
        source: a folder, a file or a URL, or what was opened from one.
        tables: only these; None for all.
        pairs: whether polymorphic references are looked for, too.

    Raises:
        SourceError: the source cannot be read.
        SchemaError: there is no such table.

    Cost: SQL over all rows, see ``infer``; then some CPU-seconds for a million cells of a table.
    """
    from synthlake.pipeline.pairs import with_pairs
    from synthlake.schema.infer import infer
    from synthlake.schema.nearest import nearest
    from synthlake.source import open_source

    opened = open_source(source) if isinstance(source, str) else source
    inference = infer(opened)
    if pairs:
        opened, inference = with_pairs(opened, inference)
    schema = inference.schema
    for name in tables or ():
        if name not in schema:
            raise SchemaError(f"there is no table {name!r}", hint=nearest(name, schema.tables))
    samples, note = _samples(opened, inference)
    found = {
        table.name: _profiled(table, schema, samples, note)
        for table in schema
        if not table.skip and (tables is None or table.name in tables)
    }
    return Profile(inference, found)


def _samples(source: Source, inference: Inference) -> tuple[Mapping[str, pa.Table], str]:
    """Rows by table, or why there are none."""
    from synthlake.sql.draw import draw

    try:
        return draw(source, inference.schema, ROWS), ""
    except SynthlakeError as error:
        return {}, error.message


def _profiled(
    table: Table, schema: Schema, samples: Mapping[str, pa.Table], note: str
) -> TableProfile:
    from synthlake.constraints.discovery.propose import propose_constraints
    from synthlake.pipeline.families import across

    if table.name not in samples:
        return TableProfile(table.name, None, note or "it has no rows")
    # rows are in the order of their entities' hashes: the first are a sample of whole entities
    asked, sample = _asked(table), samples[table.name]
    sample = sample.slice(0, max(_LEAST_ROWS, _CELLS // max(len(asked.columns), 1)))
    found = propose_constraints(sample, asked, _group(table, sample))
    more = across(table, schema, samples)
    best = sorted([*found.proposals, *more], key=lambda p: (-p.score, p.kind, str(p.declaration)))
    return TableProfile(table.name, replace(found, proposals=tuple(best)))


def _asked(table: Table) -> Asked:
    """What the schema says of the columns: a key says nothing, a text only where it is NULL."""
    from synthlake.constraints.discovery.propose import Asked

    keys = table.referring | set(table.primary_key)
    alone = table.primary_key if len(table.primary_key) == 1 else ()
    columns = [c for c in table.columns
               if c.action == "learn" and c.name not in alone and c.role != "personal"]  # fmt: skip
    return Asked(
        columns=[c.name for c in columns],
        k=K,
        free=[c.name for c in columns if c.role in ("categorical", "boolean", "key")],
        fixed=[c.name for c in columns if c.name in keys],
        hidden=[c.name for c in columns if c.role == "text"],
    )


def _group(table: Table, sample: pa.Table) -> Any:
    """Entities of the rows; each row is one where nothing says more."""
    from synthlake.sql.draw import ENTITY

    if not table.primary_key and table.own is None:
        return None
    return np.unique(np.asarray(sample[ENTITY]), return_inverse=True)[1].astype(np.int64)


def _table(profile: Profile, table: TableProfile, show_values: bool) -> dict[str, Any]:
    known, said = profile.inference.schema[table.name], profile.inference.evidence
    columns = {
        c.name: {
            "type": str(c.type), "role": c.role, "nullable": c.nullable,
            "evidence": said.get(f"{table.name}.columns.{c.name}", ""),
        }
        for c in known.columns
    }  # fmt: skip
    found = table.found
    return {
        "rows": profile.inference.rows.get(table.name, 0),
        "primary_key": list(known.primary_key),
        "foreign_keys": [fk.label(table.name) for fk in known.references],
        "columns": columns,
        "looked_at": found.rows if found else 0,
        "note": table.note,
        "kept": [rule.to_json() for rule in found.rules] if found else [],
        "constraints": [_proposal(p, show_values) for p in found.proposals] if found else [],
    }


def _proposal(found: Proposal, show_values: bool) -> dict[str, Any]:
    hidden = found.values and not show_values
    return {
        "declaration": None if hidden else dict(found.declaration),
        "shown": found.shown if hidden else None,
        "support": found.support,
        "exceptions": found.exceptions,
        "score": found.score,
        "entries": found.entries,
        "small": found.small,
        "safe": found.safe,
        "automatic": found.automatic,
        "reason": found.reason,
    }
