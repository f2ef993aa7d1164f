"""From a dbt project to a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthlake.api import errors
from synthlake_dbt.keys import DeclaredKeys, Reference
from synthlake_dbt.manifest import Manifest, Node
from synthlake_dbt.project import Project
from synthlake_dbt.warehouse import url_of

TESTS = {
    "copies_not_above": None,
    "fk_degree_close": 0.1,
    "marginal_close": 0.1,
    "no_new_orphans": 0.02,
}
"""Tests that are written for a twin, and how far it may be off; None for the test's own bound."""

_OURS = ("source", "sink", "tables", "version")  # keys of a spec that dbt decides


@dataclass(frozen=True)
class Synthesis:
    """What a project asks for.

    Attributes:
        spec: for ``synthlake.api.run`` and ``plan``; holds secrets.
        nodes: by table, in the order of their names.
        schema: of the twin in the warehouse.
        written_schema: the same as dbt's property files name it, for any target.
        tests: tolerances of the twin's tests; False for none of the kind, None for the default.
        notes: what of the project could not be taken over.
    """

    spec: Mapping[str, Any] = field(repr=False)
    nodes: Mapping[str, Node]
    schema: str
    written_schema: str
    tests: Mapping[str, Any]
    notes: tuple[str, ...]


def synthesis_of(project: Project) -> Synthesis:
    """The spec of a project: its declared tables, from the warehouse into a schema of it.

    Raises:
        SpecError: nothing is declared, or what is declared cannot be read.
    """
    manifest = Manifest(project.manifest, project.name)
    nodes = _chosen(manifest, project)
    entries = _Entries(manifest, nodes, project)
    tables = {name: entries.of(node) for name, node in nodes.items()}
    settings, url = _settings(project), url_of(project.adapter, project.credentials)
    space = str(project.credentials["schema"])
    named, tests = settings.pop("schema", None), _tests(settings.pop("tests", {}))
    schema = str(named or f"{space}_synthlake")
    if schema in {node.schema for node in nodes.values()}:
        raise errors.SpecError(
            f"the schema {schema} of the twin holds tables that are to be read",
            hint="name another by `vars: {synthlake: {schema: ...}}` in dbt_project.yml",
        )
    places = {
        name: {"schema": node.schema, "name": node.identifier} for name, node in nodes.items()
    }
    held = {
        "source": {"url": url, "schema": space, "options": {"tables": places}},
        "sink": {"url": url, "schema": schema},
        "runs": str(project.target_path / "synthlake"),
        "tables": tables,
    }
    written = str(named or "{{ target.schema }}_synthlake")
    return Synthesis({**held, **settings}, nodes, schema, written, tests, tuple(entries.notes))


def _settings(project: Project) -> dict[str, Any]:
    for key in project.settings:
        if key in _OURS:
            raise errors.SpecError(
                f"vars.synthlake.{key}: dbt decides it, not dbt_project.yml",
                hint="declare tables by `meta: {synthlake: ...}`; the target is the source",
            )
    return dict(project.settings)


def _tests(given: Any) -> dict[str, Any]:
    where = "vars.synthlake.tests"
    if not isinstance(given, Mapping):
        raise errors.SpecError(f"{where} is not a mapping", hint="such as {marginal_close: 0.1}")
    for name, bound in given.items():
        if name not in TESTS:
            raise errors.SpecError(
                f"{where} knows no {name}", hint=f"there are {', '.join(sorted(TESTS))}"
            )
        if bound is not False and (isinstance(bound, bool) or not isinstance(bound, int | float)):
            raise errors.SpecError(
                f"{where}.{name} is neither a number nor false", hint="such as 0.1"
            )
    return {**TESTS, **given}


def _chosen(manifest: Manifest, project: Project) -> dict[str, Node]:
    declared = [node for node in manifest.nodes.values() if node.declared]
    if not declared:
        raise errors.SpecError(
            f"no table of the project {project.name} is declared",
            hint="write `config: {meta: {synthlake: {}}}` at a model, seed or source",
        )
    wanted = [n for n in declared if project.selected is None or n.id in project.selected]
    if not wanted:
        names = ", ".join(sorted(node.name for node in declared))
        raise errors.SpecError("no declared table is selected", hint=f"declared are {names}")
    found: dict[str, Node] = {}
    for node in sorted(wanted, key=lambda node: node.name):
        _check(node, project)
        if node.name in found:
            raise errors.SpecError(
                f"{found[node.name].id} and {node.id} are both tables named {node.name}",
                hint="leave one of them out by --exclude, or by taking its meta away",
            )
        found[node.name] = node
    return found


