"""A subset of real rows that is intact in its references: a copy, and no twin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast, get_args

import pyarrow as pa

from synthlake.errors import SampleError, SpecError, SynthlakeError
from synthlake.pipeline import secrets
from synthlake.pipeline.learn import Given, check_options, tell
from synthlake.pipeline.snapshot import facts, local_path
from synthlake.pipeline.streamed import StreamedTable
from synthlake.ports import OnEvent, Sink, Source
from synthlake.schema.model import Schema
from synthlake.schema.nearest import nearest
from synthlake.sink import FolderSink, open_sink
from synthlake.sink.folder import check_free
from synthlake.source import types
from synthlake.sql.subset import HASH, Chosen, Others, Wanted, choose
from synthlake.sql.tally import KeyTally, TableTally, tally
from synthlake.store.canonical import digest_json

_FORM = 1  # of what a subset leaves behind; part of its run id
REAL = "these are real rows, copied as they are: a subset is not anonymous; a twin is made to be"


class SubsetOptions(TypedDict, total=False):
    """How much a subset holds, as keyword arguments.

    ``fraction`` of each root's rows, or ``rows`` of each; ``seed``; ``others``, what becomes of
    tables that have nothing to do with the roots (``fraction``, ``all`` or ``none``); and
    ``max_children`` of one parent by one foreign key.
    """

    fraction: float | None
    rows: int | None
    seed: int
    others: str
    max_children: int | None


@dataclass(frozen=True)
class SubsetTable(StreamedTable):
    """One table of a subset; iterate over it for record batches.

    Attributes:
        source_rows: that there are in the source.
    """

    source_rows: int
    _chosen: Chosen

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, in an order that is the same from every engine, near floats and nests aside.

        Raises:
            QueryError: the engine refused.
            SourceError: it cannot hold a column's type without loss.
        """
        engine = self._chosen.engine
        relation = f"{engine.relation(self.name)} ORDER BY {HASH}"
        return types.typed_batches(engine, relation, self._chosen.schema[self.name])


