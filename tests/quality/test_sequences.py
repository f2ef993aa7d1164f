"""Rows in an order: figures by hand, what counts as an order, and what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from synthlake.quality import steps
from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings
from synthlake.schema.model import ForeignKey, Schema, Sequenced
from synthlake.source import open_source
from synthlake.sql.split import split

Tables = dict[str, pa.Table]
METRICS = ("autocorrelation", "transitions", "inter_event_times")
HOUR = 3_600_000_000
MOODS = np.array(["calm", "busy", "down"])


def machines(seed: int, count: int = 200) -> Tables:
    """Machines with readings: a load that lingers, a mood that stays, gaps of different length."""
    random = np.random.default_rng(seed)
    sizes = random.integers(5, 25, count)
    owner = np.repeat(np.arange(count), sizes)
    load, mood = np.zeros(len(owner)), np.zeros(len(owner), int)
    gap = np.ceil(random.exponential(6, len(owner))).astype(int)
    for i, machine in enumerate(owner):
        fresh = i == 0 or owner[i - 1] != machine
        load[i] = random.normal() if fresh else 0.9 * load[i - 1] + 0.4 * random.normal()
        mood[i] = (
            random.integers(0, 3) if fresh or random.random() < 0.2 else mood[i - 1]
        )  # fmt: skip
    hours = np.concatenate([np.cumsum(g) for g in np.split(gap, np.cumsum(sizes)[:-1])])
    line = np.concatenate([np.arange(n) + 1 for n in sizes])
    level = random.normal(0, 5, count)[owner]
    return {
        "machines": pa.table({"machine": [f"M{i}" for i in range(count)]}),
        "readings": pa.table({
            "reading": pa.array(random.permutation(len(owner)), pa.int64()),
            "machine": [f"M{i}" for i in owner],
            "at": pa.array(hours * HOUR, pa.timestamp("us")),
            "line": pa.array(line, pa.int32()),
            "load": np.round(load + level, 6),
            "mood": MOODS[mood],
            "steady": pa.array(np.ones(len(owner)), pa.int16()),
        }),
    }  # fmt: skip


def schema_of(tables: Tables, **said: Any) -> Schema:
    """Readings are children of machines; ``said`` is further of the table of readings."""
    found = dict(open_source(tables).schema().tables)
    found["machines"] = replace(found["machines"], primary_key=("machine",))
    key = ForeignKey(("machine",), "machines", ("machine",), "own")
    asked = {"primary_key": ("reading",), "foreign_keys": (key,), **said}
    found["readings"] = replace(found["readings"], **asked)
    return Schema(found)


def judged(real: Tables, twin: Tables, schema: Schema | None = None, **beside: Any) -> Report:
    """All figures of order; no others but the quick ones."""
    source = open_source(real)
    settings = EvaluationSettings("quick", metrics=METRICS, gates=())
    return evaluate(
        source, open_source(twin), schema or schema_of(real), settings=settings, **beside
    )


def figure(report: Report, metric: str, column: str) -> Any:
    return next(r for r in report.of(metric) if r.subject.columns == (column,))


def without(tables: Tables, *names: str) -> Tables:
    return {**tables, "readings": tables["readings"].drop_columns(list(names))}


def changed(tables: Tables, **columns: Any) -> Tables:
    made = tables["readings"]
    for name, values in columns.items():
        field = made.schema.field(name)
        array = pa.array(values, field.type, from_pandas=True)
        made = made.set_column(made.column_names.index(name), field, array)
    return {**tables, "readings": made}


def mixed_within(tables: Tables, seed: int = 0) -> Tables:
    """Every column but key and time dealt anew among the rows of each machine."""
    random = np.random.default_rng(seed)
    owner = np.array(tables["readings"]["machine"].to_pylist())
    place = np.arange(len(owner))
    for machine in np.unique(owner):
        mine = np.flatnonzero(owner == machine)
        place[mine] = random.permutation(mine)
    some = tables["readings"].take(pa.array(place))
    return changed(tables, load=some["load"], mood=some["mood"])


def families(tables: Tables, column: str) -> list[np.ndarray[Any, Any]]:
    made = tables["readings"].sort_by([("machine", "ascending"), ("at", "ascending")])
    owner = np.array(made["machine"].to_pylist())
    values = np.array(made[column].to_pylist())
    return np.split(values, np.flatnonzero(owner[1:] != owner[:-1]) + 1)


def lagged(tables: Tables, lag: int) -> float:
    whole = [f for f in families(tables, "load") if len(f) >= 10]
    pairs = [((f - f.mean())[lag:], (f - f.mean())[:-lag]) for f in whole]
    now, before = (np.concatenate([p[i] for p in pairs]) for i in (0, 1))
    return float((now * before).sum() / np.sqrt((now**2).sum() * (before**2).sum()))


def test_autocorrelation_by_hand() -> None:
    real, twin = machines(1), mixed_within(machines(2))
    row = figure(judged(real, twin), "autocorrelation", "load").twin
    gaps = {lag: (lagged(real, lag), lagged(twin, lag)) for lag in steps.LAGS}
    worst = max(gaps, key=lambda lag: abs(gaps[lag][0] - gaps[lag][1]))
    assert row.detail["lag"] == worst
    assert row.detail["real"] == pytest.approx(gaps[worst][0], abs=1e-4)
    assert row.detail["candidate"] == pytest.approx(gaps[worst][1], abs=1e-4)
    assert row.value == pytest.approx(abs(gaps[worst][0] - gaps[worst][1]), abs=1e-4)


TINY = np.array([1.0, 2.0, 4.0, 3.0, 1.0, 0.0, 2.0, 5.0, 1.0, 1.0])  # of mean 2


def tiny(repeated: int, *lengths: int) -> Tables:
    """Families of these lengths, again and again, that begin as ``TINY`` does."""
    sizes = np.tile(lengths, repeated)
    owner = [f"M{i}" for i in np.repeat(np.arange(len(sizes)), sizes)]
    at = np.concatenate([np.arange(n) + 1 for n in sizes])
    return {
        "machines": pa.table({"machine": [f"M{i}" for i in range(len(sizes))]}),
        "readings": pa.table({
            "reading": np.arange(len(owner)), "machine": owner,
            "at": pa.array(at * HOUR, pa.timestamp("us")), "load": TINY[at - 1],
        }),
    }  # fmt: skip


def test_a_tiny_autocorrelation_by_hand() -> None:
    """Families of ten and of nine rows: products of distances from 2 of the ten only."""
    real = tiny(60, 10, 9)
    twin = changed(real, load=np.random.default_rng(0).permutation(real["readings"]["load"]))
    declared = schema_of(real, sequence=Sequenced("at"))
    row = figure(judged(real, twin, declared), "autocorrelation", "load").twin
    far = TINY - 2
    for lag, value in zip(steps.LAGS, row.detail["real by lag"], strict=True):
        now, before = far[lag:], far[:-lag]
        by_hand = (now * before).sum() / np.sqrt((now**2).sum() * (before**2).sum())
        assert value == pytest.approx(by_hand, abs=1e-4)
    assert row.rows == (540, 540)


@pytest.mark.parametrize("known", [10, 9])
def test_short_sequences_have_no_autocorrelation(known: int) -> None:
    """By the mean of their own two rows all differ alike; of more rows, known ones are counted."""
    real = tiny(60, 10)
    declared = schema_of(real, sequence=Sequenced("at"))
    at = np.tile(np.arange(10), 60)
    twin = changed(real, load=np.where(at < known, real["readings"]["load"].to_numpy(), np.nan))
    row = figure(judged(real, twin, declared), "autocorrelation", "load").twin
    pairs = tiny(300, 2)
    short = figure(judged(real, pairs, declared), "autocorrelation", "load").twin
    for score, whole in ((row, known == 10), (short, False)):
        assert score.value == (0.0 if whole else None)
        assert score.reason.startswith("" if whole else "sequences too short")


def test_transitions_by_hand() -> None:
    real, twin = machines(1), mixed_within(machines(2))
    shares = []
    for tables in (real, twin):
        found: dict[tuple[str, str], int] = {}
        for family in families(tables, "mood"):
            for pair in zip(family[:-1].tolist(), family[1:].tolist(), strict=True):
                found[pair] = found.get(pair, 0) + 1
        total = sum(found.values())
        shares.append({pair: n / total for pair, n in found.items()})
    every = {*shares[0], *shares[1]}
    expected = sum(abs(shares[0].get(p, 0) - shares[1].get(p, 0)) for p in every) / 2
    row = figure(judged(real, twin), "transitions", "mood").twin
    assert row.value == pytest.approx(expected)
    assert 0 < row.detail["beyond_column"] <= row.value


@pytest.mark.parametrize("most", [20_000, 10])
def test_steps_agree_with_scipy(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, twin = machines(1), machines(2)
    twin = changed(twin, at=(twin["readings"]["at"].cast(pa.int64()).to_numpy() * 2))
    monkeypatch.setattr(steps, "MAX_VALUES", most)
    gaps = [
        np.concatenate([np.diff(f) for f in families(changed_at(t), "at")]) for t in (real, twin)
    ]
    schema = schema_of(real, sequence=Sequenced("at"))
    row = figure(judged(real, twin, schema), "inter_event_times", "at").twin
    tolerance = 1e-9 if most > 10 else 0.1
    assert row.value == pytest.approx(stats.ks_2samp(*gaps).statistic, abs=tolerance)
    if most > 10:
        moved = stats.wasserstein_distance(*gaps) / gaps[0].std()
        assert row.detail["wasserstein"] == pytest.approx(moved)
    else:
        assert row.detail["resolution"] < 1
    assert figure(judged(real, real, schema), "inter_event_times", "at").twin.value == 0.0


@pytest.mark.parametrize("most", [20_000, 10])
@pytest.mark.parametrize("share", [0.0, 0.8, 1.0])
def test_rows_without_a_step_count(
    share: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time that is lost in some rows, beside itself: the distance is the share of lost steps."""
    monkeypatch.setattr(steps, "MAX_VALUES", most)
    real = machines(1)
    lost = np.random.default_rng(0).random(len(real["readings"])) < share
    at = pa.array(real["readings"]["at"].to_pylist(), pa.timestamp("us"), mask=lost)
    twin = {**real, "readings": real["readings"].set_column(2, "at", at)}
    schema = schema_of(real, sequence=Sequenced("line"))
    by_line = twin["readings"].sort_by([("machine", "ascending"), ("line", "ascending")])
    owner, gone = np.array(by_line["machine"].to_pylist()), by_line["at"].is_null().to_numpy()
    follows = owner[1:] == owner[:-1]
    expected = (gone[1:] | gone[:-1])[follows].mean()
    for sides in ((real, twin), (twin, real)):
        row = figure(judged(*sides, schema), "inter_event_times", "at").twin
        assert row.value == pytest.approx(expected, abs=0.01)
        assert row.rows == (follows.sum(), follows.sum())


