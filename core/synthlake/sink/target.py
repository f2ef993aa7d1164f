"""What a twin meets in a database: names and types that it can hold, and what is there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from synthlake.errors import SinkError, SinkOccupiedError
from synthlake.schema.model import Schema, Table
from synthlake.sink.runs import Run, Runs
from synthlake.sink.store import PART, PREFIX, Existing, Filled, Key, Session, Store

_SHOWN = 200  # characters of a name in a message


def columns_of(store: Store, table: Table) -> dict[str, str]:
    """The SQL types of a table's columns by name.

    Raises:
        SinkError: the database cannot hold a type.
    """
    columns = {}
    for field in table.arrow:
        kind = store.column_type(field.type)
        if kind is None:
            raise SinkError(
                f"{table.name}.{field.name} is {field.type}, which {store.traits.dialect}"
                " cannot hold",
                hint="cast the column in the source, or give it `action: skip`",
            )
        columns[field.name] = kind
    return columns


def check_names(store: Store, schema: Schema) -> None:
    """Whether a database can have all tables and columns under their names.

    Raises:
        SinkError: it cannot.
    """
    _check_distinct(store, "the schema", [table.name for table in schema])
    for table in schema:
        names = table.arrow.names
        _check_distinct(store, table.name, names)
        if table.name.startswith(PREFIX) or PART in [folded(store, name) for name in names]:
            raise SinkError(
                f"the table {table.name} uses a name that begins with {PREFIX}",
                hint="rename it: these names are of Synthlake's own records",
            )
        if not names:
            raise SinkError(f"the table {table.name} has no columns", hint="skip the table")


def folded(store: Store, name: str) -> str:
    """A name as the database compares it."""
    return name.lower() if store.traits.folds else name


def _check_distinct(store: Store, where: str, names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    dialect, longest = store.traits.dialect, store.traits.max_name
    for name in names:
        size = len(name.encode())
        if not name or "\0" in name or (longest and size > longest):
            raise SinkError(
                f"{where} has the name {name[:_SHOWN]!r} of {size} bytes, which {dialect}"
                " cannot hold",
                hint=f"names have 1 to {longest or 'any number of'} bytes",
            )
        if (other := seen.setdefault(folded(store, name), name)) != name:
            raise SinkError(
                f"{where} has the names {other!r} and {name!r}, which are one name in {dialect}",
                hint="rename one of them",
            )


class Target:
    """The schema of a database that a twin goes to, as one transaction sees it.

    Args:
        store: the database.
        session: the transaction.
        into_existing: whether rows of tables that the user made may be replaced.
    """

    def __init__(self, store: Store, session: Session, into_existing: bool = False) -> None:
        self._store, self._session, self._into_existing = store, session, into_existing
        self._existing = {folded(store, found.name): found for found in store.existing(session)}
        self.runs = Runs.read(store, session, self._existing)

    def keys(self, tables: Iterable[str]) -> list[Key]:
        """The constraints of those of the tables that are there."""
        return [key for name in tables if (found := self._find(name)) for key in found.keys]

    def state(self, table: str) -> Literal["new", "ours", "kept"]:
        """Whether a table is there, and who made it."""
        if self._find(table) is None:
            return "new"
        return "ours" if self.runs.made(table) else "kept"

    def check(self, tables: Mapping[str, Filled]) -> None:
        """Whether tables may be put there.

        Raises:
            SinkOccupiedError: one is there that Synthlake did not make, or that rows of other
                tables hang on.
            SinkError: one is there that cannot take the rows.
        """
        for name, table in tables.items():
            found = self._find(name)
            if found is None:
                continue
            allowed = self._into_existing or self.runs.made(name)
            if not (allowed and found.table):
                what = "a table" if found.table else "a view or the like"
                raise SinkOccupiedError(
                    f"{self._store.name} has {what} {name!r} that Synthlake did not make",
                    hint="give another schema, or, for a table, the option `into_existing: true`",
                )
            self._check_followers(name, found, tables)
            self._check_columns(table, found)

    def check_run(self, run_id: str, fingerprint: str, shape: str) -> None:
        """Whether a run was published with this content, if it was.

        Raises:
            SinkError: it was published with other content.
        """
        run = self.runs.of(run_id)
        if run is not None and (run.fingerprint, run.shape) != (fingerprint, shape):
            raise SinkError(
                f"the run {run_id} was published with other content",
                hint="give this run another id; what is published stays as it is",
            )

    def reused(self, run_id: str, fingerprint: str) -> dict[str, int]:
        """Parts by table of a run that is published and still there; empty if it is not.

        Cost: counts the rows of its tables.
        """
        run = self.runs.of(run_id)
        if run is None or not fingerprint or not self._there(run):
            return {}
        return {name: int(entry["parts"]) for name, entry in run.tables.items()}

    def holds(self, run: Run) -> bool:
        """Whether all tables of a publication are there, and no later one replaced any."""
        return self.runs.is_current(run) and all(self._find(name) for name in run.tables)

    def _there(self, run: Run) -> bool:
        return self.holds(run) and all(
            self._count(name) == entry["rows"] for name, entry in run.tables.items()
        )

    def _count(self, table: str) -> int:
        return int(self._session.run(f"SELECT count(*) FROM {self._store.address(table)}")[0][0])

    def _find(self, name: str) -> Existing | None:
        return self._existing.get(folded(self._store, name))

    def written(self, table: Filled) -> dict[str, str]:
        """The columns of a table that get values; what the user's table computes does not."""
        found = self._find(table.name)
        computed = {folded(self._store, name) for name in found.computed} if found else set()
        return {n: k for n, k in table.columns.items() if folded(self._store, n) not in computed}

    def _check_followers(self, name: str, found: Existing, tables: Mapping[str, Filled]) -> None:
        replaced = {table.target for table in tables.values()}
        for follower in found.followers:
            if follower not in replaced:
                raise SinkOccupiedError(
                    f"replacing the rows of {name} would delete or change those of {follower},"
                    " which is no table of the twin",
                    hint="drop its ON DELETE action, or make that table one of the twin's",
                )

    def _check_columns(self, table: Filled, found: Existing) -> None:
        there = {folded(self._store, name): kind for name, kind in found.columns.items()}
        for name, kind in self.written(table).items():
            held = there.get(folded(self._store, name))
            if held is None or not self._store.fits(kind, held):
                raise SinkError(
                    f"{table.name}.{name} is {kind}, and the table that is there has"
                    f" {'no such column' if held is None else held}",
                    hint="change or drop that table, or give another schema",
                )
        given = {folded(self._store, name) for name in table.columns}
        for name in found.needed:
            if folded(self._store, name) not in given:
                raise SinkError(
                    f"the table {table.name} that is there needs a value for {name}, which the"
                    " twin does not have",
                    hint="give that column a default, or allow NULL in it",
                )


def latest(store: Store) -> str | None:
    """The manifest, as JSON, of what was published last; None if there is nothing."""
    if not store.present():
        return None
    with store.session() as session:
        run = Target(store, session).runs.latest
    return None if run is None else run.manifest


def current(store: Store) -> list[str]:
    """The manifests, as JSON, of all publications that are there as they were, the latest first."""
    if not store.present():
        return []
    with store.session() as session:
        target = Target(store, session)
        return [run.manifest for run in reversed(target.runs.all) if target.holds(run)]
