"""The record of what was published in a database, in a table beside the twins."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synthlake.sink.store import RUNS, Filled, Session, Store, create

COLUMNS = {
    "number": "BIGINT", "run_id": "TEXT", "fingerprint": "TEXT", "shape": "TEXT",
    "tables": "TEXT", "manifest": "TEXT",
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A publication.

    Attributes:
        number: the latest has the greatest.
        shape: digest of the names and types of its tables.
        tables: rows, parts, and whether a run made the table (``made``), by name.
        manifest: as JSON.
    """

    number: int
    run_id: str
    fingerprint: str
    shape: str
    tables: Mapping[str, Mapping[str, Any]]
    manifest: str


class Runs:
    """All publications in a schema of a database, the latest last."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self.all = sorted(runs, key=lambda run: run.number)

    @classmethod
    def read(cls, store: Store, session: Session, there: Iterable[str]) -> Runs:
        """The record, which is empty before the first publication.

        Args:
            store: the database.
            session: a transaction.
            there: names of the relations of the target.
        """
        if RUNS not in there:
            return cls()
        names = ", ".join(COLUMNS)
        rows = session.run(f"SELECT {names} FROM {store.address(RUNS)}")
        return cls(
            Run(int(number), run_id, fingerprint, shape, json.loads(tables), manifest)
            for number, run_id, fingerprint, shape, tables, manifest in rows
        )

    def add(self, store: Store, session: Session, run: Run) -> None:
        """Write a publication down; the record is made with the first."""
        address = store.address(RUNS)
        if not self.all:
            session.run(create(store.traits.dialect, Filled(RUNS, COLUMNS, "", address), (), {}))
        tables = json.dumps(run.tables, sort_keys=True)
        values = (run.number, run.run_id, run.fingerprint, run.shape, tables, run.manifest)
        session.insert(address, values)

    @property
    def latest(self) -> Run | None:
        """The publication that was the last."""
        return self.all[-1] if self.all else None

    def owner(self, table: str) -> Run | None:
        """The publication that a table's rows are of."""
        return next((run for run in reversed(self.all) if table in run.tables), None)

    def of(self, run_id: str) -> Run | None:
        """The last publication of a run."""
        return next((run for run in reversed(self.all) if run.run_id == run_id), None)

    def made(self, table: str) -> bool:
        """Whether one of the publications made the table."""
        owner = self.owner(table)
        return owner is not None and bool(owner.tables[table]["made"])

    def is_current(self, run: Run) -> bool:
        """Whether all tables of a publication are still those that it published."""
        return all(self.owner(table) is run for table in run.tables)