def changed_at(tables: Tables) -> Tables:
    at = tables["readings"]["at"].cast(pa.int64())
    place = tables["readings"].column_names.index("at")
    return {**tables, "readings": tables["readings"].set_column(place, "at", at)}


def test_itself_is_exactly_best_and_shuffled_rows_are_not() -> None:
    real = machines(1, 600)
    source = open_source(real)
    schema = schema_of(real)
    parts = split(source, schema, 0.3)
    beside = {"holdout": parts.holdout, "train": parts.train}
    itself = judged(real, real, schema, **beside, floor=open_source(mixed_within(real)))
    for metric in METRICS:
        values = {r.twin.value for r in itself.of(metric) if r.twin.value is not None}
        assert values == {0.0}, metric
    for metric, column in (("autocorrelation", "load"), ("transitions", "mood")):
        row = figure(itself, metric, column)
        assert row.floor.value > 0.25
        assert row.ceiling.value < 0.1 < row.floor.value / 2


def test_the_order_of_rows_in_a_file_does_not_matter() -> None:
    real, twin = machines(1), mixed_within(machines(2))
    ties = changed(twin, at=np.zeros(len(twin["readings"]), np.int64))
    schema = schema_of(real, sequence=Sequenced("at"))
    for tables in (twin, ties):
        found = []
        for seed in (1, 2):
            place = np.random.default_rng(seed).permutation(len(tables["readings"]))
            document = judged(
                real, {**tables, "readings": tables["readings"].take(pa.array(place))}, schema
            ).to_json()
            document.pop("seconds")
            found.append(document)
        assert found[0] == found[1]


