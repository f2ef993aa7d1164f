"""Parents that have their children close together in time: found by time, with dates from it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import Database, Declared, Fitted, fit, key

import synthlake as sl
from synthlake.relational import Generator, Model, plan_sample
from synthlake.relational.model import START
from synthlake.relational.timed import fitted_in_time

DAY = datetime.timedelta(1)
FIRST = datetime.date(1960, 1, 1)
DAYS = 50 * 365


def league(close: bool = True) -> tuple[Database, Declared]:
    """Games of fifty years, and players who play for five of these, or at any time."""
    random = np.random.default_rng(4)
    players, games = 500, 900
    start = random.integers(0, DAYS - 2_000, players)
    born = start - random.integers(18 * 365, 24 * 365, players)
    date = np.sort(random.integers(0, DAYS, games))
    rows = []
    for game, day in enumerate(date):
        there = np.flatnonzero((start <= day) & (day < start + 1_900))
        there = there if close else np.arange(players)
        rows += [(game, player) for player in random.permutation(there)[:12]]
    tables = {
        "players": pa.table({
            "player": np.arange(players),
            "born": [FIRST + int(d) * DAY for d in born],
            "email": ["x@example.com" if s > DAYS * 0.6 else None for s in start],
        }),
        "games": pa.table({"game": np.arange(games), "date": [FIRST + int(d) * DAY for d in date]}),
        "played": pa.table({
            "row": np.arange(len(rows)),
            "game": [g for g, _ in rows],
            "player": [p for _, p in rows],
            "goals": random.integers(0, 3, len(rows)),
        }),
    }  # fmt: skip
    declared: Declared = {
        "players": {"primary_key": ["player"], "columns": {"email": {"role": "categorical"}}},
        "games": {"primary_key": ["game"]},
        "played": {
            "primary_key": ["row"],
            "foreign_keys": [key("game", "games"), key("player", "players", "match")],
        },
    }
    return tables, declared


@pytest.fixture(scope="module")
def learned() -> Fitted:
    return fit(league(), holdout=0.0)


def model_of(artifact: Any) -> Model:
    return next(held for held in vars(artifact).values() if isinstance(held, Model))


def careers(tables: Any) -> tuple[list[float], list[float], list[float]]:
    """Years from a player's first game to the last, of their age at the first, and at any."""
    date = dict(zip(*(tables["games"][c].to_pylist() for c in ("game", "date")), strict=True))
    born = dict(zip(*(tables["players"][c].to_pylist() for c in ("player", "born")), strict=True))
    played: dict[int, list[datetime.date]] = {}
    for game, player in zip(*(tables["played"][c].to_pylist() for c in ("game", "player")),
                            strict=True):  # fmt: skip
        played.setdefault(player, []).append(date[game])
    spans = [(max(held) - min(held)).days / 365 for held in played.values() if len(held) > 5]
    first = [(min(held) - born[player]).days / 365 for player, held in played.items()]
    ages = [(day - born[player]).days / 365 for player, held in played.items() for day in held]
    return spans, first, ages


def test_children_of_a_parent_are_close_together(learned: Fitted) -> None:
    real, artifact = learned
    twin = artifact.sample(1.0, seed=2).to_arrow()
    (spans, first, ages), (were, _, _) = careers(twin), careers(real)
    assert np.mean(were) < 6
    assert np.mean(spans) < 10  # of fifty years
    assert np.std(first) < 4
    assert np.quantile(ages, 0.02) > 12
    assert np.quantile(ages, 0.98) < 45


def test_columns_of_parents_follow_their_time(learned: Fitted) -> None:
    twin = learned[1].sample(1.0, seed=3).to_arrow()["players"]
    pairs = list(zip(twin["born"].to_pylist(), twin["email"].to_pylist(), strict=True))
    late = [e is not None for b, e in pairs if b > datetime.date(1976, 1, 1)]
    early = [e is not None for b, e in pairs if b < datetime.date(1960, 1, 1)]
    assert np.mean(late) > 0.8
    assert np.mean(early) < 0.1


def test_numbers_of_children_are_as_without_time(learned: Fitted) -> None:
    real, artifact = learned
    twin = artifact.sample(1.0, seed=4).to_arrow()
    counts = [np.sort(np.unique(t["played"]["player"].to_pylist(), return_counts=True)[1])
              for t in (real, twin)]  # fmt: skip
    assert abs(len(counts[0]) - len(counts[1])) < 40
    assert abs(counts[0].mean() - counts[1].mean()) < 3
    orphans = set(twin["played"]["player"].to_pylist()) - set(twin["players"]["player"].to_pylist())
    assert not orphans


def test_nobody_plays_twice_in_a_game(learned: Fitted) -> None:
    twin = learned[1].sample(2.0, seed=5).to_arrow()["played"]
    rows = list(zip(twin["game"].to_pylist(), twin["player"].to_pylist(), strict=True))
    assert len(set(rows)) == len(rows)


def test_parents_with_children_at_any_time_are_found_as_ever() -> None:
    model = model_of(fit(league(close=False), holdout=0.0)[1])
    assert model.tables["players"].spans is None
    assert not any(link.slices for link in model.tables["played"].links)


