"""What an audit is made of, by a spec or by a run that is published; and where its figures lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthlake.errors import SpecError
from synthlake.pipeline import learn, secrets
from synthlake.pipeline.audit import Audit, AuditSettings, Subject, audit
from synthlake.pipeline.run import open_spec_source, out_of
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.pipeline.stages import store_schema
from synthlake.pipeline.work import ARTIFACT, AUDIT, RUN, is_twin
from synthlake.ports import OnEvent
from synthlake.store import artifact as store
from synthlake.store.directory import manifest_of

if TYPE_CHECKING:
    from synthlake.quality.report import Report

_SIZES = ("k", "max_rows", "holdout", "synthesizer", "seed")


@dataclass(frozen=True)
class Audited:
    """An audit, and where it lies.

    Attributes:
        audit: the figures.
        folder: of the run that it was written beside; None where there is none.
    """

    audit: Audit
    folder: Path | None = None

    def report(self) -> Report | None:
        """The report of the run with the figures of the audit; None where there is none."""
        from synthlake.quality.report import Report

        return None if self.folder is None else Report.load(self.folder)


def audit_run(
    given: str | Path, settings: AuditSettings, on_event: OnEvent | None = None
) -> Audited:
    """Audit what a spec, or a published run, asks for; the figures are written beside the run.

    Of a spec: what a run of it would learn. Of the folder of a run: the synthesizer and schema of
    its artifact, with the source of its spec. ``audit.json`` is written into the folder of the run,
    and for a spec into its sink, where a run of it is published there.

    Raises:
        SpecError: it is neither, or the run's source has a secret, which no run stores.
        SynthlakeError: any other error of an audit.
    """
    place = Path(given).expanduser()
    held = manifest_of(place).get(RUN) if place.is_dir() else None
    if place.is_dir() and not isinstance(held, dict):
        raise SpecError(
            f"{place} is no run", hint="name a spec, or the folder that a run has published"
        )
    folder: Path | None = place
    if isinstance(held, dict):
        subject = _of_run(place, held)
    else:
        spec = SynthesisSpec.load(place)
        subject, folder = _of_spec(spec), _published(spec)
    found = audit(subject, settings, on_event)
    if folder is not None:
        found.save(folder / AUDIT)
    return Audited(found, folder)


def _of_spec(spec: SynthesisSpec) -> Subject:
    fit = learn.FitSettings(
        synthesizer=spec.synthesizer.settings(), seed=spec.seed, k=spec.k,
        holdout=spec.holdout.share,
    )  # fmt: skip
    return Subject(open_spec_source(spec), spec.tables, fit)


def _of_run(folder: Path, held: Mapping[str, Any]) -> Subject:
    spec = SynthesisSpec.load(dict(held["spec"]))
    if secrets.MASK in f"{spec.source.url} {spec.source.options}":
        raise SpecError(
            "the run's source has a secret, which no run stores",
            hint="audit the spec: synthlake audit SPEC",
        )
    provenance = store.load(folder / ARTIFACT).provenance
    asked = provenance.get("fit", {})
    fit = learn.FitSettings(**{name: asked[name] for name in _SIZES if name in asked})
    return Subject(open_spec_source(spec), store_schema(folder / ARTIFACT), fit)


def _published(spec: SynthesisSpec) -> Path | None:
    """The folder of a run of this spec, if one is published."""
    out = out_of(spec) if spec.sink is not None else None
    if out is None or not out.is_dir() or not is_twin(out):
        return None
    return out if isinstance(manifest_of(out).get(RUN), dict) else None
