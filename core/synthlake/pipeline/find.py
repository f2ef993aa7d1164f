"""Finds what a run has left behind, for those who wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.errors import SpecError
from synthlake.pipeline.deliver import Delivery
from synthlake.pipeline.run import folder_of
from synthlake.pipeline.spec import SinkSpec, SynthesisSpec
from synthlake.pipeline.work import RUN, rejected_of
from synthlake.source.filenames import encode
from synthlake.source.folder import read_manifest

_RUNS = str(SynthesisSpec.model_fields["runs"].default)


@dataclass(frozen=True)
class FoundRun:
    """A run as its manifest tells of it.

    Attributes:
        run_id: name of the run.
        decision: PASS, WARN or FAIL; empty for a twin that no run has judged.
        artifact: id of what it was made of.
        rows: by table.
    """

    run_id: str
    decision: str
    artifact: str
    rows: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """Whether no gate failed, so that the twin is published."""
        return self.decision != "FAIL"


def find_run(
    sink: str | Path | Mapping[str, Any], run_id: str | None = None, runs: str | Path = _RUNS
) -> FoundRun | None:
    """The run that is published in a sink, or was put aside as its gate failed; None if neither.

    Args:
        sink: a folder, a URL, or ``{url, schema, options}`` as in a spec.
        run_id: this run alone; None for the one that is published now, whichever it is.
        runs: folder of the artifacts and reports of runs whose sink is not a folder.

    Raises:
        SpecError: no sink is known for the URL.
        SinkError: the sink cannot be asked.
    """
    target = _sink(sink)
    folder = folder_of(target)
    manifests: list[Mapping[str, Any] | None]
    if folder is not None:
        manifests = [read_manifest(folder), read_manifest(rejected_of(folder))]
    else:
        delivery = Delivery(target, run_id or "")
        manifests = [delivery.sink().published() if run_id is None else delivery.published()]
        if run_id is not None:
            manifests.append(read_manifest(rejected_of(Path(runs).expanduser() / encode(run_id))))
    if run_id is None:
        return None if manifests[0] is None else _found(manifests[0])
    found = (_found(manifest) for manifest in manifests if manifest is not None)
    return next((run for run in found if run.run_id == run_id), None)


def _sink(given: str | Path | Mapping[str, Any]) -> SinkSpec:
    held = dict(given) if isinstance(given, Mapping) else {"url": str(given)}
    try:
        return SinkSpec.model_validate(held)
    except ValueError:
        raise SpecError(
            "the sink is neither a URL nor {url, schema, options}", hint="such as parquet://out"
        ) from None


def _found(manifest: Mapping[str, Any]) -> FoundRun:
    held = manifest.get(RUN, {})
    return FoundRun(
        run_id=str(held.get("run_id", manifest.get("run_id", ""))),
        decision=str(held.get("decision", "")),
        artifact=str(manifest.get("artifact", "")),
        rows={name: int(entry["rows"]) for name, entry in manifest.get("tables", {}).items()},
    )
