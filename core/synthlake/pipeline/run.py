"""A run: from a spec to a published twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from synthlake.errors import SpecError
from synthlake.pipeline import judge, secrets
from synthlake.pipeline.deliver import Delivery
from synthlake.pipeline.plan import Plan
from synthlake.pipeline.snapshot import snapshot
from synthlake.pipeline.spec import SinkSpec, SynthesisSpec
from synthlake.pipeline.stages import Stages
from synthlake.pipeline.versions import versions
from synthlake.pipeline.work import ARTIFACT, RUN, Work, is_twin, lock, published
from synthlake.ports import OnEvent, Source
from synthlake.schema.nearest import nearest
from synthlake.source.filenames import encode
from synthlake.store.artifact import is_artifact
from synthlake.store.canonical import digest_json
from synthlake.store.directory import check_target, manifest_of

_FORM = 1  # of what a run leaves behind; part of what a run id is bound to


IfPublished = Literal["fail", "reuse", "replace"]


def if_published_of(text: str) -> IfPublished:
    """What a caller said is to happen with a run of the same id.

    Raises:
        SpecError: it is none of the three.
    """
    for known in get_args(IfPublished):
        if text == known:
            return cast(IfPublished, known)
    raise SpecError(
        f"if_published: {text!r} is not known", hint=nearest(text, get_args(IfPublished))
    )


@dataclass(frozen=True)
class RunSettings:
    """What a run takes from the command line rather than from its spec.

    Attributes:
        run_id: name of the run; None for a digest of spec, data and seed.
        seed: in place of the spec's.
        out: folder or URL in place of the spec's sink.
        workers: processes that make rows; the result does not depend on it.
        if_published: what happens if a run of that id was published for another spec or other
            data: ``fail``, ``reuse`` what is there, or ``replace`` it. For the same spec and data
            what is there is always used again.
    """

    run_id: str | None = None
    seed: int | None = None
    out: str | None = None
    workers: int = 1
    if_published: IfPublished = "fail"


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        run_id: name of the run.
        decision: PASS, WARN or FAIL.
        folder: what was published: artifact, report, manifest and, if the sink is this folder,
            the tables; ends in ``.rejected`` if a gate failed.
        summary: of the report, as text.
        notes: what could not be done as asked, and what is worth knowing.
        reused: whether the run was published before.
        sink: address of the tables where they are not in the folder, without secrets.
    """

    run_id: str
    decision: str
    folder: Path
    summary: str
    notes: tuple[str, ...] = ()
    reused: bool = False
    sink: str = ""

    @classmethod
    def of(cls, held: Mapping[str, Any], folder: Path, sink: str = "") -> RunResult:
        """From what the manifest of a run says."""
        notes = tuple(held["notes"])
        return cls(held["run_id"], held["decision"], folder, held["summary"], notes, sink=sink)

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
    spec = settled(SynthesisSpec.load(given), settings)
    out = out_of(spec)
    if out is not None:
        check_target(out, is_twin)
    source = open_spec_source(spec)
    bound = _binding(spec, source)
    run_id = settings.run_id or bound[:16]
    target = out or Path(spec.runs).expanduser() / encode(run_id)
    delivery = None if out else Delivery(_sink_of(spec), run_id, on_event)
    job = _Run(Work(run_id, target, bound), delivery, settings.if_published)
    before = job.published()
    if before is not None and not job.work.folder.exists():
        return before
    with lock(job.work):  # whoever held it may have published meanwhile
        before = job.published()
        if before is None:
            stages = Stages(spec, source, job.work, settings.workers, on_event, delivery)
            return job.finish(stages)
        job.tidy()
        return before


