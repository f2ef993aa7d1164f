"""The tournament: who wins, who is refused, what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import synthlake as sl
from synthlake import plugins
from synthlake.errors import LearnError
from synthlake.models.auto import Auto, Chosen, chosen_of
from synthlake.models.contest import Contest
from synthlake.ports import Codes, Draw, Feature, Settle, TrainingTable
from synthlake.store.inspection import inspect

ROWS = 3_000


def feature(codes: Any, size: int, ordered: bool = False) -> Feature:
    return Feature(np.asarray(codes, np.int32), size, ordered)


def independent_table() -> TrainingTable:
    random = np.random.default_rng(1)
    columns = {f"c{n}": feature(random.integers(0, 6, ROWS), 6) for n in range(4)}
    return TrainingTable(columns, {}, np.arange(ROWS), 10)


def dependent_table() -> TrainingTable:
    """What no correlation says: the sign of a product."""
    random = np.random.default_rng(2)
    a, b = random.integers(0, 150, ROWS), random.integers(0, 150, ROWS)
    c = np.where((a < 75) == (b < 75), random.integers(0, 3, ROWS), random.integers(3, 6, ROWS))
    columns = {"a": feature(a, 150, True), "b": feature(b, 150, True), "c": feature(c, 6)}
    return TrainingTable(columns, {}, np.arange(ROWS), 10)


@dataclass(frozen=True)
class FittedCopycat:
    """Rows as they were."""

    rows: Mapping[str, Codes]

    def sample(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle
    ) -> None:
        words = draw("copycat", 0)
        for name in columns:
            held = self.rows[name]
            place = (words % np.uint64(len(held))).astype(np.int64)
            settle(name, held[place], lambda rows, number: np.zeros(len(rows), np.int32))

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return {}, {}


@dataclass(frozen=True)
class Copycat:
    """Keeps all rows, as no synthesizer may."""

    name: str = "copycat"

    def fit(self, data: TrainingTable, seed: int) -> FittedCopycat:
        return FittedCopycat({n: f.codes for n, f in data.columns.items()})

    def from_artifact(self, settings: Any, tensors: Any) -> FittedCopycat:
        return FittedCopycat({})


def of(chosen: Chosen) -> dict[str, Mapping[str, Any]]:
    return {entry["name"]: entry for entry in chosen.evidence}


def test_the_simplest_of_equals_wins() -> None:
    chosen = Auto().fit(independent_table(), 1)
    assert chosen.fitted.name == "independent"
    assert list(of(chosen)) == ["trees", "copula", "mixture", "independent"]
    assert all(entry["c2st"] < 0.56 for entry in chosen.evidence)
    assert [e["name"] for e in chosen.evidence if "CHOSEN" in e["said"]] == ["independent"]


def test_the_best_wins_where_it_is_better() -> None:
    chosen = Auto().fit(dependent_table(), 1)
    found = of(chosen)
    assert chosen.fitted.name in ("trees", "mixture")
    assert found["trees"]["c2st"] + 0.1 < found["copula"]["c2st"]
    assert "C2ST" in found["copula"]["said"]


def test_a_copy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plugins.BUILT_IN, "copycat", "tests.models.test_auto:Copycat")
    random = np.random.default_rng(3)
    columns = {f"c{n}": feature(random.integers(0, 50, ROWS), 50, True) for n in range(6)}
    data = TrainingTable(columns, {}, np.arange(ROWS), 10)
    chosen = Auto(candidates=("copycat", "independent")).fit(data, 1)
    found = of(chosen)["copycat"]
    assert found["status"].startswith("refused: copies")
    assert found["copies"] == 1.0
    assert found["memorised"] > 0.8
    assert chosen.fitted.name == "independent"


def test_the_budget_ends_the_tournament_and_the_evidence_says_so() -> None:
    chosen = Auto(budget_s=1e-9).fit(dependent_table(), 1)
    assert chosen.fitted.name == "trees"
    assert [e["status"] for e in chosen.evidence] == [
        "tried", *["not tried: the time budget had run out"] * 3
    ]  # fmt: skip
    assert "time budget" in chosen.evidence[1]["said"]


def test_the_goal_and_the_profile_prune() -> None:
    found = of(Auto(goal="speed").fit(independent_table(), 1))
    assert "slow to learn" in found["mixture"]["status"]
    few = dependent_table()
    few = Contest.of(few, 200, 1).learned
    chosen = Auto().fit(few, 1)
    assert chosen.fitted.name == "trees"
    assert all("too few to hold some out" in e["status"] for e in chosen.evidence)


def test_near_ones_are_taken_by_cost() -> None:
    entries = [
        {"name": "trees", "status": "tried", "c2st": 0.52},
        {"name": "mixture", "status": "tried", "c2st": 0.528},
        {"name": "copula", "status": "tried", "c2st": 0.56},
        {"name": "independent", "status": "refused: copies", "c2st": 0.5},
    ]
    assert chosen_of(entries, "quality") == "mixture"
    assert chosen_of(entries, "speed") == "copula"
    assert chosen_of(entries[3:], "speed") == ""


def test_halves_share_no_entity() -> None:
    data = dependent_table()
    group = np.arange(ROWS) // 4
    contest = Contest.of(TrainingTable(data.columns, {}, group, 10), 1_200, 1)
    assert not np.isin(contest.learned.group, contest.unseen.group).any()
    assert len(contest.learned.group) == pytest.approx(800, abs=8)
    assert len(contest.unseen.group) == pytest.approx(400, abs=8)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_choice_and_figures() -> None:
    one, two = (Auto().fit(dependent_table(), 4) for _ in range(2))
    assert one.evidence == two.evidence
    assert one.to_artifact()[0] == two.to_artifact()[0]


@pytest.mark.parametrize("names", [("auto",), ("trees", "tres")])
def test_candidates_are_checked(names: tuple[str, ...]) -> None:
    with pytest.raises(LearnError):
        Auto(candidates=names).fit(independent_table(), 1)


def test_the_artifact_shows_the_evidence(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    a = random.integers(0, 30, ROWS)
    table = pa.table({"a": a, "b": a + random.integers(0, 9, ROWS), "c": ["x", "y", "z"] * 1_000})
    asked = {"name": "auto", "candidates": ["copula", "independent"]}
    artifact = sl.fit({"t": table}, synthesizer=asked, seed=2)
    folder = artifact.save(tmp_path / "artifact")
    said = [e.what for e in inspect(folder).entries]
    assert "synthesizer: auto" in said
    assert "synthesizer: copula" in said
    assert [w for w in said if w.startswith("tournament: copula: CHOSEN, C2ST")]
    assert [w for w in said if w.startswith("tournament: independent: tried, C2ST")]
    again = sl.load(folder)
    assert again.id == artifact.id == sl.fit({"t": table}, synthesizer=asked, seed=2).id
    assert again.sample(seed=1).to_arrow()["t"].equals(artifact.sample(seed=1).to_arrow()["t"])
