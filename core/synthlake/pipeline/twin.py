"""A twin that is made while it is read: row ranges of an artifact and a sample plan."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from synthlake.pipeline import learn
from synthlake.pipeline.generate import generate
from synthlake.pipeline.memory import forget_draws
from synthlake.pipeline.streamed import StreamedTable
from synthlake.pipeline.twin_file import SavedTwin, load_twin, save_twin
from synthlake.pipeline.wanted import (
    Job,
    Wanted,
    fingerprint,
    plan_of,
    selected,
    twin_manifest,
)
from synthlake.ports import OnEvent
from synthlake.schema.model import ForeignKey, Schema
from synthlake.store import artifact as store
from synthlake.store.tensors import save_tensors

if TYPE_CHECKING:
    from synthlake.relational import Generator, Model, SamplePlan


@dataclass(frozen=True)
class TwinTable(StreamedTable):
    """One table of a twin; iterate over it for record batches."""

    _generator: Generator

    def batches(self, start: int = 0, stop: int | None = None) -> Iterator[pa.RecordBatch]:
        """Rows ``start .. stop``: the same rows, whatever other ranges are asked for."""
        end = self.rows if stop is None else min(stop, self.rows)
        return iter(self._generator.batches(self.name, start, end))

    def cuts(self, parts: int) -> list[tuple[int, int]]:
        """Row ranges that together are the table, cut where blocks begin.

        Args:
            parts: how many are asked for; a short table has fewer, an empty one an empty range.

        Cost:
            a block is made once, whoever makes it; a range that is cut elsewhere makes the blocks
            at its ends a second time.
        """
        starts = self._generator.starts(self.name)
        ideal = np.arange(1, max(parts, 1)) * self.rows // max(parts, 1)
        place = np.searchsorted(starts, ideal).clip(1, len(starts) - 1)
        before, after = starts[place - 1], starts[place]
        inner = np.where(ideal - before < after - ideal, before, after)
        inside = inner[(inner > 0) & (inner < self.rows)]
        ends = [0, *map(int, np.unique(inside)), self.rows]
        return list(itertools.pairwise(ends))


class Twin(Mapping[str, TwinTable]):
    """Synthetic tables by name, made while they are read. ``open`` takes it as a source.

    Args:
        model: what was learned.
        plan: how many rows of what.
        wanted: what the plan was made for.
        tables: that are made; None for all.
    """

    def __init__(
        self, model: Model, plan: SamplePlan, wanted: Wanted, tables: Sequence[str] | None = None
    ) -> None:
        from synthlake.relational import Generator

        self.model, self.plan, self.wanted = model, plan, wanted
        names = selected(model.schema, tables)
        generator = Generator(model, plan)
        self._tables = {
            name: TwinTable(name, plan.rows[name], model.schema[name].written.arrow, generator)
            for name in names
        }

    @classmethod
    def of(
        cls,
        model: Model,
        wanted: Wanted,
        tables: Sequence[str] | None = None,
        on_event: OnEvent | None = None,
    ) -> Twin:
        """A twin of a model, its sample plan made now.

        Raises:
            SampleError: so many rows cannot be made.
        """
        selected(model.schema, tables)  # before the counting pass, which may take long
        plan = plan_of(model, wanted, learn.under("sample", on_event))
        return cls(model, plan, wanted, tables)

    def __getitem__(self, name: str) -> TwinTable:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{t.name}: {t.rows:,}" for t in self._tables.values())
        return f"Twin({sizes})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the plan has to say, such as tables that could not grow."""
        return self.plan.notes

    def to_arrow(self) -> dict[str, pa.Table]:
        """All tables in memory."""
        return {name: table.to_arrow() for name, table in self._tables.items()}

    def to_pandas(self) -> dict[str, Any]:
        """All tables as pandas DataFrames.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return {name: table.to_pandas() for name, table in self._tables.items()}

    @property
    def schema(self) -> Schema:
        """Of the tables that are made."""
        return Schema({name: self.model.schema[name].written for name in self._tables})

    def orphan_keys(self, table: str, fk: ForeignKey) -> int | None:
        """Most distinct keys without a parent that rows of a table may refer to.

        None where any may: those of tables that are kept as they are, and of keys whose columns
        another key sets, as long as the policy is to keep orphans.
        """
        model = self.model.tables[table]
        if model.kept is not None:
            return None
        if fk.orphans != "keep":
            return 0
        link = next((held for held in model.links if held.fk == fk), None)
        if link is None or link.kind in ("derived", "within"):
            return None
        if link.values is not None:
            kept = self.model.tables[fk.references].kept
            return link.values.num_rows if kept is None else _absent(link.values, kept, fk)
        return int(self.plan.phantoms.get(fk.label(table), 0))

    def save(self, path: str | Path) -> SavedTwin:
        """Write artifact and sample plan into one file, atomically; returns their digests.

        ``open_file`` makes the same twin of it on another machine. Equal twins give equal files.
        """
        return save_twin(self.model, self.plan, self.wanted, tuple(self), Path(path))

    @classmethod
    def open_file(cls, path: str | Path) -> Twin:
        """The twin that ``save`` wrote; kept tables are mapped into memory, not read.

        Raises:
            ArtifactError: it is no twin, it is damaged, or a newer version wrote it.
        """
        held = load_twin(Path(path))
        return cls(held.model, held.plan, held.wanted, held.tables)

    def write(
        self,
        target: str | Path,
        *,
        format: str = "parquet",
        workers: int = 1,
        on_event: OnEvent | None = None,
    ) -> Path:
        """Write the tables into a folder, which appears whole; returns the folder.

        Args:
            target: a folder; a twin that is there already is replaced.
            format: parquet, csv, jsonl, arrow or hdf5.
            workers: processes that make rows; the files do not depend on it.
            on_event: told about progress.

        Raises:
            SinkOccupiedError: the folder holds something that Synthlake did not write.
            SinkError: it cannot be written.
        """
        from synthlake.relational import Generator

        with tempfile.TemporaryDirectory(prefix="synthlake-") as scratch:
            artifact, plan = Path(scratch) / "artifact", Path(scratch) / "plan"
            parts = self.model.to_parts()
            identity = store.save(parts, artifact) if workers > 1 else store.identity(parts)
            save_tensors(plan, *self.plan.to_parts())
            made_of = fingerprint(identity, plan)
            job = Job(
                artifact=str(artifact),
                plan=str(plan),
                sink=f"{format}://{Path(target).expanduser().absolute()}",
                run_id=made_of[:16],
                fingerprint=made_of,
                tables=tuple(self),
            )
            held = None if workers > 1 else Generator(self.model, self.plan)
            sink = generate(job, workers, on_event, held=held)
            sink.publish(twin_manifest(job, identity, self.wanted, self.notes))
        forget_draws(self.model)
        return Path(target)


def _absent(values: pa.Table, kept: pa.Table, fk: ForeignKey) -> int:
    """How many keys of a child's categories no row of a kept parent has."""
    there = kept.select(list(fk.to)).rename_columns(list(fk.columns)).cast(values.schema)
    return values.join(there, list(fk.columns), join_type="left anti").num_rows
