"""Reads what matters here from dbt's manifest: relations, their meta, tests and constraints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from synthlake.api import errors

_KINDS = ("model", "seed", "snapshot", "source")
_CALL = re.compile(r"\b(ref|source)\s*\(([^()]*)\)")
_ARGUMENT = re.compile(r"""(?:(\w+)\s*=\s*)?(?:'([^']*)'|"([^"]*)"|(\d+))""")


@dataclass(frozen=True)
class Node:
    """A model, seed, snapshot or source table.

    Attributes:
        id: unique id, such as ``model.shop.orders``.
        call: by which SQL and tests name it, such as ``ref('orders')``.
        name: of its table in a spec: by which ``ref`` or ``source`` calls it last.
        kind: model, seed, snapshot or source.
        package: the project that it stands in.
        database: of its relation.
        schema: of its relation.
        identifier: of its relation.
        meta: what ``meta.synthlake`` holds; None without it.
        columns: what ``meta.synthlake`` of each column holds.
        constraints: of the contract, as in the manifest, each with its columns.
        stored: whether there is a relation.
    """

    id: str
    call: str
    name: str
    kind: str
    package: str
    database: str | None
    schema: str
    identifier: str
    meta: Any = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    constraints: tuple[Mapping[str, Any], ...] = ()
    stored: bool = True

    @property
    def declared(self) -> bool:
        """Whether the table is to be synthesised."""
        return self.meta is not None or bool(self.columns)


@dataclass(frozen=True)
class Test:
    """A generic test.

    Attributes:
        name: such as ``unique``.
        package: that it comes from; empty for those of dbt.
        arguments: as given.
        on: what it tests: a text that names it by ``ref`` or ``source``.
        within: the project that it stands in.
        firm: whether all rows are to pass it: it has no ``where`` and does not just warn.
    """

    name: str
    package: str
    arguments: Mapping[str, Any]
    on: str
    within: str
    firm: bool


class Manifest:
    """The nodes and tests of a manifest.

    Args:
        held: ``manifest.json``.
        project: name of the project; ``ref`` looks there first.
    """

    def __init__(self, held: Mapping[str, Any], project: str) -> None:
        everything = [*held["nodes"].values(), *held["sources"].values()]
        self.project = project
        self.nodes = {
            entry["unique_id"]: _node(entry)
            for entry in everything
            if entry["resource_type"] in _KINDS
        }
        self.tests = tuple(_tests(everything))
        self._relations = {
            entry["relation_name"]: entry["unique_id"]
            for entry in everything
            if entry.get("relation_name") and entry["resource_type"] in _KINDS
        }
        self._latest = {
            entry["unique_id"] for entry in everything
            if entry.get("version") is None or entry["version"] == entry.get("latest_version")
        }  # fmt: skip

    def resolve(self, text: str, package: str) -> Node | None:
        """The node that ``ref('name')`` or ``source('source', 'name')`` within a text calls.

        Args:
            text: may hold anything else around the call.
            package: the project in which the text stands.

        Raises:
            SpecError: there is a call, and no such node.
        """
        call = _CALL.search(text)
        if call is None:
            return None
        found = [(key, a or b or number) for key, a, b, number in _ARGUMENT.findall(call[2])]
        names = tuple(value for key, value in found if not key)
        version = next((value for key, value in found if key in ("v", "version")), None)
        node = self._source(names) if call[1] == "source" else self._ref(names, version, package)
        if node is None:
            raise errors.SpecError(
                f"dbt's manifest knows no {call[0]}", hint="write it as in a model's SQL"
            )
        return node

    def at(self, relation: str) -> Node | None:
        """The node of a relation, as the manifest writes it."""
        found = self._relations.get(relation)
        return None if found is None else self.nodes[found]

    def _source(self, names: tuple[str, ...]) -> Node | None:
        ending = "." + ".".join(names)
        return next(
            (n for n in self.nodes.values() if n.kind == "source" and n.id.endswith(ending)), None
        )

    def _ref(self, names: tuple[str, ...], version: str | None, package: str) -> Node | None:
        name = names[-1] if names else ""
        packages: list[str | None] = [names[0]] if len(names) > 1 else [package, self.project, None]
        for wanted in packages:
            for node in self.nodes.values():
                parts = node.id.split(".")
                if node.kind == "source" or parts[2] != name or wanted not in (None, node.package):
                    continue
                if parts[3:] == [f"v{version}"] or (version is None and node.id in self._latest):
                    return node
        return None


def _node(entry: Mapping[str, Any]) -> Node:
    kind = entry["resource_type"]
    version = entry.get("version")
    return Node(
        id=entry["unique_id"],
        call=_call(entry),
        name=entry["name"] if version is None else f"{entry['name']}_v{version}",
        kind=kind,
        package=entry["package_name"],
        database=entry.get("database"),
        schema=entry["schema"],
        identifier=entry["identifier"] if kind == "source" else entry["alias"],
        meta=_meta(entry),
        columns={
            name: held
            for name, column in entry.get("columns", {}).items()
            if (held := _meta(column)) is not None
        },
        constraints=tuple(_constraints(entry)),
        stored=bool(entry.get("relation_name")),
    )


def _call(entry: Mapping[str, Any]) -> str:
    if entry["resource_type"] == "source":
        return f"source('{entry['source_name']}', '{entry['name']}')"
    version = entry.get("version")
    return f"ref('{entry['name']}')" if version is None else f"ref('{entry['name']}', v={version})"


def _meta(entry: Mapping[str, Any]) -> Any:
    for meta in (entry.get("config", {}).get("meta"), entry.get("meta")):
        if isinstance(meta, Mapping) and "synthlake" in meta:
            # `synthlake:` with nothing behind it is a declaration that lacks its mapping
            return "" if meta["synthlake"] is None else meta["synthlake"]
    return None


def _constraints(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from entry.get("constraints") or ()
    for name, column in entry.get("columns", {}).items():
        for held in column.get("constraints") or ():
            yield {**held, "columns": [name]}


def _tests(everything: list[Mapping[str, Any]]) -> Iterator[Test]:
    for entry in everything:
        if entry["resource_type"] != "test" or not entry.get("test_metadata"):
            continue
        held = entry["test_metadata"]
        arguments = dict(held["kwargs"])
        yield Test(
            name=held["name"],
            package=held.get("namespace") or "",
            on=str(arguments.pop("model", "")),
            arguments=arguments,
            within=entry["package_name"],
            firm=not entry["config"].get("where")
            and str(entry["config"].get("severity", "error")).lower() == "error",
        )
