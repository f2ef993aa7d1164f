"""What children of one parent share and siblings do not: players of clubs, clubs of a game."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import Database, Declared, Fitted, fit, key
from tests.relational.test_spans import model_of

from synthlake.errors import ArtifactError
from synthlake.relational import Generator, Model, plan_sample
from synthlake.relational.kin import kin_of
from synthlake.relational.plan import SamplePlan
from synthlake.relational.unlike import over_families

DAY, FIRST = datetime.timedelta(1), datetime.date(1960, 1, 1)
DAYS, CLUBS, PLAYING = 50 * 365, 60, 12


def league(loyal: bool = True) -> tuple[Database, Declared]:
    """Games of one player a club each; players are of one club, or of another in each game."""
    random = np.random.default_rng(4)
    players, games = 600, 900
    start = random.integers(0, DAYS - 1_500, players)
    club = random.integers(0, CLUBS, players)
    date = np.sort(random.integers(0, DAYS, games))
    rows = []
    for game, day in enumerate(date):
        there = np.flatnonzero((start <= day) & (day < start + 1_900))
        clubs = np.unique(club[there])
        for number in random.permutation(clubs)[:PLAYING].tolist():
            own = there[club[there] == number] if loyal else there
            taken = {player for g, player, _ in rows[-PLAYING:] if g == game}
            own = [p for p in own.tolist() if p not in taken]
            if own:
                rows.append((game, int(random.choice(own)), number))
    tables = {
        "clubs": pa.table({"club": np.arange(CLUBS), "name": [f"FC {n}" for n in range(CLUBS)]}),
        "players": pa.table({"player": np.arange(players)}),
        "games": pa.table({"game": np.arange(games), "date": [FIRST + int(d) * DAY for d in date]}),
        "played": pa.table({
            "row": np.arange(len(rows)),
            **{n: [r[at] for r in rows] for at, n in enumerate(("game", "player", "club"))},
            "goals": random.integers(0, 3, len(rows)),
        }),
    }  # fmt: skip
    declared: Declared = {
        "clubs": {"primary_key": ["club"], "keep": True},
        "players": {"primary_key": ["player"]},
        "games": {"primary_key": ["game"]},
        "played": {
            "primary_key": ["row"],
            "foreign_keys": [
                key("game", "games"), key("player", "players", "match"),
                key("club", "clubs", "match"),
            ],
        },
    }  # fmt: skip
    return tables, declared


@pytest.fixture(scope="module")
def learned() -> Fitted:
    return fit(league(), holdout=0.0)


def modal(tables: Any, group: str, value: str) -> float:
    """Mean share of the most frequent value among the rows of a group that has two or more."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    rows = tables["played"]
    for g, v in zip(rows[group].to_pylist(), rows[value].to_pylist(), strict=True):
        found[g][v] += 1
    shares = [max(c.values()) / c.total() for c in found.values() if c.total() > 1]
    return float(np.mean(shares))


def test_players_stay_with_a_club(learned: Fitted) -> None:
    real, artifact = learned
    twin = artifact.sample(1.0, seed=2).to_arrow()
    free = fit(league(loyal=False), holdout=0.0)[1].sample(1.0, seed=2).to_arrow()
    assert modal(real, "player", "club") == 1.0
    assert modal(free, "player", "club") < 0.2
    assert modal(twin, "player", "club") > 0.53  # .14 by codes alone
    assert modal(twin, "club", "player") > 3 * modal(free, "club", "player")


def test_players_stay_together_where_clubs_are_null() -> None:
    tables, declared = league()
    played, random = tables["played"], np.random.default_rng(8)
    club = pa.array(played["club"].to_pylist(), mask=random.random(played.num_rows) < 0.4)
    tables = {**tables, "played": played.set_column(3, "club", club)}
    real, artifact = fit((tables, declared), holdout=0.0)
    twin = artifact.sample(1.0, seed=2).to_arrow()["played"]
    pairs = Counter(zip(twin["game"].to_pylist(), twin["player"].to_pylist(), strict=True))
    assert twin["club"].null_count > 0.35 * len(twin)
    assert sum(n - 1 for n in pairs.values()) < 0.005 * len(twin)
    assert modal({"played": twin}, "player", "club") > 0.93 * modal(real, "player", "club")


def test_what_is_shared_is_found_and_kept(learned: Fitted) -> None:
    model = model_of(learned[1])
    kin = model.tables["played"].links[1].kin
    assert kin is not None
    assert kin.name == "f:2"
    assert Model.from_parts(model.to_parts()).tables["played"].links[1].kin == kin
    assert model.tables["played"].links[2].kin is None
    loose = model_of(fit(league(loyal=False), holdout=0.0)[1])
    assert loose.tables["played"].links[1].kin is None


def test_each_club_plays_once_in_a_game(learned: Fitted) -> None:
    real, artifact = learned
    assert "f:2" in model_of(artifact).tables["played"].unlike
    twin = artifact.sample(1.0, seed=3).to_arrow()
    assert abs(modal(twin, "game", "club") - modal(real, "game", "club")) < 0.02
    games = Counter(twin["played"]["club"].to_pylist())
    were = Counter(real["played"]["club"].to_pylist())
    assert np.mean([abs(games[n] - were[n]) for n in range(CLUBS)]) < 0.25 * np.mean(
        [*were.values()]
    )