def test_any_cut_has_the_same_rows(learned: Fitted) -> None:
    model = model_of(learned[1])
    for table in ("players", "played"):
        generator = Generator(model, plan_sample(model, 6))
        size = generator.rows(table)
        whole = pa.Table.from_batches(generator.batches(table, 0, size))
        for low in range(0, size, size // 3 + 1):
            high = min(low + size // 3 + 1, size)
            other = Generator(model, plan_sample(model, 6))
            part = pa.Table.from_batches(other.batches(table, low, high))
            assert part.equals(whole.slice(low, high - low))


def test_an_artifact_holds_when_rows_have_children(learned: Fitted, tmp_path: Path) -> None:
    artifact = learned[1]
    artifact.save(tmp_path / "artifact")
    again = sl.load(tmp_path / "artifact")
    assert START in model_of(again).tables["players"].order
    for name, table in again.sample(0.5, seed=7).to_arrow().items():
        assert table.equals(artifact.sample(0.5, seed=7).to_arrow()[name])


@pytest.mark.parametrize("rows", [{"games": 1}, {"players": 1}, {"games": 0}])
def test_few_rows_are_made_all_the_same(learned: Fitted, rows: dict[str, int]) -> None:
    twin = learned[1].sample(1.0, seed=8, rows=rows).to_arrow()
    known = set(twin["players"]["player"].to_pylist())
    assert {p for p in twin["played"]["player"].to_pylist() if p is not None} <= known


def test_every_bin_has_k_parents(learned: Fitted) -> None:
    real, artifact = learned
    spans = model_of(artifact).tables["players"].spans
    assert spans is not None
    date = dict(zip(*(real["games"][c].to_pylist() for c in ("game", "date")), strict=True))
    first: dict[int, int] = {}
    for game, player in zip(*(real["played"][c].to_pylist() for c in ("game", "player")),
                            strict=True):  # fmt: skip
        day = (date[game] - datetime.date(1970, 1, 1)).days
        first[player] = min(first.get(player, day), day)
    days = np.array(list(first.values()))
    inside = np.bincount(spans.start.encode_ticks(days, np.zeros(len(days), bool)))
    assert len(inside) == spans.start.size
    assert inside.min() >= model_of(artifact).k


def test_stubs_are_as_many_as_children_where_these_are_fewer() -> None:
    random = np.random.default_rng(2)
    slices, codes = 5, 3
    sizes = random.integers(0, 9, (4, codes * slices))
    stubs = np.concatenate([np.zeros((1, codes * slices), np.int64), np.cumsum(sizes, 0)])
    whole = stubs[-1].reshape(codes, slices).sum(1)
    totals = np.zeros(codes * slices, np.int64)
    totals[::slices] = whole - [7, 0, -9]
    made = fitted_in_time(stubs, totals, slices)
    wanted = np.minimum(whole, totals.reshape(codes, slices).sum(1))
    assert made[-1].reshape(codes, slices).sum(1).tolist() == wanted.tolist()
    assert (np.diff(made, axis=0) >= 0).all()


def test_rows_that_refer_themselves_are_what_others_read_of_them() -> None:
    """A child refers to a column of the players that is a reference of theirs."""
    tables, declared = league()
    random = np.random.default_rng(9)
    born = np.array([b.toordinal() for b in tables["players"]["born"].to_pylist()])
    place = np.argsort(np.argsort(born)) * 300 // len(born)
    team = np.clip(place + random.integers(-10, 10, len(born)), 0, 299)
    tables["players"] = tables["players"].append_column("team", pa.array(team))
    tables["teams"] = pa.table({"team": np.arange(300), "era": np.arange(300) // 30})
    badge = {"badge": np.arange(900), "team": team[random.integers(0, 500, 900)]}
    tables["badges"] = pa.table(badge)
    declared["teams"] = {"primary_key": ["team"]}
    declared["players"] = {**declared["players"], "foreign_keys": [key("team", "teams", "match")]}
    to_players = key("team", "players", "match", to="team")
    declared["badges"] = {"primary_key": ["badge"], "foreign_keys": [to_players]}
    _, artifact = fit((tables, declared), holdout=0.0)
    for seed in (1, 2):
        made = artifact.sample(seed=seed).to_arrow()
        known = set(made["players"]["team"].to_pylist())
        assert not [t for t in made["badges"]["team"].to_pylist() if t not in known]


def test_a_time_of_one_entity_is_no_time_of_many() -> None:
    """Forty players begin in one game: its date is of one entity, and stands nowhere."""
    tables, declared = league()
    odd = datetime.date(1985, 3, 17)
    games = tables["games"]
    number = games.num_rows
    lone = pa.table({"game": [number], "date": [odd]}).cast(games.schema)
    tables["games"] = pa.concat_tables([games, lone])
    played = tables["played"]
    day = dict(zip(games["game"].to_pylist(), games["date"].to_pylist(), strict=True))
    late = np.array([day[g] > odd for g in played["game"].to_pylist()])
    kept = played.filter(pa.array(late | (np.asarray(played["player"]) >= 40)))
    more = {"row": np.arange(40) + 10**6, "game": [number] * 40, "player": np.arange(40),
            "goals": [0] * 40}  # fmt: skip
    tables["played"] = pa.concat_tables([kept, pa.table(more).cast(kept.schema)])
    _, artifact = fit((tables, declared), holdout=0.0)
    spans = model_of(artifact).tables["players"].spans
    assert spans is not None
    ticks = (odd - datetime.date(1970, 1, 1)).days
    assert not ((spans.start.low == ticks) & (spans.start.high == ticks)).any()
