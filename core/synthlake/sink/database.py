"""A schema of a database as a sink: staged beside it, published in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from synthlake.errors import SinkError
from synthlake.schema.model import Schema
from synthlake.schema.nearest import nearest
from synthlake.seed import digest
from synthlake.sink.carry import carried, carry
from synthlake.sink.groups import groups
from synthlake.sink.keys import Constraints, Keys, ordered
from synthlake.sink.runs import Run
from synthlake.sink.store import (
    PART,
    PREFIX,
    RUNS,
    Existing,
    Filled,
    Key,
    Session,
    Store,
    Traits,
    clause,
    create,
    insertion,
    listed,
    quote,
)
from synthlake.sink.target import Target, check_names, columns_of, current, latest

__all__ = [
    "PART",
    "RUNS",
    "DatabaseSettings",
    "DatabaseSink",
    "Existing",
    "Filled",
    "Key",
    "Session",
    "Store",
    "Traits",
    "carried",
    "carry",
    "clause",
    "create",
    "insertion",
    "listed",
    "quote",
]

VERSION: Final = 1
OPTIONS: Final = ("constraints", "into_existing")
_PARTS: Final = {"number": "INTEGER", "part": "INTEGER", "row_count": "BIGINT"}
_OWNER: Final = {"owner": "TEXT"}


@dataclass(frozen=True)
class DatabaseSettings:
    """How a database is written to.

    Attributes:
        constraints: ``auto`` gives new tables the keys of the schema that hold for the twin's rows,
            ``none`` gives none, ``require`` refuses a twin that breaks one.
        into_existing: replace the rows of tables that Synthlake did not make; the tables stay.
    """

    constraints: Constraints = "auto"
    into_existing: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any], others: Iterable[str] = ()) -> DatabaseSettings:
        """From the options of a spec.

        Args:
            options: as given.
            others: that the database has besides.

        Raises:
            SinkError: there is no such option, or it has a value that it cannot have.
        """
        known = (*OPTIONS, *others)
        for name in options:
            if name not in known:
                raise SinkError(f"the sink has no option {name!r}", hint=nearest(str(name), known))
        constraints = options.get("constraints", "auto")
        into = options.get("into_existing", False)
        if constraints not in ("auto", "none", "require"):
            raise SinkError(
                "the option constraints is none that there is", hint="auto, none or require"
            )
        if not isinstance(into, bool):
            raise SinkError("the option into_existing is true or false", hint="write true or false")
        return cls(constraints, into)


@dataclass(frozen=True)
class _Opened:
    """A run that is open.

    Attributes:
        area: name of its staging area.
        tables: by name, in the order of the schema.
        reused: parts of each table that are published already.
    """

    run_id: str
    fingerprint: str
    shape: str
    area: str
    schema: Schema
    tables: Mapping[str, Filled]
    reused: Mapping[str, int]

    @property
    def owner(self) -> str:
        """To whom the staging area belongs."""
        return json.dumps([self.run_id, self.fingerprint, self.shape])

    def number(self, table: str) -> int:
        """Number of a table in the staging area.

        Raises:
            SchemaError: there is no such table.
        """
        return list(self.tables).index(self.schema[table].name)


def _written(schema: Schema) -> Schema:
    return Schema({table.name: table for table in schema if not table.skip})


class DatabaseSink:
    """A schema of a database that holds published twins. Conforms to ``ports.Sink``.

    Parts are staged in tables of their own, each in one transaction with its record, by any number
    of processes. Publishing replaces the rows of all tables in one transaction, and writes the
    manifest into ``_synthlake_runs`` of that schema. Tables of other runs stay as they are.

    Args:
        store: the database.
        settings: how it is written to.
    """

    def __init__(self, store: Store, settings: DatabaseSettings | None = None) -> None:
        self._store, self._settings = store, settings or DatabaseSettings()
        self._opened: _Opened | None = None

    def __repr__(self) -> str:
        return f"DatabaseSink({self._store.name})"

    def check(self, schema: Schema) -> None:
        """Whether such tables may be put there, as far as can be said before they are made.

        Raises:
            SinkOccupiedError, SinkError: as ``open`` would.
        """
        tables = self._tables(_written(schema), PREFIX)
        if self._store.present():
            with self._store.session() as session:
                self._target(session).check(tables)

    def open(self, run_id: str, schema: Schema, *, fingerprint: str = "") -> None:
        """Prepare the staging area of a run, or find it again. Nothing of the target changes.

        Args:
            run_id: the run.
            schema: its tables; those that are skipped are not written.
            fingerprint: digest of all that the rows follow from. What was staged under another one
                is thrown away; what is published under this one (not empty) is used again.

        Raises:
            SinkOccupiedError: the target has a table of the same name that Synthlake did not make.
            SinkError: a type or name cannot be held, a table that is there has other columns, the
                run was published with another fingerprint, or the database refused.
        """
        schema = _written(schema)
        area = self._area(run_id)
        tables = self._tables(schema, area)
        shape = digest(*[f"{t.name}\0{t.arrow}" for t in schema]).hex()
        with self._store.session(area) as session:
            target = self._target(session)
            target.check(tables)
            target.check_run(run_id, fingerprint, shape)
            reused = target.reused(run_id, fingerprint)
            opened = _Opened(run_id, fingerprint, shape, area, schema, tables, reused)
            self._stage(session, opened)
        self._opened = opened

    def published(self) -> dict[str, Any] | None:
        """The manifest of the latest publication in the schema; None if there is none."""
        found = latest(self._store)
        return None if found is None else dict(json.loads(found))

    def publications(self) -> Iterator[dict[str, Any]]:
        """The manifests of all publications whose tables are as they left them, the latest first.

        A schema may hold the tables of many runs, so that the latest is not the only one.
        """
        for manifest in current(self._store):
            yield json.loads(manifest)

    def has_part(self, table: str, part: int) -> bool:
        """Whether a part is already complete, staged or published under the same fingerprint."""
        opened = self._open()
        if opened.reused:
            return part < opened.reused[opened.schema[table].name]
        number = opened.number(table)
        with self._store.session() as session:
            self._check_area(session, opened)
            return (number, part) in self._parts(session, opened)

    def write_part(self, table: str, part: int, batches: Iterable[pa.RecordBatch]) -> int:
        """Write one part with its record in one transaction; returns its rows.

        Raises:
            SinkError: the batches are not of the table's types, a value cannot be held, or the
                database refused.
        """
        opened = self._open()
        number, arrow = opened.number(table), opened.schema[table].arrow
        filled, parts = opened.tables[table], self._store.address("parts", opened.area)
        rows = 0

        def counted() -> Iterable[pa.RecordBatch]:
            nonlocal rows
            for batch in groups(table, arrow, batches):
                rows += batch.num_rows
                yield batch

        # one writer a part at a time; others write other parts meanwhile
        with self._store.session(f"{opened.area} {number} {part}") as session:
            self._check_area(session, opened)
            if (number, part) in self._parts(session, opened):
                where = f"{self._quote(PART)} = {int(part)}"
                session.run(f"DELETE FROM {filled.staged} WHERE {where}")
                session.run(f"DELETE FROM {parts} WHERE number = {number} AND part = {int(part)}")
            session.load(filled, arrow, part, counted())
            session.insert(parts, (number, part, rows))
        return rows

    def publish(self, manifest: Mapping[str, Any]) -> None:
        """Make the whole run visible in one transaction. Does nothing if just this is published.

        Args:
            manifest: of the run; rows and parts of the tables are added, and the keys that the
                schema declares and the rows do not keep.

        Raises:
            SinkError: a part is missing, the rows break a key that is required, or the database
                refused.
            SinkOccupiedError: something else came to the target meanwhile.
        """
        opened = self._open()
        if opened.reused:
            return
        with self._store.session(f"{PREFIX}publish {self._store.address(RUNS)}") as session:
            target = self._target(session)
            target.check(opened.tables)
            target.check_run(opened.run_id, opened.fingerprint, opened.shape)
            if not target.reused(opened.run_id, opened.fingerprint):
                self._check_area(session, opened)
                self._publish(session, opened, target, manifest)
            self._store.drop_area(session, opened.area)

    def discard(self, run_id: str) -> None:
        """Remove what a run has staged; what is published stays."""
        area = self._area(run_id)
        with self._store.session(area) as session:
            self._store.drop_area(session, area)

    def _publish(
        self, session: Session, opened: _Opened, target: Target, manifest: Mapping[str, Any]
    ) -> None:
        entries = self._entries(session, opened)
        tables = {
            n: replace(t, state=target.state(n), columns=target.written(t))
            for n, t in opened.tables.items()
        }
        keys = Keys(self._store, session, opened.schema, tables, self._settings.constraints)
        decided = keys.decide(target.keys(tables))
        order = [tables[table.name] for table in ordered(opened.schema)]
        self._store.fill(session, order, decided.made, decided.dropped)
        for name, table in tables.items():
            entries[name]["made"] = table.state != "kept"
        last = target.runs.latest
        text = json.dumps(_manifest(manifest, opened, entries, decided.left_out))
        number = last.number + 1 if last else 1
        run = Run(number, opened.run_id, opened.fingerprint, opened.shape, entries, text)
        target.runs.add(self._store, session, run)

    def _entries(self, session: Session, opened: _Opened) -> dict[str, dict[str, Any]]:
        parts = self._parts(session, opened)
        entries = {}
        for number, name in enumerate(opened.tables):
            mine = {part: rows for (n, part), rows in parts.items() if n == number}
            missing = next(n for n in range(len(mine) + 1) if n not in mine)
            if missing != len(mine) or not mine:
                raise SinkError(
                    f"part {missing} of table {name} is missing",
                    hint="write it, then publish again",
                )
            entries[name] = {"rows": sum(mine.values()), "parts": len(mine)}
        return entries

    def _parts(self, session: Session, opened: _Opened) -> dict[tuple[int, int], int]:
        parts = self._store.address("parts", opened.area)
        found = session.run(f"SELECT number, part, row_count FROM {parts}")
        return {(int(number), int(part)): int(rows) for number, part, rows in found}

    def _stage(self, session: Session, opened: _Opened) -> None:
        """Make the staging area, or find it; there is none for what is published already."""
        owner = self._store.address("owner", opened.area)
        if self._store.has_area(session, opened.area):
            if not opened.reused and session.run(f"SELECT owner FROM {owner}") == [(opened.owner,)]:
                return
            self._store.drop_area(session, opened.area)
        if opened.reused:
            return
        rows = {
            f"rows_{number}": {PART: "INTEGER", **table.columns}
            for number, table in enumerate(opened.tables.values())
        }
        definitions = {"owner": _OWNER, "parts": _PARTS, **rows}
        made = {
            name: ", ".join(f"{self._quote(column)} {kind}" for column, kind in columns.items())
            for name, columns in definitions.items()
        }
        self._store.make_area(session, opened.area, made)
        session.insert(owner, (opened.owner,))

    def _check_area(self, session: Session, opened: _Opened) -> None:
        owner = self._store.address("owner", opened.area)
        there = self._store.has_area(session, opened.area)
        if there and session.run(f"SELECT owner FROM {owner}") == [(opened.owner,)]:
            return
        raise SinkError(
            f"the staging area of run {opened.run_id} is not there any more",
            hint="open the run again: another process published, discarded or replaced it",
        )

    def _tables(self, schema: Schema, area: str) -> dict[str, Filled]:
        check_names(self._store, schema)
        columns = {table.name: columns_of(self._store, table) for table in schema}
        return {
            name: Filled(
                name, columns[name], self._store.address(f"rows_{number}", area),
                self._store.address(name),
            )
            for number, name in enumerate(columns)
        }  # fmt: skip

    def _target(self, session: Session) -> Target:
        return Target(self._store, session, self._settings.into_existing)

    def _area(self, run_id: str) -> str:
        return PREFIX + digest(self._store.address(RUNS), run_id).hex()[:24]

    def _quote(self, name: str) -> str:
        return quote(self._store.traits.dialect, name)

    def _open(self) -> _Opened:
        if self._opened is None:
            raise SinkError("the sink is not open", hint="call open(run_id, schema) first")
        return self._opened


def _manifest(
    given: Mapping[str, Any],
    opened: _Opened,
    entries: Mapping[str, Mapping[str, Any]],
    left_out: tuple[str, ...],
) -> dict[str, Any]:
    told = given.get("tables", {})
    tables = {name: {**told.get(name, {}), **entry} for name, entry in entries.items()}
    return {
        **given,
        "run": opened.run_id,
        "fingerprint": opened.fingerprint,
        "schema": opened.shape,
        "synthlake": VERSION,
        "tables": tables,
        "keys_left_out": list(left_out),
    }