def test_players_have_as_many_games(learned: Fitted) -> None:
    real, artifact = learned
    twin = artifact.sample(1.0, seed=4).to_arrow()
    counts = [np.unique(t["played"]["player"].to_pylist(), return_counts=True)[1]
              for t in (real, twin)]  # fmt: skip
    values = np.unique(np.concatenate(counts))
    shares = [np.searchsorted(np.sort(c), values, side="right") / len(c) for c in counts]
    assert np.abs(shares[0] - shares[1]).max() < 0.1
    rows = list(zip(*(twin["played"][c].to_pylist() for c in ("game", "player")), strict=True))
    assert len(set(rows)) == len(rows)


def test_any_range_is_the_same(learned: Fitted) -> None:
    model = model_of(learned[1])
    plan = plan_sample(model, 5, 1.0)
    whole = pa.Table.from_batches(Generator(model, plan).batches("played", 0, plan.rows["played"]))
    part = pa.Table.from_batches(Generator(model, plan).batches("played", 4_001, 4_444))
    assert part.equals(whole.slice(4_001, 443))


@pytest.mark.parametrize("sizes", [{"games": 0}, {"games": 1}, {"games": 2, "players": 5_000}])
def test_players_without_a_game_begin_as_drawn(learned: Fitted, sizes: dict[str, int]) -> None:
    twin = learned[1].sample(rows=sizes, seed=1).to_arrow()
    assert twin["games"].num_rows == sizes["games"]
    assert set(twin["played"]["player"].to_pylist()) <= set(twin["players"]["player"].to_pylist())


def test_players_that_are_drawn_before_their_clubs_share_none(learned: Fitted) -> None:
    model = model_of(learned[1])
    played = model.tables["played"]
    assert kin_of(played, "f:1") is not None
    late = replace(played, order=tuple(sorted(played.order, key=lambda n: n != "f:1")))
    assert kin_of(late, "f:1") is None


def test_draws_are_spread_over_families_and_over_all() -> None:
    random = np.random.default_rng(1)
    family = np.sort(random.integers(0, 400, 6_000))
    words = over_families(random.integers(0, 2**64, len(family), np.uint64), family, 1)
    at = words / 2.0**64
    for number in range(0, 400, 40):
        own = np.sort(at[family == number])
        assert np.diff(own) == pytest.approx(1 / len(own), abs=1e-6)
    whole = np.sort(at)
    assert np.abs(whole - (np.arange(len(at)) + 0.5) / len(at)).max() < 0.01
    assert abs(np.corrcoef(at[:-1], at[1:])[0, 1]) < 0.1  # in no order within the family


def test_a_plan_of_an_older_version_is_refused(learned: Fitted) -> None:
    held, tensors = plan_sample(model_of(learned[1]), 5, 1.0).to_parts()
    assert SamplePlan.from_parts(held, tensors).careers
    old = {**held["tensors"], "due": ["played(player) -> players"]}
    with pytest.raises(ArtifactError, match="older version"):
        SamplePlan.from_parts({**held, "tensors": old}, {**tensors, "due/0": np.ones(3)})


def test_siblings_of_one_parent_stay_siblings_of_one() -> None:
    """Events of a game are three players', who have several each: nobody is handed out."""
    tables, declared = league()
    random = np.random.default_rng(3)
    played = tables["played"]
    game, player = (np.asarray(played[name]) for name in ("game", "player"))
    stars: dict[int, list[int]] = defaultdict(list)
    for one, who in zip(game.tolist(), player.tolist(), strict=True):
        stars[one].append(who)
    again = pa.array([int(random.choice(stars[one][:3])) for one in game.tolist()])
    tables = {**tables, "played": played.set_column(2, "player", again)}
    artifact = fit((tables, declared), holdout=0.0)[1]
    link = model_of(artifact).tables["played"].links[1]
    assert link.slices
    assert not link.once
    twin = artifact.sample(1.0, seed=2).to_arrow()["played"]
    pairs = set(zip(twin["game"].to_pylist(), twin["player"].to_pylist(), strict=True))
    assert len(pairs) < 0.95 * len(twin)


def test_rows_without_a_time_are_not_the_first_ones() -> None:
    tables, declared = league()
    games, random = tables["games"], np.random.default_rng(5)
    date = pa.array(games["date"].to_pylist(), mask=random.random(games.num_rows) < 0.3)
    real, artifact = fit(({**tables, "games": games.set_column(1, "date", date)}, declared),
                         holdout=0.0)  # fmt: skip
    model = model_of(artifact)
    assert model.tables["played"].links[1].once
    plan = plan_sample(model, 3, 1.0)
    (label,) = [n for n in plan.careers if n.endswith("players")]
    career = plan.careers[label]
    assert (career.parent >= 0).all()
    begun = career.first[np.isfinite(career.first)]
    spread = np.histogram(begun / begun.max(), 4)[0] / len(begun)
    assert spread.max() < 0.45  # a third of the rows would be at the beginning
    assert real["played"].num_rows == pytest.approx(plan.rows["played"], rel=0.05)
