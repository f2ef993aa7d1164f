"""The twin's tables as sources of the dbt project, with tests: ``models/synthlake/_twins.yml``."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.api import Column, ForeignKey, Schema, Source, Table, open, sql, understand
from synthlake_dbt.project import Project
from synthlake_dbt.spec import Synthesis

SOURCE = "synthlake"
"""Name of the source whose tables are the twin."""

_HEAD = """\
# The twin's tables. Written by `synthlake dbt plan --write`, which writes it anew: tolerances are
# set by `vars: {synthlake: {tests: ...}}` in dbt_project.yml, severities by `data_tests:` there.
"""
_VERSION = "1.1"  # of YAML, as dbt reads it: a column named `on` or `no` is to stay a text
_MEASURES = {"categorical": "tvd", "boolean": "tvd", "numeric": "ks", "datetime": "ks"}


def write_twins(project: Project, synthesis: Synthesis) -> Path:
    """Write the file, whole or not at all; returns where.

    Raises:
        SourceError, SchemaError, QueryError: the warehouse cannot be read as declared.

    Cost: that of ``plan``, and one statement a foreign key.
    """
    source = open(synthesis.spec["source"])
    try:
        schema = understand(source, synthesis.spec["tables"]).written
        held = {
            fk.label(table.name)
            for table in schema
            for fk in table.foreign_keys
            if not table.skip and (fk.orphans != "keep" or not _orphans(source, table, fk))
        }
    finally:
        getattr(source, "close", lambda: None)()
    target = project.folder / project.models / "synthlake" / "_twins.yml"
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.write_text(_HEAD + _yaml(_document(schema, synthesis, held)), encoding="utf-8")
    os.replace(beside, target)
    return target


def _orphans(source: Source, table: Table, fk: ForeignKey) -> int:
    engine = source.engine()
    pairs = [
        (f"c.{sql.quoted(engine.dialect, one)}", f"p.{sql.quoted(engine.dialect, other)}")
        for one, other in zip(fk.columns, fk.to, strict=True)
    ]
    equal = " AND ".join(f"{one} = {other}" for one, other in pairs)
    known = " AND ".join(f"{one} IS NOT NULL" for one, _ in pairs)
    found = engine.query(
        f"SELECT COUNT(*) AS n FROM {engine.relation(table.name)} AS c WHERE {known} AND NOT EXISTS"
        f" (SELECT 1 FROM {engine.relation(fk.references)} AS p WHERE {equal})"
    )
    return int(found.column(0)[0].as_py())


def _document(schema: Schema, synthesis: Synthesis, held: set[str]) -> dict[str, Any]:
    writer = _Writer(schema, synthesis, frozenset(held))
    tables = [writer.table(table) for table in schema if not table.skip]
    description = "The synthetic twin, as `synthlake dbt run` publishes it."
    named = {
        "name": SOURCE,
        "description": description,
        "schema": synthesis.written_schema,
        # or dbt's tests would write names bare: another column, or none, where case matters
        "quoting": {"column": True},
    }
    return {"version": 2, "sources": [{**named, "tables": tables}]}


@dataclass(frozen=True)
class _Writer:
    """Tables of the twin as dbt's properties.

    Attributes:
        schema: with every key and role decided.
        synthesis: what the project asked for.
        held: labels of the foreign keys that the twin keeps without an exception.
    """

    schema: Schema
    synthesis: Synthesis
    held: frozenset[str]

    def table(self, table: Table) -> dict[str, Any]:
        node = self.synthesis.nodes[table.name]
        tests = [*self._key_tests(table), *self._copy_tests(table)]
        columns = [
            self._column(table, column) for column in table.columns if column.action != "skip"
        ]
        keys = {
            "twin_of": node.id,
            "primary_key": list(table.primary_key),
            "foreign_keys": [
                {"columns": list(fk.columns), "references": fk.references, "to": list(fk.to)}
                for fk in table.foreign_keys
            ],
        }
        found: dict[str, Any] = {
            "name": table.name,
            "description": f"Twin of {node.call}.",
            "config": {"meta": {"synthlake_twin": keys}},
        }
        return {**found, **({"data_tests": tests} if tests else {}), "columns": columns}

    def _column(self, table: Table, column: Column) -> dict[str, Any]:
        tests: list[Any] = []
        if not column.nullable or column.name in table.primary_key:
            tests.append("not_null")
        if table.primary_key == (column.name,):
            tests.append("unique")
        for fk in table.foreign_keys:
            if fk.columns == (column.name,) and fk.label(table.name) in self.held:
                given = {"to": _twin(fk.references), "field": _field(fk.to[0])}
                tests.append({"relationships": {"arguments": given}})
        tests += self._marginal_test(table, column)
        return {"name": column.name, **({"data_tests": tests} if tests else {})}

    def _marginal_test(self, table: Table, column: Column) -> list[Any]:
        measure = "tvd" if self._public(table, column) else _MEASURES.get(column.role or "")
        if table.keep or measure is None or column.action != "learn":
            return []
        if self._in_key(table, column) and not self._public(table, column):
            return []  # made anew, as its own values or its parent's
        real = {"real": self.synthesis.nodes[table.name].call, "measure": measure}
        return self._test("marginal_close", real)

    def _key_tests(self, table: Table) -> Iterator[Any]:
        if len(table.primary_key) > 1:
            together = {"columns": list(table.primary_key)}
            yield {"synthlake.unique_together": {"arguments": together}}
        for fk in table.foreign_keys:
            nodes = self.synthesis.nodes
            given: dict[str, Any] = {
                "columns": list(fk.columns),
                "to": _twin(fk.references),
                "to_columns": list(fk.to),
                "real": nodes[table.name].call,
                "real_to": nodes[fk.references].call,
            }
            if fk.label(table.name) not in self.held:
                yield from self._test("no_new_orphans", given)
            elif len(fk.columns) > 1:
                yield {"synthlake.no_new_orphans": {"arguments": given}}
            if not table.keep:
                yield from self._test("fk_degree_close", given)

    def _copy_tests(self, table: Table) -> list[Any]:
        columns = [
            c.name for c in table.columns if c.action == "learn" and not self._in_key(table, c)
        ]
        if table.keep or not columns:
            return []
        real = self.synthesis.nodes[table.name].call
        return self._test("copies_not_above", {"real": real, "columns": columns})

    def _test(self, name: str, given: Mapping[str, Any]) -> list[Any]:
        asked = self.synthesis.tests[name]
        if asked is False:
            return []
        bound = {} if asked is None else {"at_most": asked}
        return [{f"synthlake.{name}": {"arguments": {**given, **bound}}}]

    def _in_key(self, table: Table, column: Column) -> bool:
        parts = {*table.primary_key}.union(*(fk.columns for fk in table.foreign_keys))
        return column.name in parts

    def _public(self, table: Table, column: Column) -> bool:
        """Whether it refers to a table that is kept as it is, so that its values stay."""
        return any(
            fk.columns == (column.name,) and self.schema[fk.references].keep
            for fk in table.foreign_keys
        )


def _twin(table: str) -> str:
    return f"source('{SOURCE}', '{table}')"


def _field(column: str) -> str:
    """A column as dbt's own test has it: SQL, word for word."""
    return '"' + column.replace('"', '""') + '"'


def _yaml(values: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.version = _VERSION
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.default_flow_style = None  # lists of words on one line
    yaml.allow_unicode = True
    yaml.width = 100
    yaml.representer.ignore_aliases = lambda *_: True
    out = io.StringIO()
    yaml.dump(values, out)
    return out.getvalue().removeprefix(f"%YAML {_VERSION}\n---\n")
