"""The steps of a run; each looks for its own finished output first."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthlake.pipeline import judge, learn, secrets
from synthlake.pipeline.deliver import Delivery, without_files
from synthlake.pipeline.generate import generate
from synthlake.pipeline.nearby import nearby
from synthlake.pipeline.optimize import Remedy, better, remedy_of
from synthlake.pipeline.plan import Plan, plan_run
from synthlake.pipeline.snapshot import file_digest
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.pipeline.wanted import Job, Wanted, fingerprint, make_plan, selected, twin_manifest
from synthlake.pipeline.work import ARTIFACT, PROVENANCE, RUN, Work
from synthlake.ports import Event, OnEvent, Source
from synthlake.schema.model import Schema
from synthlake.sink.formats import check_types
from synthlake.store import artifact as store
from synthlake.store.directory import manifest_of, staging, write_file

if TYPE_CHECKING:
    from synthlake.quality.report import Report
    from synthlake.sql.split import Split

FLOOR = "floor"
_OUTCOME = "outcome.json"


@dataclass(frozen=True)
class Stages:
    """One run's steps.

    Attributes:
        spec: with what the command line said in its place.
        source: the real data.
        work: where finished steps lie.
        workers: processes that make rows.
        on_event: is told what happens.
        delivery: where the tables go, if not into the folder of the run.
    """

    spec: SynthesisSpec
    source: Source
    work: Work
    workers: int
    on_event: OnEvent | None
    delivery: Delivery | None = None

    @cached_property
    def schema(self) -> Schema:
        """The schema of the run."""
        return learn.understand(self.source, self.spec.tables, self.on_event)

    @cached_property
    def plan(self) -> Plan:
        """What the run is about to do."""
        return plan_run(self.source, self.schema, self.spec)

    @cached_property
    def parts(self) -> Split:
        """Training rows, hold-out and whole."""
        return learn.divide(self.source, self.schema, self.spec.holdout.share)

    @cached_property
    def lesson(self) -> learn.Lesson:
        """What is learned from."""
        return learn.study(self.parts, self.schema, self.plan.max_rows, self.on_event)

    def finish(self) -> dict[str, Any]:
        """Do what is not done yet; returns what the manifest of ``work.out`` says of the run.

        Raises:
            SpecError: the plan says that the run cannot be.
            SynthlakeError: any other error of the steps.
        """
        self.begin()
        for name in (ARTIFACT, FLOOR):
            if not self.model_folder(name).is_dir():
                self.fit(self.model_folder(name), floor=name == FLOOR)
        self.__dict__.pop("lesson", None)  # the sample is the largest thing in memory
        self._sample(FLOOR, Wanted(self.spec.seed))
        self._sample(ARTIFACT, self._wanted)
        self._judge(ARTIFACT)
        return self._assemble(*self._best())

    def begin(self) -> None:
        """Tell the plan, before anything is done.

        Raises:
            SpecError: the plan says that the run cannot be.
            SinkError: the sink will not take the tables.
        """
        self._say("plan", self.plan.headline(), plan=self.plan)
        self.plan.demand()
        check_types(self.schema, "parquet")  # in which the twin is judged, wherever it goes then
        if self.delivery is not None:
            self.delivery.check(self.schema.written)

    def fit(self, folder: Path, floor: bool = False, remedy: Remedy | None = None) -> str:
        """Learn, and write the artifact; returns its id."""
        asked, lesson = fit_settings(self.spec, self.plan), self.lesson
        if remedy is not None:
            lesson = replace(lesson, schema=remedy.applied(lesson.schema))
        learned = learn.fit_floor if floor else learn.fit
        model = learned(lesson, asked, self.on_event)
        url = secrets.mask(self.spec.source.url)
        return store.save(model.to_parts(), folder, learn.provenance(asked, url))

    def model_folder(self, name: str) -> Path:
        """Where the artifact, or the floor's artifact, is kept until the run is published."""
        return self.work.folder / f"{name}.model"

    def twin_folder(self, name: str) -> Path:
        """Where the twin, or the floor, is kept until the run is published."""
        return self.work.folder / f"{name}.twin"

    def _sample(self, name: str, wanted: Wanted) -> None:
        folder = self.twin_folder(name)
        if folder.is_dir():
            return
        model_folder, plan_file = self.model_folder(name), self.work.folder / f"{name}.plan"
        step = "floor" if name == FLOOR else "sample"
        told = learn.under(step, self.on_event)
        notes = make_plan(model_folder, wanted, plan_file, told)
        identity = store.read_manifest(model_folder)[0]["id"]
        job = Job(
            artifact=str(model_folder),
            plan=str(plan_file),
            sink=f"parquet://{folder.absolute()}",
            run_id=self.work.run_id,
            fingerprint=fingerprint(identity, plan_file),
            tables=selected(self.schema, None),
        )
        sink = generate(job, self.workers, told)
        sink.publish(twin_manifest(job, identity, wanted, notes))

    def report_folder(self, name: str) -> Path:
        """Where a report is kept until the run is published."""
        return self.work.folder / ("report" if name == ARTIFACT else f"{name}.report")

    @property
    def _wanted(self) -> Wanted:
        spec = self.spec
        return Wanted(spec.seed, spec.scale, spec.rows, spec.holdout.share, spec.conditions)

    def _best(self) -> tuple[str, list[dict[str, Any]]]:
        """The twin to keep, and what was tried: other settings where a gate was missed."""
        from synthlake.quality.report import Report

        kept, before, tries = ARTIFACT, None, list[dict[str, Any]]()
        report = Report.load(self.report_folder(ARTIFACT))
        default = fit_settings(self.spec, self.plan).synthesizer
        for number in range(1, self.spec.auto_optimize + 1):
            remedy = remedy_of(report, self.schema, default, before, self.spec.k)
            if report.decision == "PASS" or remedy is None:
                break
            name = f"try{number}"
            self._try(name, remedy)
            found = Report.load(self.report_folder(name))
            tries.append({"name": name, "settings": remedy.text, "decision": found.decision})
            if not better(found, report):
                break
            kept, before, report = name, remedy, found
        return kept, tries

    def _try(self, name: str, remedy: Remedy) -> None:
        """Learn, sample and judge with other settings."""
        self._say("optimize", f"a gate was missed: trying {remedy.text}")
        if not self.model_folder(name).is_dir():
            self.fit(self.model_folder(name), remedy=remedy)
            self.__dict__.pop("lesson", None)
        self._sample(name, self._wanted)
        self._judge(name)

    def _judge(self, name: str) -> None:
        folder = self.report_folder(name)
        if folder.is_dir():
            return
        from synthlake.source import open_source

        self._say("evaluate", f"judging the twin, tier {self.spec.evaluate.tier}")
        model_id = store.read_manifest(self.model_folder(name))[0]["id"]
        about = {"run": self.work.run_id, "artifact": model_id, "seed": str(self.spec.seed)}
        asked = judge.settings_of(self.spec, about)
        with tempfile.TemporaryDirectory(prefix=".real-", dir=self.work.folder) as scratch:
            candidates = judge.Candidates(
                self._parts_nearby(Path(scratch)),
                open_source(str(self.twin_folder(name))),
                open_source(str(self.twin_folder(FLOOR))),
            )
            report = judge.judge(candidates, self.schema, asked, self.on_event)
        with staging(folder, bool) as staged:
            self._write_report(report, staged)

    def _parts_nearby(self, scratch: Path) -> Split:
        near = nearby(self.source, self.schema, scratch / "real")
        if near is self.source:
            return self.parts
        return learn.divide(near, self.schema, self.spec.holdout.share)

    def _write_report(self, report: Report, staged: Path) -> None:
        judge.save_report(report, staged)
        outcome = {"decision": report.decision, "summary": report.summary()}
        write_file(staged / _OUTCOME, json.dumps(outcome).encode())

    def _assemble(self, kept: str, tries: list[dict[str, Any]]) -> dict[str, Any]:
        report = self.report_folder(kept)
        outcome = json.loads((report / _OUTCOME).read_bytes())
        out = self.work.out
        shutil.rmtree(out, ignore_errors=True)
        if self.delivery is None:
            link_tree(self.twin_folder(kept), out)
        link_tree(self.model_folder(kept), out / ARTIFACT)
        for name in (judge.REPORT_HTML, judge.REPORT_JSON):
            link(report / name, out / name)
        twin = manifest_of(self.twin_folder(kept))
        if self.delivery is not None:
            twin = without_files(twin)
        held = {
            "run_id": self.work.run_id,
            "binding": self.work.binding,
            "decision": outcome["decision"],
            "summary": outcome["summary"],
            "notes": [*twin["notes"], *tried_notes(kept, tries)],
            "kept": kept,
            "spec": {k: v for k, v in self.spec.masked().items() if k != "sink"},
            "files": listed(out),
        }
        text = json.dumps({**twin, RUN: held}, indent=2, sort_keys=True) + "\n"
        write_file(out / "manifest.json", text.encode())
        return held

    def deliver(self) -> None:
        """Bring the tables to where they go, if that is not the folder of the run.

        Raises:
            SinkError: the sink refuses them, or cannot be written to.
        """
        if self.delivery is None:
            return
        close = getattr(self.source, "close", None)
        if close is not None:
            close()  # the sink may be the same file
        manifest = manifest_of(self.work.out)
        kept = manifest[RUN]["kept"]
        schema = store_schema(self.model_folder(kept))
        self._say("deliver", f"writing the twin to {secrets.mask(self.delivery.target.url)}")
        self.delivery.deliver(self.twin_folder(kept), schema.written, manifest)

    def _say(self, step: str, message: str, **detail: Any) -> None:
        if self.on_event is not None:
            self.on_event(Event(step, message, detail=detail))