class Subset(Mapping[str, SubsetTable]):
    """Real rows by table, read from the engine when they are asked for. ``open`` takes it.

    They lie in the session of the source until ``close``, the end of a ``with`` block, or until
    the subset is forgotten.

    Privacy: none. These are the rows of the source.

    Args:
        chosen: the rows.
        wanted: what was asked.
        counts: by table.
        references: by foreign key.

    Attributes:
        counts: what each table is to the roots, with its rows in the source and here.
        references: by foreign key, the rows without a parent, here as in the source.
    """

    def __init__(
        self,
        chosen: Chosen,
        wanted: Wanted,
        counts: Sequence[TableTally],
        references: Sequence[KeyTally],
    ) -> None:
        self.wanted, self.counts, self.references = wanted, tuple(counts), tuple(references)
        self._chosen = chosen
        self._tables = {t.name: self._table(t) for t in counts}

    def __getitem__(self, name: str) -> SubsetTable:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{t.name}: {t.rows:,}" for t in self.counts)
        return f"Subset({sizes})"

    def __enter__(self) -> Subset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def schema(self) -> Schema:
        """Of the tables, with their keys."""
        return self._chosen.schema

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of what was taken."""
        roots, wanted = set(self.wanted.roots), self.wanted
        empty = [t.name for t in self.counts if t.part == "root" and t.source and not t.rows]
        notes = [f"no row of {name} was drawn: ask for more of it" for name in empty]
        notes += [
            f"{t.name}: {t.rows:,} of {t.source:,} rows, as what was drawn leads to more of it"
            for t in self.counts
            if t.part == "root" and t.rows > 2 * self._asked(t) + 10
        ]
        others = [t.name for t in self.counts if t.part == "other"]
        if others:
            said = {"fraction": "the same fraction is taken", "all": "taken whole", "none": "empty"}
            notes.append(f"no relation to the roots, {said[wanted.others]}: {', '.join(others)}")
        if len(self.counts) > len(roots) and {t.part for t in self.counts} <= {"root", "other"}:
            notes.append(
                "no foreign key joins the roots to another table: declare those that there are in"
                " a schema"
            )
        return tuple(notes)

    def to_arrow(self) -> dict[str, pa.Table]:
        """All tables in memory."""
        return {name: table.to_arrow() for name, table in self._tables.items()}

    def to_pandas(self) -> dict[str, Any]:
        """All tables as pandas DataFrames.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return {name: table.to_pandas() for name, table in self._tables.items()}

    def write(
        self,
        target: str | Path,
        *,
        schema: str | None = None,
        options: Mapping[str, Any] | None = None,
        on_event: OnEvent | None = None,
    ) -> str:
        """Write the tables, which appear all at once; returns the run id.

        Equal rows of the same request have the same run id: what is published is not written again.

        Args:
            target: a folder, or a URL such as ``csv://folder``, ``duckdb:///file`` or that of a
                database; a subset or twin that is there already is replaced.
            schema: of a database, instead of its default.
            options: of the database.
            on_event: told about each table.

        Raises:
            SinkOccupiedError: the target holds something that Synthlake did not write.
            SinkError: it cannot be written.
        """
        digest = self._digest()
        sink, run_id = open_sink(target, schema=schema, options=options), digest[:16]
        sink.open(run_id, self.schema, fingerprint=digest)
        try:
            self._fill(sink, on_event)
            asked = {**asdict(self.wanted), "roots": list(self.wanted.roots), "real_rows": True}
            sink.publish({"run_id": run_id, "subset": asked, "notes": [REAL, *self.notes]})
        except BaseException:
            with suppress(SynthlakeError):
                sink.discard(run_id)  # real rows are not left lying about
            raise
        return run_id

    def _fill(self, sink: Sink, on_event: OnEvent | None) -> None:
        for done, (name, table) in enumerate(self._tables.items()):
            tell(on_event, "write", name, done, len(self))
            if not sink.has_part(name, 0):
                sink.write_part(name, 0, table.batches())
        tell(on_event, "write", "all tables", len(self), len(self))

    def close(self) -> None:
        """Let go of the rows."""
        self._chosen.close()

    def _table(self, counted: TableTally) -> SubsetTable:
        schema = types.chosen(self._chosen.schema[counted.name], None)
        rows, there = counted.rows, counted.source
        return SubsetTable(counted.name, rows, schema, there, self._chosen)

    def _asked(self, root: TableTally) -> float:
        rows, fraction = self.wanted.rows, self.wanted.fraction
        return float(rows) if rows is not None else (fraction or 0.0) * root.source

    def _digest(self) -> str:
        engine, schema = self._chosen.engine, self.schema
        held = {table.name: facts(engine, schema, table) for table in schema}
        return digest_json({"form": _FORM, "asked": asdict(self.wanted), "rows": held})


def subset(
    source: object,
    schema: Given = None,
    *,
    root: str | Sequence[str],
    on_event: OnEvent | None = None,
    **given: Unpack[SubsetOptions],
) -> Subset:
    """A part of a source that is intact: some rows of the roots, and all that belongs to them.

    Every row that refers to a taken row follows, at any depth, and then every row that a taken one
    refers to. References without a parent in the source stay as they are, and no others lose
    theirs. Rows that lead to no root, as their keys are NULL or refer to nothing, are taken at the
    same rate. Equal seeds take equal rows, from every engine and in any order of the rows.

    Args:
        source: whatever ``open`` takes.
        schema: whole or in part, such as ``Schema.load("schema.yml")``; other keys are inferred.
            Tables that it keeps are taken whole; tables and columns that it skips are left out, and
            columns with the action ``null`` or ``mask`` are NULL.
        root: name of a table, or several.
        on_event: told about progress.
        given: ``fraction`` in (0, 1] or ``rows`` of each root, ``seed`` (0), ``others``
            (``fraction``, ``all`` or ``none`` of the tables that have nothing to do with the roots)
            and ``max_children`` of one parent by one foreign key (None for all).

    Raises:
        SpecError: something is asked that cannot be.
        SchemaError: there is no such root, or the schema contradicts itself or the source.
        SourceError: the source cannot be read.

    Privacy: none. Real rows are copied.
    Cost: SQL in the engine that holds the data, its memory and its space for temporary tables; a
        batch here.
    """
    wanted = wanted_of(root, given)
    opened = _opened(source)
    known = _keyed(opened, schema, on_event)
    chosen = choose(opened, known, wanted, on_event)
    counts, references = tally(opened, known, chosen)
    if created := [f"{key.label}: {key.created}" for key in references if key.created]:
        raise SampleError(
            f"rows of the subset lost their parents: {'; '.join(created)}",
            hint="report it: a subset leaves no reference open that the source closes",
        )
    return Subset(chosen, wanted, counts, references)


