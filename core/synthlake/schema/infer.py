"""Completes a schema: what is declared is taken, what is absent is inferred by evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from synthlake.errors import SchemaError
from synthlake.ports import Source
from synthlake.schema.check import check, check_primary_key
from synthlake.schema.cycles import acyclic, closable, with_loops
from synthlake.schema.document import SchemaDocument
from synthlake.schema.keys import MAX_PARTS, composite_key, family, is_junction, single_key
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.schema.modes import with_modes
from synthlake.schema.probe import Probe, TableCounts, TextCounts, rate
from synthlake.schema.references import Reference, composite_reference, single_references
from synthlake.schema.roles import roles_of


@dataclass(frozen=True)
class Inference:
    """A complete schema and why it is so.

    Attributes:
        schema: every role, key and mode is set.
        evidence: counts and rates by path, such as ``flights.foreign_keys[tailnum]``; never a
            cell's value.
        rows: of each table that is not skipped.
    """

    schema: Schema
    evidence: Mapping[str, str]
    rows: Mapping[str, int]


def infer(source: Source, document: SchemaDocument | None = None) -> Inference:
    """The schema of a source, as declared in a document and by the source, the rest inferred.

    Raises:
        SchemaError: what is declared contradicts itself or the source.

    Privacy: the evidence holds counts and rates only.
    Cost: SQL over all rows: one statement a table for counts, then a few for each candidate.
    """
    given = source.schema()
    work = _Work(given, document or SchemaDocument(), Probe(source.engine()))
    work.count()
    work.check_declared_keys()
    work.find_keys()
    work.set_references()
    work.thin_references_out()
    check(work.schema, given)
    work.choose_modes()
    work.give_roles()
    rows = {name: counts.rows for name, counts in work.counts.items()}
    return Inference(work.schema, MappingProxyType(work.evidence), MappingProxyType(rows))


def keyed(source: Source, document: SchemaDocument | None = None) -> Schema:
    """The tables of a source with their keys, declared or inferred: for what copies rows.

    Unlike ``infer`` it keeps references that form cycles, and those of tables that are kept; what
    a column is, is left as the source and the document say.

    Raises:
        SchemaError: what is declared contradicts itself or the source.

    Cost: as ``infer``, without roles and modes.
    """
    given, document = source.schema(), document or SchemaDocument()
    work = _Work(given, document, Probe(source.engine()))
    work.count()
    work.check_declared_keys()
    work.find_keys()
    work.set_references()
    work.drop_references_to_skipped()
    check(work.schema, given, copied=True)
    return Schema({
        table.name: table.with_keys(
            work.schema[table.name].primary_key, work.schema[table.name].foreign_keys
        )
        for table in document.merge_tables(given)
    })  # fmt: skip


@dataclass
class _Work:
    """The schema as it grows, in the order of the methods."""

    given: Schema
    document: SchemaDocument
    probe: Probe
    schema: Schema = field(init=False)
    evidence: dict[str, str] = field(default_factory=dict)
    counts: dict[str, TableCounts] = field(default_factory=dict)
    texts: dict[str, dict[str, TextCounts]] = field(default_factory=dict)
    found: dict[str, list[Reference]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.schema = self.document.merge_tables(self.given).ordered()

    def count(self) -> None:
        for table in list(self._live()):
            self.counts[table.name] = self.probe.counts(table)
            self.schema = self.schema.with_table(_as_complete(table, self.counts[table.name]))
            names = [c.name for c in table.columns if family(c.type) == "text"]
            self.texts[table.name] = self.probe.texts(table, names)
            self.evidence[table.name] = f"{self.counts[table.name].rows} rows"

    def check_declared_keys(self) -> None:
        for table in self._live():
            entry = self.document.tables.get(table.name)
            if entry is None or not entry.primary_key:
                continue
            check_primary_key(table)
            repeated = self.probe.repeated(table, table.primary_key)
            if repeated:
                raise SchemaError(
                    f"the primary key of {table.name} ({', '.join(table.primary_key)}) is not one: "
                    f"{repeated} of {self.counts[table.name].rows} rows repeat it or hold NULL",
                    hint="name more columns, or declare `primary_key: []`",
                )

    def find_keys(self) -> None:
        """Primary keys, and the references that tell them."""
        waiting = [t.name for t in self._live() if not self._key_declared(t)]
        for name in waiting:
            if not is_junction(self.schema[name]):
                self._set_key(name, self._single(name))
        self._find_single_references()
        for table in self._live():
            if len(table.primary_key) > 1:
                self._refer_to(table.name)
        # small tables first: parents have fewer rows than their children
        for name in sorted(waiting, key=lambda name: self.counts[name].rows):
            if not self.schema[name].primary_key:
                self._find_composite(name)

    def _find_single_references(self) -> None:
        for table in self._live():
            if not self._references_declared(table):
                self.found[table.name] = single_references(
                    table, self.schema, self.counts, self.probe
                )

    def set_references(self) -> None:
        for name, found in self.found.items():
            keys = tuple(r.fk for r in found)
            self.schema = self.schema.with_table(self.schema[name].with_keys(foreign_keys=keys))
            for reference in found:
                self.evidence[_path(name, reference.fk)] = _said(reference)
        self.schema = self.document.merge_references(self.schema).ordered()

    def drop_references_to_skipped(self) -> None:
        for table in list(self._live()):
            for fk in table.foreign_keys:
                if fk.references in self.schema and self.schema[fk.references].skip:
                    self._drop(table.name, fk, f"{fk.references} is skipped")

    def thin_references_out(self) -> None:
        self.drop_references_to_skipped()
        for table in list(self._live()):
            for fk in table.foreign_keys:
                parent = self.schema.tables.get(fk.references)
                if parent is not None and table.keep and not parent.keep:
                    said = f"{table.name} is kept as it is and {parent.name} is not"
                    self._drop(table.name, fk, said)
        self._allow_null()
        whole = self.schema
        self.schema, out = acyclic(whole, self._rank)
        closing = [(name, fk) for name, fk in out if self._closable(whole, name, fk)]
        self.schema = with_loops(self.schema, closing)
        for name, fk in closing:
            self._add_evidence(_path(name, fk), "it closes a cycle, and is written last")
        for name, fk in out:
            if (name, fk) not in closing:
                self._leave_out(name, fk, "it closes a cycle of references")

    def _allow_null(self) -> None:
        """Columns of references whose orphans become NULL, complete or not."""
        for table in list(self._live()):
            lost = {c for fk in table.foreign_keys if fk.orphans == "null" for c in fk.columns}
            columns = (replace(c, nullable=True) if c.name in lost else c for c in table.columns)
            ids = (replace(p, nullable=p.nullable or bool(lost & {*p.flat}) or p.orphans == "null")
                   for p in table.polymorphic)  # fmt: skip
            self.schema = self.schema.with_table(
                replace(table, columns=tuple(columns), polymorphic=tuple(ids))
            )

    def choose_modes(self) -> None:
        for table in self.schema.order():  # parents first: their own keys tell who has relatives
            made, said = with_modes(table, self.schema, self.counts[table.name], self.probe)
            self.schema = self.schema.with_table(made)
            for place, reason in said.items():
                self._add_evidence(_path(table.name, made.foreign_keys[place]), reason)

    def give_roles(self) -> None:
        for table in list(self._live()):
            counts, texts = self.counts[table.name], self.texts[table.name]
            made, said = roles_of(table, counts, texts, self.probe)
            self.schema = self.schema.with_table(made)
            for column, reason in said.items():
                self.evidence[f"{table.name}.columns.{column}"] = reason

    def _live(self) -> Iterator[Table]:
        return (table for table in self.schema if not table.skip)

    def _key_declared(self, table: Table) -> bool:
        entry = self.document.tables.get(table.name)
        return bool(table.primary_key) or (entry is not None and entry.primary_key is not None)

    def _references_declared(self, table: Table) -> bool:
        entry = self.document.tables.get(table.name)
        by_user = entry is not None and entry.foreign_keys is not None
        return by_user or bool(self.given[table.name].foreign_keys)

    def _firm(self, name: str, fk: ForeignKey) -> bool:
        entry = self.document.tables.get(name)
        return entry is not None and entry.foreign_keys is not None

    def _rank(self, name: str, fk: ForeignKey) -> int:
        # a key that the database declares does not give way to one that only looks like one
        firm = self._firm(name, fk) or bool(self.given[name].foreign_keys)
        if not firm:
            return 3
        if fk.references not in self.counts or not self._closable(self.schema, name, fk):
            return 0
        # of two, that of the smaller table: many refer to few
        return 2 if self.counts[name].rows < self.counts[fk.references].rows else 1

    def _closable(self, schema: Schema, name: str, fk: ForeignKey) -> bool:
        return fk.references in schema and closable(schema, name, fk)

    def _single(self, name: str) -> tuple[str, ...]:
        key = single_key(self.schema[name], self.counts[name], self.texts[name])
        return () if key is None else (key,)

    def _find_composite(self, name: str) -> None:
        table, counts = self.schema[name], self.counts[name]
        referring = set[str]().union(*self._held_references(table))
        key: tuple[str, ...] = ()
        if is_junction(table) and not referring.issuperset(c.name for c in table.columns):
            key = self._single(name)
        key = key or composite_key(table, counts, referring, self.probe)
        key = self._whole_references(table, key)
        self._set_key(name, key)
        if len(key) > 1:
            self._refer_to(name)
        elif not key:
            said = "no columns that look like a key are unique" if counts.rows else "no rows"
            self.evidence[f"{name}.primary_key"] = said

    def _held_references(self, table: Table) -> list[set[str]]:
        entry = self.document.tables.get(table.name)
        if entry is not None and entry.foreign_keys is not None:
            return [set(fk.columns) for fk in entry.foreign_keys]
        held = [r.fk for r in self.found.get(table.name, [])] or table.foreign_keys
        return [set(fk.columns) for fk in held]

    def _whole_references(self, table: Table, key: tuple[str, ...]) -> tuple[str, ...]:
        # a key with half of a reference in it is the smaller, and the worse to make: rows can be
        # made distinct inside a family only where the whole reference is part of the key
        chosen = set(key)
        for fk in self._held_references(table):
            if len(fk) > 1 and chosen & fk and len(chosen | fk) <= MAX_PARTS and len(key) > 1:
                chosen |= fk
        return tuple(c.name for c in table.columns if c.name in chosen)

    def _set_key(self, name: str, key: tuple[str, ...]) -> None:
        if key:
            self.schema = self.schema.with_table(self.schema[name].with_keys(primary_key=key))
            self.evidence[f"{name}.primary_key"] = (
                f"unique and without NULL in {self.counts[name].rows} rows"
            )

    def _refer_to(self, parent: str) -> None:
        for name, found in self.found.items():
            if name != parent:
                reference = composite_reference(
                    self.schema[name], self.schema[parent], self.counts, self.probe
                )
                found += [reference] if reference is not None else []

    def _drop(self, name: str, fk: ForeignKey, reason: str) -> None:
        if self._firm(name, fk):
            return  # the check says it
        kept = tuple(held for held in self.schema[name].foreign_keys if held != fk)
        self.schema = self.schema.with_table(self.schema[name].with_keys(foreign_keys=kept))
        self._leave_out(name, fk, reason)

    def _leave_out(self, name: str, fk: ForeignKey, reason: str) -> None:
        self._add_evidence(_path(name, fk), f"left out, as {reason}")

    def _add_evidence(self, path: str, said: str) -> None:
        held = self.evidence.get(path)
        self.evidence[path] = f"{held}; {said}" if held else said


def _as_complete(table: Table, counts: TableCounts) -> Table:
    """The table with NULL allowed where there is one, whatever the source promises."""
    columns = (
        replace(c, nullable=c.action == "null" or not (counts.rows and counts.complete(c.name)))
        for c in table.columns
    )
    ids = (
        replace(p, nullable=sum(counts.columns[n].values for n in p.flat) < max(counts.rows, 1))
        for p in table.polymorphic
    )
    return replace(table, columns=tuple(columns), polymorphic=tuple(ids))


def _path(table: str, fk: ForeignKey) -> str:
    return f"{table}.foreign_keys[{','.join(fk.columns)}]"


def _said(reference: Reference) -> str:
    held = reference.included
    parts = [f"{held.found} of {held.keys} distinct keys are in {reference.fk.references}"]
    parts += [f"{rate(held.orphans, held.rows)} of rows are orphans"] if held.orphans else []
    parts += [f"{rate(held.nulls, held.rows)} NULL"] if held.nulls else []
    return ", ".join(parts)
