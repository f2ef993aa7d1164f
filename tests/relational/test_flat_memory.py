"""What making rows takes of memory does not grow with the rows."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.relational.databases import Fitted, fit, key, made

from synthlake.relational import Generator, shelf
from synthlake.relational.cumulated import Cumulated
from synthlake.relational.plan import SamplePlan

LABEL = "shipments(order, number) -> lines"


@pytest.fixture(scope="session")
def stocked() -> Fitted:
    """Parts, their offers (key: part and number), and sales of these; nothing is missing."""
    random = np.random.default_rng(1)
    part = np.sort(random.integers(0, 400, 1_600))
    number = np.arange(1_600) - np.searchsorted(part, part)
    sold = random.integers(0, 1_600, 4_000)
    tables = {
        "parts": {"part": np.arange(400), "size": random.integers(0, 9, 400)},
        "offers": {"part": part, "number": number, "price": random.integers(1, 9, 1_600)},
        "sales": {"sale": np.arange(4_000), "part": part[sold], "number": number[sold]},
    }
    declared = {
        "parts": {"primary_key": ["part"]},
        "offers": {"primary_key": ["part", "number"], "foreign_keys": [key("part", "parts")]},
        "sales": {"primary_key": ["sale"], "foreign_keys": [key("part number", "offers", "match")]},
    }
    return fit((made(tables), declared))


def peak(artifact: Any, parts: int) -> tuple[int, int]:
    """Most octets held while 20,000 sales of many parts' offers are made; the offers."""
    sample = artifact.sample(seed=3, rows={"parts": parts, "sales": 20_000})
    generator = Generator(sample.model, sample.plan)
    tracemalloc.start()
    try:
        rows = sum(batch.num_rows for batch in generator.batches("sales", 0, 20_000))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 20_000
    return most, sample.plan.rows["offers"]


@pytest.mark.slow
def test_eight_times_the_parents_take_no_more_memory(stocked: Fitted) -> None:
    few, fewer = peak(stocked[1], 40_000)
    many, more = peak(stocked[1], 320_000)
    assert more > 7.9 * fewer > 1_000_000
    assert many < 1.4 * few  # 2.0 with what is known of each parent in memory


@pytest.mark.slow
def test_workers_share_files_and_leave_none(
    stocked: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    sample = stocked[1].sample(seed=3, rows={"parts": 20_000, "sales": 300_000})
    for workers in (1, 2):
        sample.write(tmp_path / f"{workers}", workers=workers)
    names = sorted(path.name for path in (tmp_path / "1").rglob("*.parquet"))
    assert len(names) == 4  # sales have two parts
    for name in names:
        one, two = (next((tmp_path / n).rglob(name)).read_bytes() for n in "12")
        assert one == two
    assert not [*scratch.iterdir()]


def test_a_plan_has_an_octet_or_two_a_block_and_code(shipped: Fitted) -> None:
    plan = shipped[1].sample(seed=3, rows={"shipments": 200_000}).plan
    counted = plan.codes[LABEL]
    blocks = -(-200_000 // 16_384)
    assert counted.counts.shape[0] == blocks
    assert counted.counts.nbytes <= 2 * blocks * counted.counts.shape[1]
    assert len(counted.marks) <= blocks // 64 + 2
    assert counted.total.sum() <= 200_000


@pytest.mark.parametrize("customers", [300, 4_000])
def test_rows_are_the_same_from_memory_and_from_files(
    shipped: Fitted, customers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = shipped[1].sample(seed=4, rows={"customers": customers, "shipments": 3_000})
    expected = sample["shipments"].to_arrow()
    monkeypatch.setattr(shelf, "_SMALL", 0)
    monkeypatch.setattr(shelf, "_WINDOW", 4_096)
    monkeypatch.setattr(shelf, "_MAPPED", 16_384)
    alone = Generator(sample.model, sample.plan)
    assert [*alone.batches("shipments", 0, 3_000)] == expected.to_batches()
    for _ in range(2):  # the second one finds what the first one has made
        shared = Generator(sample.model, sample.plan, tmp_path)
        found = [*shared.batches("shipments", 1_000, 1_500)]
        assert found == expected.slice(1_000, 500).to_batches()
    assert len([*tmp_path.iterdir()]) == 3  # stubs, their owners, and keys


def test_a_plan_of_an_older_version_is_read(shipped: Fitted) -> None:
    plan = shipped[1].sample(seed=3).plan
    held, tensors = plan.to_parts()
    counts = [f"counts/{place}" for place in range(len(held["tensors"]["counts"]))]
    for name in counts:
        sums = np.cumsum(tensors.pop(name), axis=0, dtype=np.int64)
        old = name.replace("counts", "codes")
        tensors[old] = np.vstack([np.zeros((1, sums.shape[1]), np.int64), sums])
    held["tensors"]["codes"] = held["tensors"].pop("counts")
    again = SamplePlan.from_parts(held, tensors)
    assert again.to_parts()[0] == plan.to_parts()[0]
    for label, counted in plan.codes.items():
        assert np.array_equal(again.codes[label].counts, counted.counts)


@pytest.mark.parametrize("blocks", [0, 1, 63, 64, 65, 200])
def test_counts_before_each_block_are_sums(blocks: int) -> None:
    counts = np.random.default_rng(blocks).integers(0, 300, (blocks, 5))
    sums = np.vstack([np.zeros((1, 5), np.int64), np.cumsum(counts, axis=0)])
    for found in (Cumulated.of(counts.astype(np.uint16)), Cumulated.of_sums(sums)):
        assert all(np.array_equal(found.before(n), sums[n]) for n in range(blocks + 1))
        assert np.array_equal(found.total, sums[-1])
        assert all(np.array_equal(found.sums(code), sums[:, code]) for code in range(5))
        assert found.counts.dtype.itemsize <= 2