def write_subset(
    source: str, out: str, schema: Given, wanted: Wanted, on_event: OnEvent | None = None
) -> Subset:
    """Take a subset and write it: what the shell does.

    Raises:
        SpecError: the target is the source.
        SinkOccupiedError: the target holds something that Synthlake did not write.
        SynthlakeError: as ``subset`` and ``Subset.write``.
    """
    url = secrets.resolve(out)
    _check_target(source, url)
    given = cast(SubsetOptions, {k: v for k, v in asdict(wanted).items() if k != "roots"})
    taken = subset(source, schema, root=wanted.roots, on_event=on_event, **given)
    taken.write(url, on_event=on_event)
    return taken


def wanted_of(root: str | Sequence[str], given: SubsetOptions) -> Wanted:
    """What is asked, checked.

    Raises:
        SpecError: it cannot be.
    """
    check_options("subset", given, SubsetOptions)
    roots = (root,) if isinstance(root, str) else tuple(root)
    wanted = Wanted(
        roots,
        fraction=given.get("fraction"),
        rows=given.get("rows"),
        seed=given.get("seed", 0),
        others=_others_of(given.get("others", "fraction")),
        max_children=given.get("max_children"),
    )
    _check_roots(roots)
    _check_size(wanted)
    if not _is_count(wanted.seed, 0):
        raise SpecError("seed is a whole number from 0 on", hint="such as 7")
    if wanted.max_children is not None and not _is_count(wanted.max_children, 1):
        raise SpecError("max_children is a whole number from 1 on", hint="leave it out for all")
    return wanted


def _others_of(text: str) -> Others:
    for known in get_args(Others):
        if text == known:
            return cast(Others, known)
    raise SpecError(f"others: {text!r} is not known", hint=nearest(str(text), get_args(Others)))


def _check_roots(roots: Sequence[str]) -> None:
    if not roots:
        raise SpecError("there is no root", hint="name a table whose rows are drawn")
    for name in roots:
        if roots.count(name) > 1:
            raise SpecError(f"the root {name!r} is given twice", hint="name it once")


def _check_size(wanted: Wanted) -> None:
    fraction, rows = wanted.fraction, wanted.rows
    if (fraction is None) == (rows is None):
        raise SpecError(
            "a subset has either a fraction or a number of rows of its roots",
            hint="give one of fraction and rows, such as fraction=.01",
        )
    if rows is not None and not _is_count(rows, 1):
        raise SpecError("rows is a whole number from 1 on", hint="such as rows=100")
    number = isinstance(fraction, int | float) and not isinstance(fraction, bool)
    if fraction is not None and not (number and 0 < fraction <= 1):
        raise SpecError(
            f"a fraction of {fraction} of the roots", hint="give one above 0 and up to 1: .01"
        )


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _opened(source: object) -> Source:
    from synthlake.source import open_source

    return open_source(secrets.resolve(source) if isinstance(source, str) else source)


def _keyed(source: Source, given: Given, on_event: OnEvent | None) -> Schema:
    from synthlake.schema.document import SchemaDocument, parse_tables
    from synthlake.schema.file import document_of
    from synthlake.schema.infer import keyed

    tell(on_event, "schema", "reading tables and keys")
    if isinstance(given, Schema):
        given = document_of(given)
    return keyed(source, given if isinstance(given, SchemaDocument) else parse_tables(given or {}))


def _check_target(source: str, out: str) -> None:
    sink = open_sink(out)
    if not isinstance(sink, FolderSink):
        return
    place = local_path(secrets.resolve(source))
    if place is not None and place.resolve() == sink.folder:
        raise SpecError(
            f"{sink.folder} is the source, and would be replaced", hint="give another folder"
        )
    check_free(sink.folder)