def _check(node: Node, project: Project) -> None:
    if node.meta is not None and not isinstance(node.meta, Mapping):
        raise errors.SpecError(
            f"{node.id}: meta.synthlake is not a mapping", hint="write {} where all is inferred"
        )
    if not node.stored:
        raise errors.SpecError(
            f"{node.id} is ephemeral: the warehouse has no such table",
            hint="materialize it as a table or a view",
        )
    database = project.credentials.get("database")
    if node.database is not None and node.database != database:
        raise errors.SpecError(
            f"{node.id} is in the database {node.database}, and the target is {database}",
            hint="only relations of the target's own database can be read",
        )


@dataclass
class _Entries:
    """Entries of the spec's ``tables:``: what meta says, then what tests and contracts say."""

    manifest: Manifest
    nodes: Mapping[str, Node]
    project: Project
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = DeclaredKeys(self.manifest)
        self._names = {node.id: name for name, node in self.nodes.items()}

    def of(self, node: Node) -> dict[str, Any]:
        entry = dict(node.meta or {})
        if node.columns:
            entry["columns"] = _merged(node, entry.get("columns") or {})
        if entry.get("skip"):
            return entry
        primary = self._keys.primary_key(node)
        if primary and "primary_key" not in entry:
            entry["primary_key"] = list(primary)
        keys = self._foreign_keys(node, entry.get("foreign_keys"))
        if keys or "foreign_keys" in entry:
            entry["foreign_keys"] = keys
        return entry

    def _foreign_keys(self, node: Node, given: Any) -> Any:
        if given is not None and (not isinstance(given, list) or not given):
            return given  # an empty list says that there are none
        by_meta = [self._translated(node, key) for key in given or ()]
        found = [key for key in by_meta if key is not None]
        said = {tuple(key.get("columns", ())) for key in by_meta if isinstance(key, Mapping)}
        said |= {tuple(k.get("columns", ())) for k in given or () if isinstance(k, Mapping)}
        for reference in self._keys.references(node):
            if reference.columns not in said and self._is_there(node, reference):
                found.append(self._written(reference))
        return found

    def _written(self, reference: Reference) -> dict[str, Any]:
        held = {
            "columns": list(reference.columns),
            "references": self._names[reference.parent.id],
            "to": list(reference.to),
        }
        return held if reference.to else {k: v for k, v in held.items() if k != "to"}

    def _translated(self, node: Node, key: Any) -> Any:
        """A foreign key of meta with its ``ref`` or ``source`` looked up; None without parent."""
        if isinstance(key, Mapping) and isinstance(key.get("references"), Mapping):
            return self._by_type(node, key)
        if not isinstance(key, Mapping) or not isinstance(key.get("references"), str):
            return key
        parent = self.manifest.resolve(key["references"], node.package)
        if parent is None:
            return key
        if not parent.declared:
            raise errors.SpecError(
                f"{node.id} refers to {parent.id}, which is not declared",
                hint=f"give {parent.name} `meta: {{synthlake: {{}}}}`, or take the key away",
            )
        reference = Reference(tuple(key.get("columns", ())), parent, ())
        if not self._is_there(node, reference):
            return None
        return {**key, "references": self._names[parent.id]}

    def _by_type(self, node: Node, key: Mapping[str, Any]) -> Any:
        """A key whose table a type column names, each looked up; None where none is there."""
        by, of = key["references"], dict[str, Any]()
        held = by.get("of")
        if not isinstance(held, Mapping):
            return key
        for kind, target in held.items():
            one = target if isinstance(target, Mapping) else {"references": target}
            found = self._translated(node, {"columns": key.get("columns", ()), **one})
            if found is not None:
                of[kind] = {name: value for name, value in found.items() if name != "columns"}
        return {**key, "references": {**by, "of": of}} if of or not held else None

    def _is_there(self, node: Node, reference: Reference) -> bool:
        parent = reference.parent
        if parent.id in self._names and not (parent.meta or {}).get("skip"):
            return True
        why = "skipped" if parent.id in self._names else "not selected"
        why = why if parent.declared else "not declared by meta.synthlake"
        columns = ", ".join(reference.columns)
        self.notes.append(
            f"{node.name}({columns}) -> {parent.name} is left out: {parent.name} is {why}"
        )
        return False


def _merged(node: Node, given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given  # the spec's own reader says what is wrong with it
    found = dict(given)
    for name, held in node.columns.items():
        if not isinstance(held, Mapping):
            raise errors.SpecError(
                f"{node.id}: meta.synthlake of the column {name} is not a mapping",
                hint="such as {role: key}",
            )
        found[name] = {**held, **(found.get(name) or {})}
    return found
