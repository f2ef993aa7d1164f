"""Judges a twin: against the training rows, with the hold-out as ceiling and a floor."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast, get_args

from synthlake.errors import LearnError, SpecError
from synthlake.pipeline import learn
from synthlake.pipeline.learn import Given
from synthlake.pipeline.memory import give_back
from synthlake.pipeline.snapshot import local_path
from synthlake.pipeline.spec import SynthesisSpec, Tier
from synthlake.pipeline.twin import Twin
from synthlake.pipeline.wanted import Wanted
from synthlake.ports import OnEvent, Source
from synthlake.schema.model import Schema
from synthlake.schema.nearest import nearest
from synthlake.store.directory import manifest_of, write_file

if TYPE_CHECKING:
    from synthlake.quality.custom.declared import Custom
    from synthlake.quality.declared import Fairness, Match
    from synthlake.quality.evaluate import Floor
    from synthlake.quality.metric import Ground
    from synthlake.quality.report import Report
    from synthlake.quality.settings import EvaluationSettings, Regression
    from synthlake.sql.split import Split

REPORT_HTML = "report.html"
REPORT_JSON = "report.json"


@dataclass(frozen=True)
class Candidates:
    """What is judged, and by what.

    Attributes:
        parts: the real data as training rows, hold-out and whole.
        twin: the synthetic data.
        floor: independent columns, what makes them, or None.
    """

    parts: Split
    twin: Source
    floor: Floor | None = None


def judge(
    candidates: Candidates,
    schema: Schema,
    settings: EvaluationSettings,
    on_event: OnEvent | None = None,
) -> Report:
    """The report on a twin.

    Raises:
        EvaluationError: the data sets cannot be compared.
    """
    from synthlake.quality.evaluate import evaluate
    from synthlake.source.flattened import flattened

    give_back()
    parts, floor, twin = candidates.parts, candidates.floor, candidates.twin
    return evaluate(
        parts.whole,
        flattened(twin, schema),
        schema,
        settings=settings,
        holdout=parts.holdout and flattened(parts.holdout, schema),
        train=parts.train,
        floor=floor if floor is None or callable(floor) else flattened(floor, schema),
        on_event=on_event,
    )


class EvaluationOptions(TypedDict, total=False):
    """Fields of ``EvaluationSettings``, as keyword arguments."""

    tier: Tier
    seed: int
    target: str | None
    regressions: Sequence[Regression | Mapping[str, Any]]
    custom: Sequence[Custom | Mapping[str, Any]]
    fairness: Sequence[Fairness | Mapping[str, Any]]
    matches: Sequence[Match | Mapping[str, Any]]
    gates: tuple[Mapping[str, Any], ...] | None
    metrics: tuple[str, ...]
    max_rows: int
    k: int


@dataclass(frozen=True)
class Asked:
    """What is compared.

    Attributes:
        real: the real data.
        synthetic: the synthetic data.
        schema: of the real data, whole or in part.
        holdout: real data that was not learned from.
        share: of root entities to set aside where there is no ``holdout``.
    """

    real: Source
    synthetic: Source
    schema: Given = None
    holdout: Source | None = None
    share: float = 0.0


def share_of(synthetic: object) -> float:
    """The share of the real data that a twin was not learned from, if it was made by us."""
    if isinstance(synthetic, Twin):
        return synthetic.wanted.holdout
    if isinstance(synthetic, str | Path) and (place := local_path(str(synthetic))) is not None:
        share = manifest_of(place).get("holdout", 0.0) if place.is_dir() else 0.0
        return float(share) if isinstance(share, int | float) else 0.0
    return 0.0


def compare(asked: Asked, given: EvaluationOptions, on_event: OnEvent | None = None) -> Report:
    """The report on any two data sets; the floor is made of the real one.

    Raises:
        EvaluationError: the data sets cannot be compared.
    """
    from synthlake.quality.independent import independent
    from synthlake.quality.settings import EvaluationSettings
    from synthlake.source import open_source

    settings = EvaluationSettings(**given)
    schema = learn.understand(asked.real, asked.schema, on_event)
    parts = learn.divide(asked.real, schema, asked.share)
    if asked.holdout is not None:
        parts = replace(parts, holdout=asked.holdout)
    with tempfile.TemporaryDirectory(prefix="synthlake-floor-") as scratch:

        def floor(ground: Ground) -> Source | None:
            columns = independent(ground.real, ground.fields, settings.seed)
            if columns is not None:
                return open_source(columns)
            return _floor(parts, schema, Path(scratch), on_event)

        wanted = None if settings.tier == "quick" else floor
        return judge(Candidates(parts, asked.synthetic, wanted), schema, settings, on_event)


def _floor(parts: Split, schema: Schema, scratch: Path, on_event: OnEvent | None) -> Source | None:
    from synthlake.source import open_source
    from synthlake.source.flattened import flattened

    asked = learn.FitSettings()
    try:
        lesson = learn.study(parts, schema, asked.max_rows, on_event)
        model = learn.fit_floor(lesson, asked, on_event)
    except LearnError as error:
        learn.tell(on_event, "evaluate", f"no floor: {error.message}")
        return None
    folder = Twin.of(model, Wanted(asked.seed)).write(
        scratch / "floor", on_event=learn.under("floor", on_event)
    )
    return flattened(open_source(str(folder)), schema)


def settings_of(spec: SynthesisSpec, about: Mapping[str, str]) -> EvaluationSettings:
    """How a spec wants its twin judged."""
    from synthlake.quality.settings import EvaluationSettings, Regression

    gates = tuple(g.model_dump(exclude_none=True) for g in spec.gates)
    return EvaluationSettings(
        tier=spec.evaluate.tier,
        seed=spec.seed,
        k=spec.k,
        metrics=spec.evaluate.metrics or (),
        gates=gates or None,
        target=spec.evaluate.target,
        regressions=tuple(Regression(r.target, r.features) for r in spec.evaluate.regressions),
        custom=spec.evaluate.customs,
        fairness=tuple(f.model_dump() for f in spec.evaluate.fairness),
        about=about,
    )


def save_report(report: Report, folder: Path) -> None:
    """Write ``report.html`` and ``report.json``, the latter last: it says that both are there."""
    folder.mkdir(parents=True, exist_ok=True)
    timeless = replace(report, seconds=0.0)  # a run that was resumed leaves the same bytes
    timeless.save(folder / REPORT_HTML)
    held = timeless.to_json()
    held.pop("seconds")
    text = json.dumps(held, indent=2, sort_keys=True) + "\n"
    write_file(folder / REPORT_JSON, text.encode())


def write_json(report: Report, path: Path) -> None:
    """Write a report's figures, whatever the file is called."""
    from synthlake.quality.report.document import text

    write_file(path, text(report).encode())


def tier_of(name: str) -> Tier:
    """A tier by name.

    Raises:
        SpecError: there is none of that name.
    """
    for tier in get_args(Tier):
        if tier == name:
            return cast(Tier, tier)
    raise SpecError(f"there is no tier {name!r}", hint=nearest(name, get_args(Tier)))
