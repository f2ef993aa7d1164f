"""Keys that a project declares by its tests and by the constraints of its contracts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from synthlake_dbt.manifest import Manifest, Node, Test

_NAME = re.compile(r"""["`](.+)["`]|(\w+)""")
_TOGETHER = {
    ("synthlake", "unique_together"): "columns",
    ("dbt_utils", "unique_combination_of_columns"): "combination_of_columns",
}
"""Tests that several columns are unique together, and which argument has the columns."""


@dataclass(frozen=True)
class Reference:
    """Columns that refer to another node's."""

    columns: tuple[str, ...]
    parent: Node
    to: tuple[str, ...]


class DeclaredKeys:
    """What tests and constraints say of keys, by node.

    Args:
        manifest: of the project.

    Raises:
        SpecError: a test names a node that there is not.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._tests: dict[str, list[Test]] = {}
        for test in manifest.tests:
            node = manifest.resolve(test.on, test.within)
            if node is not None:
                self._tests.setdefault(node.id, []).append(test)

    def primary_key(self, node: Node) -> tuple[str, ...]:
        """Columns of the primary key; empty if nothing tells it.

        A constraint says it; else the first column that is tested ``unique`` and ``not_null``;
        else the first columns that are tested to be unique together.
        """
        for held in node.constraints:
            if held["type"] == "primary_key":
                return tuple(held["columns"])
        strict = self.not_null(node)
        singles = [column for column in self._unique(node) if column in strict]
        together = [
            tuple(test.arguments[argument])
            for test in self._of(node)
            if test.firm and (argument := _TOGETHER.get((test.package, test.name)))
        ]
        return (singles[0],) if singles else next(iter(together), ())

    def not_null(self, node: Node) -> frozenset[str]:
        """Columns that are promised to hold no NULL."""
        tested = self._tested(node, "not_null")
        by_contract = {
            column
            for held in node.constraints
            if held["type"] in ("not_null", "primary_key")
            for column in held["columns"]
        }
        return frozenset(by_contract.union(tested))

    def references(self, node: Node) -> list[Reference]:
        """References by constraints, then by tests; each pair of columns and parent once.

        Raises:
            SpecError: one names a node that there is not.
        """
        found: dict[tuple[Any, ...], Reference] = {}
        for reference in (*self._by_contract(node), *self._by_test(node)):
            key = (reference.columns, reference.parent.id)
            found.setdefault(key, reference)
        return list(found.values())

    def _of(self, node: Node) -> list[Test]:
        return self._tests.get(node.id, [])

    def _unique(self, node: Node) -> list[str]:
        by_contract = [
            held["columns"][0]
            for held in node.constraints
            if held["type"] == "unique" and len(held["columns"]) == 1
        ]
        return [*by_contract, *self._tested(node, "unique")]

    def _tested(self, node: Node, name: str) -> list[str]:
        """Columns that all rows are to pass a test of dbt's own in."""
        found = [_column(test) for test in self._of(node) if test.firm and _is(test, name)]
        return [column for column in found if column]

    def _by_contract(self, node: Node) -> Iterator[Reference]:
        for held in node.constraints:
            # an `expression` is SQL of the warehouse: what it refers to is not told by dbt
            if held["type"] != "foreign_key" or not held.get("to"):
                continue
            parent = self._manifest.at(held["to"]) or self._resolved(held["to"], node.package)
            if parent is not None:
                yield Reference(tuple(held["columns"]), parent, tuple(held["to_columns"]))

    def _by_test(self, node: Node) -> Iterator[Reference]:
        for test in self._of(node):
            if not _is(test, "relationships"):
                continue
            parent = self._resolved(str(test.arguments["to"]), test.within)
            child, to = _column(test), _column(test, "field")
            if parent is not None and child and to:
                yield Reference((child,), parent, (to,))

    def _resolved(self, text: str, package: str) -> Node | None:
        return self._manifest.resolve(text, package)


def _is(test: Test, name: str) -> bool:
    return test.name == name and not test.package


def _column(test: Test, argument: str = "column_name") -> str | None:
    """The column that an argument names; None if it is an expression, such as `lower(code)`."""
    text = str(test.arguments.get(argument, ""))
    found = _NAME.fullmatch(text)
    return None if found is None else found[1] or found[2]
