"""Schema files: the `tables:` subtree in YAML or JSON, and a schema as such a subtree."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthlake.errors import SchemaError
from synthlake.schema.document import SchemaDocument, parse_tables
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.schema.nearest import nearest
from synthlake.schema.polymorphic import Polymorphic

SPEC_KEYS = (
    "version", "source", "sink", "synthesizer", "fit", "holdout", "scale", "rows", "given",
    "seed", "evaluate", "gates", "k",
)  # fmt: skip


def load_document(path: str | Path) -> SchemaDocument:
    """The schema declared in a file: `tables:` alone, or a whole spec, of which only they count.

    Raises:
        SchemaError: there is no such file, or it declares no schema.
    """
    path = Path(path)
    values = _read(path)
    for key in values:
        if key != "tables" and key not in SPEC_KEYS:
            raise SchemaError(
                f"{path.name}: {key!r} is not a key of a schema file",
                hint=nearest(str(key), ["tables", *SPEC_KEYS]),
            )
    tables = values.get("tables")
    if not isinstance(tables, Mapping):
        raise SchemaError(
            f"{path.name} declares no tables",
            hint="a schema file starts with `tables:` and names a table on each entry below",
        )
    try:
        return parse_tables(tables)
    except SchemaError as error:
        raise SchemaError(f"{path.name}: {error.message}", hint=error.hint) from None


def save_schema(schema: Schema, path: str | Path) -> Path:
    """Write a schema as a file that ``load_document`` reads back; JSON for ``.json``.

    Returns:
        The path.
    """
    path = Path(path)
    values = {"tables": dump_tables(schema)}
    text = _to_json(values) if path.suffix == ".json" else _to_yaml(values)
    path.write_text(text, encoding="utf-8")
    return path


def dump_tables(schema: Schema) -> dict[str, Any]:
    """The `tables:` subtree that declares all of a schema; ``parse_tables`` reads it back."""
    return {table.name: _dump_table(table) for table in schema}


def document_of(schema: Schema) -> SchemaDocument:
    """A document that declares all of a schema."""
    return parse_tables(dump_tables(schema))


def _dump_table(table: Table) -> dict[str, Any]:
    held: dict[str, Any] = {key: True for key in ("keep", "skip") if getattr(table, key)}
    held["primary_key"] = list(table.primary_key)
    flat = {name for p in table.polymorphic for name in p.flat}
    held["foreign_keys"] = [
        _dump_reference(fk) for fk in table.references if not flat & {*fk.columns}
    ]
    held["foreign_keys"] += [dump_polymorphic(p, table) for p in table.polymorphic]
    held["columns"] = {c.name: _dump_column(c) for c in table.columns if c.name not in flat}
    if table.constraints:
        held["constraints"] = [dict(rule) for rule in table.constraints]
    for key in ("conditions", "order"):
        if getattr(table, key):
            held[key] = list(getattr(table, key))
    if table.sequence is not None:
        said = table.sequence
        held["sequence"] = (
            {"by": said.by, "increasing": list(said.increasing)} if said.by else False
        )
    if table.synthesizer:
        held["synthesizer"] = dict(table.synthesizer)
    return held


def _dump_column(column: Column) -> dict[str, Any]:
    held = {key: getattr(column, key) for key in ("role", "pattern", "kind", "locale")}
    held["action"] = None if column.action == "learn" else column.action
    return {key: value for key, value in held.items() if value is not None}


def _dump_reference(fk: ForeignKey) -> dict[str, Any]:
    held: dict[str, Any] = {
        "columns": list(fk.columns),
        "references": fk.references,
        "to": list(fk.to),
        "orphans": fk.orphans,
    }
    return held if fk.mode is None else {**held, "mode": fk.mode}


def dump_polymorphic(held: Polymorphic, table: Table) -> dict[str, Any]:
    """A polymorphic reference as an entry of `foreign_keys`."""
    keys = {fk.columns: fk for fk in table.references}
    of: dict[str, Any] = {}
    for kind, part in held.of:
        fk = keys[(part,)]
        of[kind] = {"references": fk.references, "to": list(fk.to), "orphans": fk.orphans}
    return {
        "columns": [held.column],
        "references": {"by": held.by, "of": of},
        "orphans": held.orphans,
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SchemaError(
            f"there is no schema file at {path}", hint="write one with `synthlake init SOURCE`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SchemaError(f"{path} cannot be read: {reason}", hint="name a YAML file") from None
    values = _from_json(text, path.name) if path.suffix == ".json" else _from_yaml(text, path.name)
    if not isinstance(values, Mapping):
        raise SchemaError(f"{path.name} is not a mapping", hint="it starts with `tables:`")
    return dict(values)


def _from_json(text: str, name: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"{name}, line {error.lineno}: {error.msg}", hint="check commas and quotes there"
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise SchemaError(f"the key {twice!r} stands twice", hint="keep one of the two")
    return held


def _from_yaml(text: str, name: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SchemaError(
            f"{name}{line}: {error.problem or 'not YAML'}",
            hint="check indentation, quotes and colons on that line",
        ) from None
    except (YAMLError, ValueError):
        raise SchemaError(f"{name} is not YAML", hint="check its syntax") from None


def _to_yaml(values: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = io.StringIO()
    yaml.dump(values, out)
    return out.getvalue()


def _to_json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
