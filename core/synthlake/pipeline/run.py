"""A run: from a spec to a published twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.errors import SpecError
from synthlake.pipeline import judge, secrets
from synthlake.pipeline.plan import Plan
from synthlake.pipeline.snapshot import snapshot
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.pipeline.stages import Stages
from synthlake.pipeline.versions import versions
from synthlake.pipeline.work import ARTIFACT, Work, is_twin, lock, published
from synthlake.ports import OnEvent, Source
from synthlake.store.artifact import is_artifact
from synthlake.store.canonical import digest_json
from synthlake.store.directory import check_target

_FORM = 1  # of what a run leaves behind; part of what a run id is bound to


@dataclass(frozen=True)
class RunSettings:
    """What a run takes from the command line rather than from its spec.

    Attributes:
        run_id: name of the run; None for a digest of spec, data and seed.
        seed: in place of the spec's.
        out: folder in place of the spec's sink.
        workers: processes that make rows; the result does not depend on it.
    """

    run_id: str | None = None
    seed: int | None = None
    out: str | None = None
    workers: int = 1


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        run_id: name of the run.
        decision: PASS, WARN or FAIL.
        folder: what was published, ``<table>.parquet`` and the rest; ends in ``.rejected`` if a
            gate failed.
        summary: of the report, as text.
        notes: what could not be done as asked, and what is worth knowing.
        reused: whether the run was published before.
    """

    run_id: str
    decision: str
    folder: Path
    summary: str
    notes: tuple[str, ...] = ()
    reused: bool = False

    @classmethod
    def of(cls, held: Mapping[str, Any], folder: Path, reused: bool = False) -> RunResult:
        """From what the manifest of a run says."""
        notes = tuple(held["notes"])
        return cls(held["run_id"], held["decision"], folder, held["summary"], notes, reused)

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return self.decision != "FAIL"

    @property
    def artifact(self) -> Path:
        """The folder of the artifact."""
        return self.folder / ARTIFACT

    @property
    def report(self) -> Path:
        """The report as HTML; ``report.json`` lies beside it."""
        return self.folder / judge.REPORT_HTML


def run(
    given: SynthesisSpec | str | Path | Mapping[str, Any],
    settings: RunSettings | None = None,
    on_event: OnEvent | None = None,
) -> RunResult:
    """Learn, sample, judge and publish what a spec asks for.

    A killed run goes on where it was when it is called again with the same spec and run id, and
    ends with the same bytes. A run whose gate failed is put aside as ``OUT.rejected``.

    Raises:
        SpecError: the spec cannot be read or asks for what cannot be done.
        SynthlakeError: any other error of the steps.
    """
    settings = settings or RunSettings()
    spec, target = settled(SynthesisSpec.load(given), settings)
    check_target(target, is_twin)
    source = open_spec_source(spec)
    bound = _binding(spec, source)
    work = Work(settings.run_id or bound[:16], target, bound)
    before = _published(work)
    if before is not None:
        work.remove()
        return before
    with lock(work):
        work.bind()
        manifest = Stages(spec, source, work, settings.workers, on_event).finish()
        folder = work.publish(manifest["decision"] != "FAIL")
        work.remove()
    return RunResult.of(manifest, folder)


def plan(given: SynthesisSpec | str | Path | Mapping[str, Any]) -> Plan:
    """What a run of the spec would do.

    Raises:
        SpecError: the spec cannot be read or asks for what cannot be done.
        SchemaError, SourceError: the data is not what the spec says.
    """
    return _unpublished(SynthesisSpec.load(given)).plan


def fit(
    given: SynthesisSpec | str | Path | Mapping[str, Any],
    folder: Path,
    on_event: OnEvent | None = None,
) -> str:
    """Learn what a spec names and write the artifact; returns its id.

    Raises:
        SpecError: the spec cannot be read or asks for what cannot be done.
        SinkOccupiedError: the folder holds something that is not an artifact.
        SynthlakeError: any other error of the steps.
    """
    check_target(folder, is_artifact)
    stages = _unpublished(SynthesisSpec.load(given), on_event)
    stages.begin()
    return stages.fit(folder)


def _unpublished(spec: SynthesisSpec, on_event: OnEvent | None = None) -> Stages:
    return Stages(spec, open_spec_source(spec), Work("", Path(), ""), 1, on_event)


def settled(spec: SynthesisSpec, settings: RunSettings) -> tuple[SynthesisSpec, Path]:
    """The spec with what the command line says in its place, and the folder to publish.

    Raises:
        SpecError: there is no folder to publish, or no sink of that kind.
    """
    changes: dict[str, Any] = {}
    if settings.seed is not None:
        changes["seed"] = settings.seed
    if settings.out is not None:
        changes["sink"] = {"url": settings.out}
    spec = SynthesisSpec.load({**spec.to_dict(), **changes}) if changes else spec
    if spec.sink is None:
        raise SpecError("there is no sink", hint="add `sink: parquet://out`, or give --out DIR")
    return spec, folder_of(secrets.resolve(spec.sink.url))


def folder_of(url: str) -> Path:
    """The folder that a sink's URL names.

    Raises:
        SpecError: the URL names something else.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return Path(url).expanduser()
    if scheme not in ("parquet", "file") or not rest:
        raise SpecError(
            f"sink: there is none for {scheme}://", hint="write parquet://FOLDER or a folder"
        )
    return Path(rest).expanduser()


def open_spec_source(spec: SynthesisSpec) -> Source:
    """The source of a spec.

    Raises:
        SourceError: it cannot be opened.
    """
    from synthlake.source import open_source

    given = spec.source
    url = secrets.resolve(given.url)
    return open_source(url, schema=given.schema_name, options=given.options)


def _binding(spec: SynthesisSpec, source: Source) -> str:
    held = spec.masked()
    held.pop("sink")  # where a twin goes does not change it
    data = snapshot(source, secrets.resolve(spec.source.url))
    return digest_json({"spec": held, "data": data, "versions": versions(), "form": _FORM})


def _published(work: Work) -> RunResult | None:
    for folder in (work.target, work.rejected):
        manifest = published(folder, work.run_id, work.binding)
        if manifest is not None:
            return RunResult.of(manifest, folder, reused=True)
    return None
