"""Pairs of wide tables: which are judged, and what a report says of the rest."""

from __future__ import annotations

from itertools import chain, combinations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from synthlake.quality.evaluate import evaluate
from synthlake.quality.expressions import interval_code
from synthlake.quality.pairing import WIDEST, blocks_of, said_of
from synthlake.quality.report.document import text
from synthlake.quality.report.html import html
from synthlake.source import open_source

ROWS = 100


def names(count: int) -> list[str]:
    return [f"c{n:04d}" for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, WIDEST])
def test_all_pairs_of_a_narrow_table(count: int) -> None:
    blocks = blocks_of(names(count), 0)
    assert list(chain.from_iterable(blocks)) == list(combinations(names(count), 2))
    assert said_of(names(count), blocks) == ""


@pytest.mark.parametrize("count", [WIDEST + 1, 125, 1_000])
def test_every_column_of_a_wide_table_meets_others(count: int) -> None:
    blocks = blocks_of(names(count), 7)
    pairs = list(chain.from_iterable(blocks))
    assert len(set(pairs)) == len(pairs) <= 5.2 * count
    assert all(a < b for a, b in pairs)
    met = np.unique([name for pair in pairs for name in pair], return_counts=True)
    assert met[0].tolist() == names(count)
    assert met[1].min() >= 6
    assert blocks == blocks_of(names(count), 7) != blocks_of(names(count), 8)
    assert f"{len(pairs):,} of {count * (count - 1) // 2:,} pairs" in said_of(names(count), blocks)


def table(columns: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    out: dict[str, object] = {}
    for n, name in enumerate(names(columns)):
        kinds = (random.normal(size=ROWS), random.integers(0, 4, ROWS),
                 random.choice(["a", "b", "c"], ROWS), random.random(ROWS) < 0.5)  # fmt: skip
        out[name] = pa.array(kinds[n % 4], mask=random.random(ROWS) < 0.1 * (n % 3 == 0))
    return pa.table(out)


@pytest.mark.slow
def test_a_wide_table_says_which_of_its_pairs_are_judged() -> None:
    real = open_source({"t": table(WIDEST + 5, 0)})
    report = evaluate(real, open_source({"t": table(WIDEST + 5, 1)}), real.schema())
    for metric in ("pairs", "mutual_information", "pearson", "spearman"):
        rows = report.of(metric)
        said = [r.twin.reason for r in rows if r.subject.columns == ()]
        assert len(said) == 1, metric
        assert "of 5,460 pairs of columns are judged" in said[0]
        scored = [r for r in rows if r.twin.value is not None]
        assert 100 < len(scored) < 700
        assert max(r.twin.value or 0.0 for r in scored) < 0.7
    assert "pairs of columns are judged" in html(report)
    assert len(text(report)) < 5_000_000
    itself = evaluate(real, real, real.schema())
    assert {r.twin.value for r in itself.of("pairs") if r.subject.columns} == {0.0}


def test_edges_may_be_infinite() -> None:
    tree = interval_code("v", [-np.inf, -1.5, 2.0, np.inf])
    values = [-np.inf, -1e308, -1.5, 0.0, 2.0, 1e308, np.inf]
    rows = pa.table({"v": values})
    found = duckdb.sql(f"SELECT {tree} AS c FROM rows").fetchall()
    assert [c for (c,) in found] == [0, 1, 1, 2, 2, 3, 3]
    assert rows.num_rows == len(found)