def tried_notes(kept: str, tries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was tried where a gate was missed, in words."""
    return [
        f"auto_optimize tried {one['settings']}: {one['decision']}"
        + (", kept" if one["name"] == kept else "")
        for one in tries
    ]


def store_schema(folder: Path) -> Schema:
    """The schema of a stored artifact."""
    from synthlake.relational import Model

    return Model.from_parts(store.load(folder).parts).schema


def fit_settings(spec: SynthesisSpec, plan: Plan) -> learn.FitSettings:
    """How a spec's source is learned, bounded by what its plan says."""
    return learn.FitSettings(
        synthesizer=_budgeted(spec, plan),
        seed=spec.seed,
        k=spec.k,
        holdout=spec.holdout.share,
        max_rows=plan.max_rows,
    )


def _budgeted(spec: SynthesisSpec, plan: Plan) -> dict[str, Any]:
    """The synthesizer; tournaments share a quarter of the minutes that fitting may take."""
    asked, minutes = spec.synthesizer.settings(), spec.fit.max_minutes
    if asked["name"] == "auto" and minutes is not None:
        contests = sum(table.made == "auto" for table in plan.tables)
        asked = {"budget_s": minutes * 60 / 4 / max(contests, 1), **asked}
    return asked


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """Bytes and digests of a folder's files but its manifest, and provenance, which has times."""
    others = {folder / "manifest.json", folder / PROVENANCE}
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p not in others]
    return {
        str(p.relative_to(folder)): {"bytes": p.stat().st_size, "digest": file_digest(p)}
        for p in files
    }


def link_tree(folder: Path, to: Path) -> None:
    """The same files under another name, without copying where the disk allows."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            link(path, to / path.relative_to(folder))


def link(path: Path, to: Path) -> None:
    """The same file under another name."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)
