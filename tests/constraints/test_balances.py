"""Values that add up over each family: entries of a booking, shares of a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.errors import LearnError, SampleError

Database = dict[str, pa.Table]
TYPES = {
    "int64": pa.int64(), "int32": pa.int32(), "decimal": pa.decimal128(14, 2),
    "float": pa.float64(), "single": pa.float32(),
}  # fmt: skip


def booked(seed: int, entries: int = 400, dtype: Any = TYPES["int64"]) -> Database:
    """Bookings whose lines add up to nothing; the last is the counterpart of the others."""
    random = np.random.default_rng(seed)
    size = random.integers(2, 7, entries)
    entry = np.repeat(np.arange(entries), size)
    cents = random.integers(-900, 1_000, len(entry)) * 10
    last = np.append(entry[1:] != entry[:-1], True)
    others = np.zeros(entries, np.int64)
    np.add.at(others, entry[~last], cents[~last])
    cents[last] = -others
    amount = pa.array(cents)
    if not pa.types.is_integer(dtype):
        amount = pa.array(cents / 100).cast(dtype, safe=False)
    kind = np.where(last, "bank", random.choice(["sale", "fee", "tax"], len(entry)))
    lines = {"id": np.arange(len(entry)), "entry": entry, "kind": kind, "amount": amount}
    day = pa.array(random.integers(18_000, 19_000, entries), pa.int32()).cast(pa.date32())
    return {
        "entries": pa.table({"id": np.arange(entries), "day": day}),
        "lines": pa.table(lines).set_column(3, "amount", amount.cast(dtype, safe=False)),
    }


def ruled(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Keys of bookings, and the rules of their lines."""
    own = {"columns": ["entry"], "references": "entries", "mode": "own"}
    lines = {"primary_key": ["id"], "foreign_keys": [own], "constraints": list(rules), **more}
    return {"entries": {"primary_key": ["id"]}, "lines": lines}


BALANCE = {"balance": "amount", "per": "entries"}


def sums(twin: Database) -> np.ndarray[Any, Any]:
    """What the lines of each booking add up to."""
    entry, amount = twin["lines"]["entry"], twin["lines"]["amount"].cast(pa.float64(), safe=False)
    known = np.asarray(entry.is_valid())
    who = np.unique(np.asarray(entry.fill_null(-1))[known], return_inverse=True)[1]
    return np.bincount(who, np.asarray(amount.fill_null(0.0))[known])


@pytest.mark.parametrize("name", TYPES)
def test_families_add_up(name: str, tmp_path: Path) -> None:
    real = booked(1, dtype=TYPES[name])
    artifact = sl.load(sl.fit(real, ruled(BALANCE), seed=1).save(tmp_path / "a"))
    twin = artifact.sample(scale=2.0, seed=2)
    report = sl.evaluate(real, twin, artifact.schema, tier="quick")
    assert [row.twin.value for row in report.of("constraints")] == [0.0]
    made = twin.to_arrow()
    assert made["lines"].schema == real["lines"].schema
    assert np.abs(sums(made)).max() < (0.01 if name == "single" else 1e-9)
    values = [np.asarray(t["lines"]["amount"].cast(pa.float64(), safe=False))
              for t in (real, made)]  # fmt: skip
    assert values[1].std() == pytest.approx(values[0].std(), rel=0.15)
    assert abs(values[1].mean()) < 1e-6 * values[0].std()


def test_values_stay_on_the_grid_of_the_column() -> None:
    """Multiples of ten are dealt out in tens where that is enough."""
    real = booked(2)
    made = sl.fit(real, ruled(BALANCE), seed=3).sample(scale=1.5, seed=4).to_arrow()
    amount = np.asarray(made["lines"]["amount"])
    assert (amount % 10 == 0).mean() > 0.99
    assert not sums(made).any()


@pytest.mark.slow
def test_rows_are_functions_of_their_number(tmp_path: Path) -> None:
    artifact = sl.fit(booked(3, 3_000), ruled(BALANCE), seed=1)
    whole = artifact.sample(scale=3.0, seed=2).to_arrow()
    for workers in (1, 2):
        out = tmp_path / str(workers)
        artifact.sample(scale=3.0, seed=2).write(out, workers=workers)
    first, second = (_written(tmp_path / n, "lines") for n in ("1", "2"))
    assert first.equals(second)
    assert first.sort_by("id").equals(whole["lines"].cast(first.schema).sort_by("id"))


def _written(folder: Path, name: str) -> pa.Table:
    import pyarrow.parquet as pq

    files = [folder / f"{name}.parquet"] if (folder / f"{name}.parquet").exists() else []
    files += sorted((folder / name).glob("*.parquet")) if (folder / name).is_dir() else []
    return pa.concat_tables([pq.read_table(file) for file in files]).combine_chunks()