def keyless(tables: Tables, **said: Any) -> Schema:
    return schema_of(tables, foreign_keys=(), **said)


def matched(tables: Tables) -> Schema:
    key = ForeignKey(("machine",), "machines", ("machine",), "match")
    return schema_of(tables, foreign_keys=(key,))


KEY = ("machine", "at")
ORDERS: dict[str, tuple[Callable[[Tables], Tables], Callable[[Tables], Schema], str]] = {
    # what is there, what is known of it, the column by which rows are found in order
    "a counter": (lambda t: t, schema_of, "line"),
    "a time": (lambda t: without(t, "line"), schema_of, "at"),
    "declared": (lambda t: t, lambda t: schema_of(t, sequence=Sequenced("at")), "at"),
    "no": (lambda t: t, lambda t: schema_of(t, sequence=Sequenced("")), ""),
    "a grid": (lambda t: without(t, "line"), lambda t: keyless(t, primary_key=KEY), "at"),
    "a key that counts": (
        lambda t: without(t, "at"), lambda t: keyless(t, primary_key=("machine", "line")), "line",
    ),
    "another parent": (lambda t: without(t, "line"), matched, "at"),
    "a counter of another parent": (lambda t: without(t, "at"), matched, ""),
    "nothing": (lambda t: without(t, "line", "at"), schema_of, ""),
    "no parent": (lambda t: without(t, "line"), keyless, ""),
    "public": (lambda t: t, lambda t: schema_of(t, keep=True), ""),
    "few rows": (lambda t: {**t, "readings": t["readings"].slice(0, 60)}, schema_of, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", ORDERS)
def test_what_is_an_order(case: str) -> None:
    change, known, by = ORDERS[case]
    real = change(machines(3))
    report = judged(real, change(machines(4)), known(real))
    listed = [r for metric in METRICS for r in report.of(metric)]
    if not by:
        assert listed == []
        return
    said = [r.subject.columns[0] for r in listed if r.twin.reason == "puts the rows in order"]
    assert set(said) == {by}
    assert figure(report, "transitions", "mood").twin.value is not None
    assert figure(report, "transitions", "machine").twin.reason == (
        "the same in all rows of a sequence"
    )


def test_unscored_columns_say_why() -> None:
    real = machines(1)
    report = judged(real, without(machines(2), "mood"), schema_of(real, sequence=Sequenced("at")))
    said = {r.subject.columns[0]: r.twin.reason for r in report.of("transitions")}
    assert said["mood"] == "the column is missing"
    assert "key" in said["reading"]
    assert figure(report, "autocorrelation", "steady").twin.reason == "constant in the real data"
    gone = judged(real, without(machines(2), "at"), schema_of(real, sequence=Sequenced("at")))
    assert {r.twin.reason for m in METRICS for r in gone.of(m)} == {"no order without at"}


def test_a_divided_sequence_has_no_ceiling() -> None:
    real = without(machines(1, 600), "line")
    source, schema = open_source(real), keyless(real, primary_key=KEY)
    parts = split(source, schema, 0.2)
    report = judged(real, real, schema, holdout=parts.holdout, train=parts.train)
    for metric, column in zip(METRICS, ("load", "mood", "at"), strict=True):
        row = figure(report, metric, column)
        assert row.twin.value == 0.0
        assert row.ceiling.reason == "the hold-out divides sequences"


DIRTY: dict[str, Callable[[Tables], Tables]] = {
    "empty": lambda t: {**t, "readings": t["readings"].slice(0, 0)},
    "one row": lambda t: {**t, "readings": t["readings"].slice(0, 1)},
    "no time": lambda t: changed(t, at=[None] * len(t["readings"])),
    "no parent": lambda t: changed(t, machine=[None] * len(t["readings"])),
    "some null": lambda t: changed(
        t, at=[None if i % 7 == 0 else v for i, v in enumerate(t["readings"]["at"].to_pylist())],
        load=[None if i % 3 == 0 else v for i, v in enumerate(t["readings"]["load"].to_pylist())],
        mood=[None if i % 5 == 0 else v for i, v in enumerate(t["readings"]["mood"].to_pylist())],
    ),
    "constant": lambda t: changed(t, load=np.zeros(len(t["readings"])), mood=["x"] * len(
        t["readings"])),
    "unseen": lambda t: changed(t, mood=["strange"] * len(t["readings"])),
    "not finite": lambda t: changed(
        t, load=np.tile([np.nan, np.inf, -np.inf, 1e300, -1e300], len(t["readings"]))[
            : len(t["readings"])]
    ),
    "extreme times": lambda t: changed(
        t, at=np.where(np.arange(len(t["readings"])) % 2, 2**63 - 2, -(2**63) + 3)
    ),
    "repeated keys": lambda t: changed(t, reading=np.zeros(len(t["readings"]), np.int64)),
}  # fmt: skip


def test_a_twin_without_its_key_or_with_another_type_is_judged() -> None:
    real = machines(1)
    schema = schema_of(real, sequence=Sequenced("at"))
    twin = machines(2)
    texts = twin["readings"]["line"].cast(pa.string())
    place = twin["readings"].column_names.index("line")
    typed = {**twin, "readings": twin["readings"].set_column(place, "line", texts)}
    for made in (without(twin, "reading"), typed):
        report = judged(real, made, schema)
        assert figure(report, "autocorrelation", "load").twin.value < 0.1
        assert figure(report, "inter_event_times", "at").twin.value < 0.1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("case", DIRTY)
def test_dirty_rows(case: str) -> None:
    real = machines(1)
    schema = schema_of(real, sequence=Sequenced("at"))
    dirty = DIRTY[case](machines(2))
    for tables in ((real, dirty), (dirty, real), (dirty, dirty)):
        report = judged(*tables, schema)
        for metric in METRICS:
            for row in report.of(metric):
                assert row.twin.value is not None or row.twin.reason
                assert row.twin.value is None or 0 <= row.twin.value <= 2
                if tables[0] is tables[1] and row.twin.value is not None:
                    assert row.twin.value == 0.0
