"""A membership audit of a synthesizer by shadow models: would a twin tell who was learned from?

The judge of a twin knows no synthesizer (decision 22); here it is fitted again and again, each time
to a half of the same people chosen by coins, and attacked (decision 24).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import EvaluationError, SpecError
from synthlake.pipeline import learn
from synthlake.pipeline.learn import FitSettings, Given, tell
from synthlake.pipeline.shadows import Maker, Pool, maker, pool, seen, sight
from synthlake.ports import OnEvent, Source
from synthlake.seed import Seed

if TYPE_CHECKING:
    from synthlake.quality.attacks.shadows import Figures, Observed
    from synthlake.quality.attacks.sight import Sight

VERSION = 1
KIND = "synthlake.audit"
_BUDGET = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(s|m|h)?\s*$")
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class AuditSettings:
    """How much is tried.

    Attributes:
        table: root table whose entities are attacked; None for that of the tree with most rows.
        targets: how many entities are attacked, the most exposed ones.
        shadows: how often the synthesizer is fitted.
        rows: of the tree that shadows are drawn from; each is fitted to about half of them.
        budget_s: seconds after which no further shadow is begun.
        delta: of the differential privacy that is claimed; 0 where none is.
        seed: of all choices.
    """

    table: str | None = None
    targets: int = 20
    shadows: int = 32
    rows: int = 2_000
    budget_s: float = 600.0
    delta: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        from synthlake.quality.attacks.shadows import MIN_SHADOWS

        if self.shadows < MIN_SHADOWS:
            raise SpecError(
                f"{self.shadows} shadows tell nothing",
                hint=f"give {MIN_SHADOWS} or more; 32 is usual",
            )
        if self.targets < 1 or self.rows < 1 or self.seed < 0:
            raise SpecError(
                "targets and rows must be at least 1, seed at least 0", hint="leave them out"
            )
        if not self.budget_s > 0 or not 0 <= self.delta < 1:
            raise SpecError(
                "the budget must be above 0, delta at least 0 and below 1", hint="leave them out"
            )


class AuditOptions(TypedDict, total=False):
    """Fields of ``AuditSettings``, as keyword arguments."""

    table: str | None
    targets: int
    shadows: int
    rows: int
    budget_s: float
    delta: float
    seed: int


def seconds_of(text: str) -> float:
    """A duration such as ``10m``, ``90s`` or ``600`` in seconds.

    Raises:
        SpecError: it is none.
    """
    found = _BUDGET.match(text)
    if found is None:
        raise SpecError(f"{text!r} is no duration", hint="such as 10m, 90s, 1h, or seconds")
    return float(found[1]) * _SECONDS[found[2]]


@dataclass(frozen=True)
class Audit:
    """What an audit found. It is computed from the real data: for its owner, not private.

    Attributes:
        settings: what was asked for.
        table: whose entities were attacked.
        tables: of its tree.
        synthesizer: name and settings.
        k: least entities behind anything that an artifact stores.
        shadows: how many were fitted: fewer than asked where the budget was spent.
        entities: that shadows were drawn from.
        rows: of the tree.
        attack: on twins of the synthesizer.
        copy: the positive control: the shadows' training rows in the place of their twins.
        chance: the negative control: who was learned from exchanged among the twins, many times.
        targets: of each target how far it lies from others, and the area under its own ROC curve.
    """

    settings: AuditSettings
    table: str
    tables: tuple[str, ...]
    synthesizer: Mapping[str, Any]
    k: int
    shadows: int
    entities: int
    rows: int
    attack: Mapping[str, Any]
    copy: Mapping[str, Any]
    chance: Mapping[str, Any]
    targets: tuple[Mapping[str, float], ...] = field(repr=False)

    @property
    def verdict(self) -> str:
        """``flagged``, ``not flagged``, or ``inconclusive`` where the positive control fails."""
        if not self.copy["flagged"]:
            return "inconclusive"
        return "flagged" if self.attack["flagged"] else "not flagged"

    @property
    def said(self) -> str:
        """The finding in a sentence."""
        whole = self.shadows == self.settings.shadows
        tried = f"{self.shadows} shadows" + (
            "" if whole else f" of {self.settings.shadows}, as the budget was spent"
        )
        if self.verdict == "inconclusive":
            why = "not even a copy of the training rows is told, so that nothing can be said"
            return f"{tried}: {why}; try more shadows or targets"
        who = (
            f"who of the {len(self.targets)} most exposed entities of {self.table} was learned from"
        )
        can = "can" if self.verdict == "flagged" else "cannot be shown to"
        return f"{tried}: twins {can} tell {who}"

    def to_json(self) -> dict[str, Any]:
        """All figures; no value of a cell, and no key."""
        return {
            "version": VERSION, "kind": KIND, "verdict": self.verdict, "said": self.said,
            "table": self.table, "tables": list(self.tables),
            "synthesizer": dict(self.synthesizer), "k": self.k, "settings": asdict(self.settings),
            "shadows": self.shadows, "entities": self.entities, "rows": self.rows,
            "attack": dict(self.attack),
            "controls": {"copy": dict(self.copy), "chance": dict(self.chance)},
            "targets": [dict(t) for t in self.targets],
        }  # fmt: skip

    def save(self, path: str | Path) -> Path:
        """Write the figures as JSON, by replacing the file at once.

        Raises:
            SinkError: it cannot be written.
        """
        from synthlake.quality.report.written import write_text

        text = json.dumps(self.to_json(), indent=1, sort_keys=True, allow_nan=False) + "\n"
        return write_text(Path(path), text)


@dataclass(frozen=True)
class Subject:
    """Whom and what an audit is about.

    Attributes:
        source: the real data.
        schema: whole or in part.
        fit: how it is learned.
    """

    source: Source
    schema: Given
    fit: FitSettings


def audit(
    subject: Subject,
    settings: AuditSettings,
    on_event: OnEvent | None = None,
    make: Maker | None = None,
) -> Audit:
    """Fit a synthesizer to many choices of the same entities, and attack what it makes of them.

    Every shadow serves all targets at once, as each entity is in it by a coin of its own: so a few
    dozen fits give hundreds of tries, where leaving out one target after the other would need two
    fits for a try. The same seed gives the same figures for the same number of shadows.

    Args:
        subject: real data and synthesizer.
        settings: how much is tried.
        on_event: told of each shadow.
        make: in place of the synthesizer.

    Cost: a fit and a sample of half of ``settings.rows`` rows for each shadow; memory for these.
    Privacy: figures of real people's exposure: for the owner of the data.

    Raises:
        SpecError: the table is not one that can be audited.
        EvaluationError: there are too few entities, or too few shadows within the budget.
        LearnError: a shadow's rows cannot be learned.
    """
    from synthlake.quality.classifier import one_thread

    begun = time.monotonic()
    schema = learn.understand(subject.source, subject.schema, on_event)
    parts = learn.divide(subject.source, schema, subject.fit.holdout)
    tell(on_event, "audit", "drawing the entities")
    found = pool(parts, schema, settings.table, settings.rows, subject.fit.max_rows)
    seed = Seed(settings.seed, f"audit/{found.root}")
    view = sight(found, seed)
    ids, far = view.exposed(settings.targets)
    make = make or maker(found.schema, subject.fit, max(subject.fit.max_rows, settings.rows))
    shadows = _Shadows(found, view, ids, seed)
    for number in range(settings.shadows):
        spent = time.monotonic() - begun
        if spent > settings.budget_s:
            break
        tell(on_event, "audit", "fitting shadows", number, settings.shadows)
        shadows.add(make, number)
    tell(on_event, "audit", "attacking", settings.shadows, settings.shadows)
    with one_thread():
        return _concluded(found, shadows, (settings, subject.fit), far)


@dataclass(frozen=True)
class _Shadows:
    """What was seen so far."""

    pool: Pool
    view: Sight
    targets: NDArray[np.int64]
    seed: Seed
    twins: list[NDArray[np.float64]] = field(default_factory=list)
    copies: list[NDArray[np.float64]] = field(default_factory=list)
    member: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, make: Maker, number: int) -> None:
        """Fit one more, and look at its twin and at its training rows."""
        from synthlake.quality.classifier import one_thread

        chosen = self.pool.chosen(self.seed, number)
        train = self.pool.without(chosen)
        made = make(train, number)
        with one_thread():
            for rows, kept in ((made, self.twins), (train, self.copies)):
                shown = seen(self.pool, rows, self.view.fields)
                kept.append(self.view.look(shown, self.targets))
        self.member.append(chosen[np.searchsorted(self.pool.entities, self.targets)])

    def observed(self, what: list[NDArray[np.float64]]) -> Observed:
        """All of them, for the attack."""
        from synthlake.quality.attacks.shadows import Observed

        groups, floors = self.view.shape(len(self.pool.entities) // 2)
        return Observed(np.stack(what), groups, floors, np.stack(self.member))


def _concluded(
    found: Pool, shadows: _Shadows, asked: tuple[AuditSettings, FitSettings],
    far: NDArray[np.float64],
) -> Audit:  # fmt: skip
    from synthlake.quality.attacks.shadows import MIN_SHADOWS, chance, figures

    settings, fitted = asked
    if len(shadows.twins) < MIN_SHADOWS:
        raise EvaluationError(
            f"{len(shadows.twins)} of {settings.shadows} shadows were fitted within"
            f" {settings.budget_s:g} s, {MIN_SHADOWS} are the least",
            hint="give more time (--budget 30m) or fewer rows (--rows 1000)",
        )
    seed, delta = shadows.seed, settings.delta
    twins, copies = (shadows.observed(held) for held in (shadows.twins, shadows.copies))
    control = chance(twins, seed)
    attack = figures(twins, control, seed, delta)
    copy = figures(copies, chance(copies, seed), seed, delta)
    rows = sum(found.tables[n].num_rows for n in found.members)
    return Audit(
        settings, found.root, found.members, dict(fitted.synthesizer), fitted.k,
        len(shadows.twins), len(found.entities), rows,
        attack.to_json(), copy.to_json(), control.to_json(),
        tuple(_target(attack, twins, i, far) for i in range(len(far))),
    )  # fmt: skip


def _target(
    attack: Figures, seen: Observed, number: int, far: NDArray[np.float64]
) -> dict[str, float]:
    from synthlake.quality.classifier import auc

    label = seen.member[:, number].astype(np.int64)
    return {"distance": float(far[number]), "auc": auc(attack.scores[:, number], label)}