def test_nulls_stay_and_orphans_are_free() -> None:
    real = booked(4, 600)
    random = np.random.default_rng(4)
    lines = real["lines"]
    entry, amount = np.asarray(lines["entry"]), np.asarray(lines["amount"])
    gone = np.isin(entry, random.permutation(600)[:100])  # families that do not add up
    amount = np.where(gone, random.integers(1, 500, len(amount)) * 10, amount)
    empty = np.isin(entry, random.permutation(600)[:80]) & ~gone
    real["lines"] = lines.set_column(
        3, "amount", pa.array(amount, mask=empty)
    ).set_column(1, "entry", pa.array(entry, mask=random.random(len(entry)) < 0.05))  # fmt: skip
    artifact = sl.fit(real, ruled(BALANCE), seed=1)
    twin = artifact.sample(seed=2)
    made = twin.to_arrow()
    assert not sums(made).any()
    assert made["lines"]["amount"].null_count == pytest.approx(empty.sum(), rel=0.4)
    assert made["lines"]["entry"].null_count > 0
    report = sl.evaluate(real, twin, artifact.schema, tier="quick")
    assert [row.twin.value for row in report.of("constraints")] == [0.0]


def shared(seed: int, owners: int = 500) -> Database:
    """Shares of a whole: three to five of each, whole percents that add up to a hundred."""
    random = np.random.default_rng(seed)
    size = random.integers(3, 6, owners)
    cuts = [np.diff([0, *np.sort(random.choice(np.arange(1, 100), n - 1, False)), 100])
            for n in size]  # fmt: skip
    entry = np.repeat(np.arange(owners), size)
    share = np.concatenate(cuts)
    return {
        "entries": pa.table({"id": np.arange(owners), "size": size}),
        "lines": pa.table({"id": np.arange(len(entry)), "entry": entry, "amount": share}),
    }


def test_shares_of_a_whole_keep_their_range() -> None:
    real = shared(5)
    rules = ({**BALANCE, "equals": 100}, {"range": "amount", "min": 1, "max": 100})
    artifact = sl.fit(real, ruled(*rules), seed=1)
    made = artifact.sample(scale=2.0, seed=2).to_arrow()
    assert set(sums(made).tolist()) == {100.0}
    amount = np.asarray(made["lines"]["amount"])
    assert amount.min() >= 1
    assert amount.max() <= 98
    before = np.asarray(real["lines"]["amount"])
    cuts = np.quantile(before, np.linspace(0.1, 0.9, 9))
    places = [np.bincount(np.searchsorted(cuts, v), minlength=10) / len(v)
              for v in (before, amount)]  # fmt: skip
    assert np.abs(places[0] - places[1]).sum() / 2 < 0.08


def test_what_a_range_rules_out_is_said() -> None:
    real = shared(6)
    rules = ({**BALANCE, "equals": 100}, {"range": "amount", "max": 98})
    artifact = sl.fit(real, ruled(*rules), seed=1)
    assert set(sums(artifact.sample(seed=2).to_arrow()).tolist()) == {100.0}
    narrow = ({**BALANCE, "equals": 100}, {"range": "amount", "max": 25})
    few = shared(7)
    kept = np.asarray(few["lines"]["amount"]) <= 25
    assert not kept.all()
    with pytest.raises((LearnError, SampleError), match=r"range|25"):
        sl.fit(few, ruled(*narrow), seed=1).sample(seed=2).to_arrow()


def test_what_does_not_add_up_is_not_learned() -> None:
    real = booked(8)
    with pytest.raises(LearnError, match="adds up in families of fewer than k = 10"):
        sl.fit(real, ruled({**BALANCE, "equals": 5}), seed=1)
    with pytest.raises(LearnError, match="they have fewer digits"):
        sl.fit(real, ruled({**BALANCE, "equals": 0.5}), seed=1)


def test_numbers_of_too_many_digits_are_refused() -> None:
    from synthlake.pipeline.profile import profile
    from synthlake.source import open_source

    real = booked(12)
    cents = np.asarray(real["lines"]["amount"])
    wide = pa.array(cents / 7).cast(pa.decimal128(38, 18), safe=False)
    fine = pa.array(cents * 10**13)
    for amount in (wide, fine):
        lines = real["lines"].set_column(3, "amount", amount)
        with pytest.raises(LearnError, match=r"digits|adds up in families of fewer"):
            sl.fit({**real, "lines": lines}, ruled(BALANCE), seed=1)
    found = profile(open_source({**real, "lines": lines})).tables["lines"].found
    assert found is not None
    assert BALANCE not in [dict(p.declaration) for p in found.proposals]


def test_rows_in_an_order_add_up_as_well() -> None:
    real = booked(10, 500)
    entry = np.asarray(real["lines"]["entry"])
    number = np.arange(len(entry)) - np.searchsorted(entry, entry)
    real["lines"] = real["lines"].append_column("line", pa.array(number + 1))
    spec = ruled(BALANCE, sequence={"by": "line"})
    made = sl.fit(real, spec, seed=1).sample(scale=2.0, seed=3).to_arrow()
    assert not sums(made).any()


def test_init_proposes_a_balance() -> None:
    from synthlake.pipeline.profile import profile
    from synthlake.source import open_source

    for real, rule in ((booked(11), BALANCE), (shared(11), {**BALANCE, "equals": 100})):
        tables = profile(open_source(real)).tables
        found = tables["lines"].found
        assert found is not None
        assert rule in [dict(p.declaration) for p in found.proposals if not p.exceptions]
