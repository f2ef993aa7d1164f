"""Makes the rows of a sample plan in parts, by one process or several, into a sink."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from synthlake.errors import SampleError
from synthlake.pipeline.wanted import Job
from synthlake.ports import Event, OnEvent, Sink
from synthlake.schema.model import Schema

if TYPE_CHECKING:
    from synthlake.relational import Generator

ROWS_PER_PART = 250_000  # parts are cut here, whoever makes them, so files never depend on workers


@dataclass(frozen=True)
class Part:
    """Rows ``start .. stop`` of a table."""

    table: str
    number: int
    start: int
    stop: int


def cut(table: str, rows: int) -> list[Part]:
    """The parts of a table; an empty table has one, so that it exists."""
    starts = range(0, max(rows, 1), ROWS_PER_PART)
    return [Part(table, n, s, min(s + ROWS_PER_PART, rows)) for n, s in enumerate(starts)]


def generate(
    job: Job, workers: int = 1, on_event: OnEvent | None = None, *, held: Generator | None = None
) -> Sink:
    """Write every part that the sink does not have yet; returns the sink, ready to publish.

    Args:
        job: what is made, and where it goes.
        workers: processes.
        on_event: told about progress.
        held: what the job's files would give; with it they need not exist, and this process
            makes the rows.

    Raises:
        SampleError: rows cannot be made, or a worker died.
        SinkError: they cannot be written.
    """
    _opened.cache_clear()  # an equal job of before has a sink that is published
    generator, sink = _opened(job) if held is None else (held, _sink(job, held.model.schema))
    parts = [p for name in job.tables for p in cut(name, generator.plan.rows[name])]
    todo = [part for part in parts if not sink.has_part(part.table, part.number)]
    total = sum(part.stop - part.start for part in parts)
    done = total - sum(part.stop - part.start for part in todo)
    _tell(on_event, done, total)
    alone = held is not None or min(workers, len(todo)) <= 1
    finished = _alone(generator, sink, todo) if alone else _pooled(job, todo, workers)
    for part in finished:
        done += part.stop - part.start
        _tell(on_event, done, total)
    return sink


def _tell(on_event: OnEvent | None, done: int, total: int) -> None:
    if on_event is not None:
        on_event(Event("sample", "rows made", done, total, {"unit": "rows"}))


def _alone(generator: Generator, sink: Sink, parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        _write(generator, sink, part)
        yield part


def _pooled(job: Job, parts: Sequence[Part], workers: int) -> Iterator[Part]:
    import multiprocessing
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")  # forks of threaded parents hang
    with (
        tempfile.TemporaryDirectory(prefix=".shared-", dir=Path(job.plan).parent) as shared,
        ProcessPoolExecutor(min(workers, len(parts)), context, _die_with_parent) as pool,
    ):
        job = replace(job, shared=shared)
        with _without_main():
            tasks: dict[Future[None], Part] = {pool.submit(_make, job, p): p for p in parts}
        try:
            for task in as_completed(tasks):
                task.result()
                yield tasks[task]
        except BrokenProcessPool as error:
            raise SampleError(
                "a worker process died",
                hint="use fewer workers: each needs memory of its own",
            ) from error
        finally:
            for task in tasks:
                task.cancel()


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes that start here do not run the caller's script again, which may be a whole host."""
    held = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = held


def _die_with_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)  # a killed parent leaves no one who would write on

    threading.Thread(target=watch, daemon=True).start()


def _make(job: Job, part: Part) -> None:
    generator, sink = _opened(job)
    _write(generator, sink, part)


def _write(generator: Generator, sink: Sink, part: Part) -> None:
    batches = generator.batches(part.table, part.start, part.stop)
    sink.write_part(part.table, part.number, batches)


@lru_cache(maxsize=1)
def _opened(job: Job) -> tuple[Generator, Sink]:
    """Artifact, plan and sink of a job, opened once a process."""
    from synthlake.relational import Generator, Model, SamplePlan
    from synthlake.store.artifact import load
    from synthlake.store.tensors import load_tensors

    model = Model.from_parts(load(job.artifact).parts)
    plan = SamplePlan.from_parts(*load_tensors(Path(job.plan)))
    shared = Path(job.shared) if job.shared else None
    return Generator(model, plan, shared), _sink(job, model.schema)


def _sink(job: Job, schema: Schema) -> Sink:
    """Where a job's rows go, opened."""
    from synthlake.sink import open_sink

    sink = open_sink(job.sink)
    made = {table.name: table for table in schema.written if table.name in set(job.tables)}
    sink.open(job.run_id, Schema(made), fingerprint=job.fingerprint)
    return sink
