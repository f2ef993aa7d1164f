"""Brings a finished twin to a sink that is not a folder: part by part, then one publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.pipeline import secrets
from synthlake.pipeline.spec import SinkSpec
from synthlake.pipeline.work import RUN
from synthlake.ports import Event, OnEvent, Sink
from synthlake.schema.model import Schema
from synthlake.store.directory import manifest_of


@dataclass(frozen=True)
class Delivery:
    """Where the tables of a run go.

    Attributes:
        target: of the spec.
        run_id: of the run.
        on_event: is told what happens.
    """

    target: SinkSpec
    run_id: str
    on_event: OnEvent | None = None

    def sink(self) -> Sink:
        """The sink, opened anew.

        Raises:
            SinkError: there is none for the URL.
        """
        from synthlake.sink import open_sink

        url = secrets.resolve(self.target.url)
        return open_sink(url, schema=self.target.schema_name, options=self.target.options)

    def published(self) -> Mapping[str, Any] | None:
        """The manifest of the run, if it is among those that are published in the sink now.

        Raises:
            SinkError: the sink cannot be asked.
        """
        sink = self.sink()
        # a database holds the tables of many runs beside each other
        every = getattr(sink, "publications", None)
        manifests = every() if every is not None else (sink.published(),)
        return next((m for m in manifests if m is not None and self._is_ours(m)), None)

    def _is_ours(self, manifest: Mapping[str, Any]) -> bool:
        held = manifest.get(RUN)
        return isinstance(held, Mapping) and held.get("run_id") == self.run_id

    def check(self, schema: Schema) -> None:
        """Ask the sink, before anything is learned, whether it will take such tables.

        Raises:
            SinkError: it will not.
        """
        check = getattr(self.sink(), "check", None)
        if check is not None:
            check(schema)

    def deliver(self, twin: Path, schema: Schema, manifest: Mapping[str, Any]) -> None:
        """Write the parts that are not there yet, and publish them with the manifest of the run.

        Args:
            twin: folder of the twin as Parquet.
            schema: of the twin's tables.
            manifest: of the run.

        Raises:
            SinkError: the sink refuses the tables, or cannot be written to.
        """
        import pyarrow.parquet as pq

        held, sink = manifest_of(twin), self.sink()
        made = {t.name: t for t in schema if t.name in held["tables"]}
        digest = held["fingerprint"]
        # the same run id may be published again for other data, where the caller says so
        sink.open(f"{self.run_id}.{digest[:8]}", Schema(made), fingerprint=digest)
        files = [(n, p, f) for n, e in held["tables"].items() for p, f in enumerate(e["files"])]
        total, done = sum(file["rows"] for _, _, file in files), 0
        for name, number, file in files:
            if not sink.has_part(name, number):
                with pq.ParquetFile(twin / file["path"]) as opened:
                    sink.write_part(name, number, opened.iter_batches())
            done += file["rows"]
            self._tell(done, total)
        sink.publish(manifest)

    def _tell(self, done: int, total: int) -> None:
        if self.on_event is not None:
            self.on_event(Event("deliver", "rows written", done, total, {"unit": "rows"}))


def without_files(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a twin whose tables lie elsewhere."""
    tables = {name: {**entry, "files": []} for name, entry in manifest["tables"].items()}
    return {**manifest, "tables": tables}
