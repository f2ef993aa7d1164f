"""Chooses a synthesizer by a tournament on rows that nobody learned from, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from synthlake.errors import LearnError
from synthlake.late import late
from synthlake.models import registry
from synthlake.models.contest import Contest, Figures, refusal
from synthlake.ports import Codes, Draw, GuidedSynthesizer, Settle, TrainingTable

if TYPE_CHECKING:
    import pydantic
else:
    pydantic = late("pydantic")

# From the cheapest to make rows with to the dearest; of near equals the first one is taken.
_COST = ("independent", "copula", "mixture", "trees")
_ORDER = ("trees", "copula", "mixture", "independent")  # of the tournament
_FALLBACK = "trees"
_BUDGET_S = 120.0
_MIN_ENTITIES = 300  # below which a third of them says too little
_MANY_COLUMNS = 200  # above which classes take too long
_ROWS = {"quality": 24_000, "speed": 9_000}  # of the tournament
_NEAR = {"quality": 0.01, "speed": 0.05}  # of C2ST: as good as the best

Goal = Literal["quality", "speed"]


@dataclass(frozen=True)
class Chosen:
    """The synthesizer that was chosen, fitted to all rows, and the evidence.

    Attributes:
        fitted: makes the rows.
        evidence: a candidate an entry: its figures, what became of it, and the same in words.
    """

    fitted: registry.Named
    evidence: tuple[Mapping[str, Any], ...]

    def sample(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle
    ) -> None:
        """Draw columns in their order and hand each to ``settle``."""
        self.fitted.sample(columns, context, draw, settle)

    @property
    def guided(self) -> GuidedSynthesizer | None:
        """What was chosen, where that can be guided."""
        return self.fitted.guided

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What was chosen and why."""
        held, tensors = self.fitted.to_artifact()
        return {"chosen": held, "evidence": [dict(e) for e in self.evidence]}, tensors


@dataclass(frozen=True)
class Auto:
    """Tournament of synthesizers on a held-out part of the sample, within a time budget.

    Attributes:
        goal: ``quality`` takes the best, and of near equals the fastest; ``speed`` calls more of
            them near, looks at fewer rows and leaves out what is slow to learn.
        budget_s: seconds after which no further candidate is tried; None for 120. Only then can
            the same seed give another choice, and the evidence says who was not tried.
        candidates: names; None for those that come with Synthlake.
    """

    goal: Goal = "quality"
    budget_s: Annotated[float, pydantic.Field(gt=0)] | None = None
    candidates: tuple[str, ...] | None = None
    name: str = "auto"

    def fit(self, data: TrainingTable, seed: int) -> Chosen:
        """Choose by figures, then learn all rows.

        Privacy: figures are shares of rows and differences of shares; a candidate that copies rows
        or remembers them is refused.
        Cost: that of every candidate on 24,000 rows, and one classifier each.

        Raises:
            LearnError: a candidate does not exist, or the tournament itself is one.
        """
        names = self._names()
        evidence = self._evidence(data, names, seed)
        name = chosen_of(evidence, self.goal) or _FALLBACK
        said = [{**e, "said": said_of(e, name)} for e in evidence]
        return Chosen(registry.fit({"name": name}, data, seed), tuple(said))

    def _names(self) -> tuple[str, ...]:
        names = self.candidates or _ORDER
        for name in names:
            if name == "auto":
                raise LearnError("auto cannot be a candidate of auto", hint="leave it out")
            registry.synthesizer_of({"name": name})
        return tuple(dict.fromkeys(names))

    def _evidence(
        self, data: TrainingTable, names: Sequence[str], seed: int
    ) -> list[dict[str, Any]]:
        """Every candidate's figures, or why there are none."""
        entities = len(np.unique(data.group))
        if entities < max(_MIN_ENTITIES, 6 * data.k) or not data.columns:
            why = f"not tried: {entities:,} entities are too few to hold some out"
            return [{"name": name, "status": why} for name in names]
        contest = Contest.of(data, _ROWS[self.goal], seed)
        ends = monotonic() + (self.budget_s or _BUDGET_S)
        found: list[dict[str, Any]] = []
        for name in names:
            why = self._pruned(name, data)
            if not why and found and monotonic() > ends:
                why = "not tried: the time budget had run out"
            found.append({"name": name, "status": why} if why else _tried(contest, name, seed))
        return found

    def _pruned(self, name: str, data: TrainingTable) -> str:
        """Why the profile of a table rules a candidate out; empty if it does not."""
        if name != "mixture" or self.candidates is not None:
            return ""
        if self.goal == "speed":
            return "not tried: slow to learn, and the goal is speed"
        width = len(data.columns) + len(data.context)
        return f"not tried: {width} columns are too many for it" if width > _MANY_COLUMNS else ""

    def from_artifact(
        self, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> Chosen:
        """The model that ``to_artifact`` described.

        Raises:
            ArtifactError: what was chosen is not installed here, or is not complete.
        """
        fitted = registry.unpack(settings["chosen"], tensors)
        return Chosen(fitted, tuple(settings["evidence"]))


def _tried(contest: Contest, name: str, seed: int) -> dict[str, Any]:
    """A candidate's figures."""
    fitted = registry.synthesizer_of({"name": name}).fit(contest.learned, seed)
    figures = contest.figures(fitted)
    why = refusal(figures, len(contest.unseen.group))
    return {"name": name, "status": f"refused: {why}" if why else "tried", **figures}


def chosen_of(evidence: Sequence[Mapping[str, Any]], goal: Goal) -> str:
    """The candidate that the figures are for; empty if there is none."""
    able = [e for e in evidence if e["status"] == "tried" and e["c2st"] is not None]
    if not able:
        return ""
    best = min(e["c2st"] for e in able)
    near = [e for e in able if e["c2st"] <= best + _NEAR[goal]]

    def rank(entry: Mapping[str, Any]) -> tuple[int, float]:
        name = entry["name"]
        return (_COST.index(name) if name in _COST else len(_COST), entry["c2st"])

    return str(min(near, key=rank)["name"])


def said_of(entry: Figures, chosen: str) -> str:
    """An entry of the evidence in words."""
    said = f"{entry['name']}: {'CHOSEN' if entry['name'] == chosen else entry['status']}"
    if entry.get("c2st") is None:
        return said
    memorised = "" if entry["memorised"] is None else f", memorised {entry['memorised']:.2f}"
    return (
        f"{said}, C2ST {entry['c2st']:.3f} ({entry['c2st_low']:.3f} to {entry['c2st_high']:.3f}),"
        f" pairs {entry['pairs']:.3f}, copies {entry['copies']:.4f} (unseen {entry['base']:.4f})"
        f"{memorised}"
    )