@dataclass(frozen=True)
class _Run:
    """One run: where it works, where its tables go, and what to do with one of the same id."""

    work: Work
    delivery: Delivery | None
    if_published: IfPublished

    def published(self) -> RunResult | None:
        """The run as it was published before, if it is to be used again.

        Raises:
            SpecError: one of that id was published for another spec or other data.
        """
        found = self._found()
        if found is not None:
            same = found.get("binding") == self.work.binding
            if same or self.if_published == "reuse":
                return self._result(found, self.work.target, reused=True)
            if self.if_published == "fail":
                raise SpecError(
                    f"run {self.work.run_id} was published with another spec, other data or another"
                    " version",
                    hint="give another run id, or say if_published: reuse or replace",
                )
        aside = published(self.work.rejected, self.work.run_id)
        if aside is None or aside.get("binding") != self.work.binding:
            return None  # what was never published does not stand in the way of other data
        return self._result(aside, self.work.rejected, reused=True)

    def tidy(self) -> None:
        """Remove the steps of a run that is published; call it under the lock.

        A run that was killed after its tables reached the sink has its report among them still.
        """
        if self.delivery is not None and manifest_of(self.work.out).get(RUN) == self._found():
            self.work.publish(accepted=True)
        self.work.remove()

    def finish(self, stages: Stages) -> RunResult:
        """Do all that is not done yet, and publish; call it under the lock."""
        self.work.bind(anew=self.if_published != "fail")
        held = stages.finish()
        accepted = held["decision"] != "FAIL"
        if accepted:
            stages.deliver()
        folder = self.work.publish(accepted)
        self.work.remove()
        return self._result(held, folder)

    def _found(self) -> Mapping[str, Any] | None:
        """What the manifest says of the run, if it is published now: the sink's, if it has one."""
        if self.delivery is None:
            return published(self.work.target, self.work.run_id)
        manifest = self.delivery.published()  # its folder may lie on another machine, and be gone
        return None if manifest is None else dict(manifest[RUN])

    def _result(self, held: Mapping[str, Any], folder: Path, reused: bool = False) -> RunResult:
        shown = self.delivery.target.masked()["url"] if self.delivery else ""
        return replace(RunResult.of(held, folder, shown), reused=reused)


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


def settled(spec: SynthesisSpec, settings: RunSettings) -> SynthesisSpec:
    """The spec with what the command line says in its place.

    Raises:
        SpecError: there is no sink.
    """
    changes: dict[str, Any] = {}
    if settings.seed is not None:
        changes["seed"] = settings.seed
    if settings.out is not None:
        changes["sink"] = {"url": settings.out}
    spec = SynthesisSpec.load({**spec.to_dict(), **changes}) if changes else spec
    if spec.sink is None:
        raise SpecError("there is no sink", hint="add `sink: parquet://out`, or give --out DIR")
    return spec


def _sink_of(spec: SynthesisSpec) -> SinkSpec:
    assert spec.sink is not None  # `settled` has seen to it
    return spec.sink


def out_of(spec: SynthesisSpec) -> Path | None:
    """The folder that a spec's sink is; None if it is something else.

    Raises:
        SpecError: no sink is known for the URL.
    """
    return folder_of(_sink_of(spec))


def folder_of(sink: SinkSpec) -> Path | None:
    """The folder that a sink is; None if it is something else.

    Raises:
        SpecError: no sink is known for the URL.
    """
    from synthlake.plugins import schemes

    url = secrets.resolve(sink.url)
    scheme, mark, rest = url.partition("://")
    if not mark:
        return Path(url).expanduser()
    if scheme in ("parquet", "file") and rest:
        return Path(rest).expanduser()
    known = ["parquet", "duckdb", *schemes()]
    if scheme.partition("+")[0] not in known[1:]:
        raise SpecError(
            f"sink: there is none for {scheme}://",
            hint=f"write parquet://FOLDER or a folder; there are {', '.join(known)}",
        )
    return None


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
    held.pop("runs")
    sink = held.pop("sink")  # which folder a twin goes to does not change it
    if out_of(spec) is None:
        held["sink"] = sink
    data = snapshot(source, secrets.resolve(spec.source.url))
    return digest_json({"spec": held, "data": data, "versions": versions(), "form": _FORM})
