"""What is counted in a quick way is what the statements for all engines count."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from tests.quality.conftest import Tables, schema_of
from tests.quality.test_hard_tables import CASES

import synthlake as sl
from synthlake.quality.dataset import DataSet
from synthlake.quality.independent import MAX_ROWS, independent
from synthlake.quality.metric import Ground
from synthlake.quality.metrics import copies
from synthlake.quality.neighbours import Region
from synthlake.quality.settings import EvaluationSettings
from synthlake.quality.streamed import Moments
from synthlake.schema.model import Schema
from synthlake.source import open_source
from synthlake.sql.keys import SPACE, Part, row_hash


def ground_of(tables: Tables, schema: Schema | None = None) -> Ground:
    source = open_source(tables)
    schema = schema or source.schema()
    data = DataSet("real", source.engine(), source.schema(), schema)
    return Ground(schema, data, EvaluationSettings(), data, None)


SPECIAL = [0.0, -0.0, 1e-12, 1e-12 * (1 + 1e-9), 0.1, 0.1 + 1e-15, 7e9, 7e9 + 1e-3, 2.0**62, 1e300,
           -1e300, np.nan, np.inf, -np.inf, None]  # fmt: skip


@pytest.mark.parametrize("case", [*CASES, "floats"])
def test_rows_are_the_same_by_either_hash(case: str) -> None:
    table = pa.table({"a": pa.array(SPECIAL * 2)}) if case == "floats" else CASES[case]
    data = ground_of({"t": table}).real
    names = [n for n in table.column_names if n != "nested"]
    rows = copies.rows_of([data], "t", names)
    assert rows.quick
    quick, plain = (copies.hashes(data, replace(rows, quick=q)) for q in (True, False))
    assert sorted(quick[1]) == sorted(plain[1])
    assert (np.diff(quick[0].astype(object)) > 0).all()


def test_a_column_of_another_type_is_hashed_as_text() -> None:
    real, twin = pa.table({"a": [1, 2, 3]}), pa.table({"a": ["1", "2", "9"]})
    ground = ground_of({"t": real})
    other = open_source({"t": twin})
    candidate = DataSet("twin", other.engine(), other.schema(), ground.schema)
    rows = copies.rows_of([ground.real, candidate], "t", ["a"])
    assert not rows.quick
    known, found = (copies.hashes(d, rows)[0] for d in (ground.real, candidate))
    assert len(np.intersect1d(known, found)) == 2


def test_a_region_is_what_the_hash_of_its_codes_says(real: Tables) -> None:
    ground = ground_of({"orders": real["orders"]})
    bins = [b for b in ground.bins("orders") if b.field.name in ("amount", "express", "discount")]
    region, data = Region(tuple(bins), 0.3, 5), ground.real
    names = [f"k{i}" for i in range(len(bins))]
    parts = [Part("'5'", pa.string(), "seed"), *(Part(n, pa.int64(), n) for n in names)]
    every = product(*(range(b.size) for b in bins))
    values = ", ".join(f"({', '.join(map(str, codes))}, {i})" for i, codes in enumerate(every))
    found = data.query(
        f"SELECT i FROM (VALUES {values}) AS v({', '.join(names)}, i) "
        f"WHERE {row_hash(data.tables.primitives, parts)} < {int(0.3 * SPACE)} ORDER BY i"
    )
    assert region.cells == found["i"].to_pylist()
    inside = data.tables.number(
        f"SELECT COUNT(*) FROM {data.tables.read('orders')} {region.where(data)}"
    )
    assert 0 < inside < data.rows("orders")
    assert Region(tuple(bins), 0.0, 5).where(data) == "WHERE 1 = 0"


def test_the_floor_of_a_lone_table_is_each_column_shuffled(real: Tables) -> None:
    table = real["orders"].drop_columns(["parts", "mark", "customer"])
    ground = ground_of({"orders": table})
    made = independent(ground.real, ground.fields, 0)
    assert made is not None
    assert made["orders"].schema.types == table.schema.types
    for name in table.column_names:
        assert Counter(made["orders"][name].to_pylist()) == Counter(table[name].to_pylist())
    moved = made["orders"]["amount"].to_numpy() != table["amount"].to_numpy()
    assert moved.mean() > 0.9
    again = independent(ground.real, ground.fields, 0)
    assert again is not None
    assert again["orders"].equals(made["orders"])


def test_a_large_floor_keeps_shares() -> None:
    rows = 3 * MAX_ROWS
    ground = ground_of(
        {"t": pa.table({"a": pa.array(["x", "y", None] * MAX_ROWS), "b": range(rows)})}
    )
    made = independent(ground.real, ground.fields, 0)
    assert made is not None
    counts = Counter(made["t"]["a"].to_pylist())
    assert len(made["t"]) == MAX_ROWS
    assert max(abs(n - MAX_ROWS / 3) for n in counts.values()) <= 1


def test_tables_that_refer_to_each_other_have_no_shuffled_floor(real: Tables) -> None:
    ground = ground_of(real, schema_of(open_source(real)))
    assert independent(ground.real, ground.fields, 0) is None


def test_sums_of_products_are_exact_integers() -> None:
    random = np.random.default_rng(0)
    rows = 10_000
    columns = [np.floor(random.normal(0, scale, rows)) for scale in (3, 5e4, 2.0**32, 2.0**42)]
    columns[1][6_000:][random.random(4_000) < 0.3] = np.nan
    columns[3][random.random(rows) < 0.2] = np.nan
    columns[0][9_000], columns[0][77] = 2.0**44, -(2.0**44)
    columns.append(np.full(rows, np.nan))
    whole, part = Moments(5), Moments(5)
    for start in range(0, rows, 3_000):
        whole.add([c[start : start + 3_000] for c in columns])
    part.add([c[:2_000] for c in columns])
    for held, first in ((whole, 0), (whole.less(part), 2_000)):
        for i, j in product(range(5), repeat=2):
            known = ~np.isnan(columns[i][first:]) & ~np.isnan(columns[j][first:])
            x, y = ([int(v) for v in columns[k][first:][known]] for k in (i, j))
            assert held.of(i, j) == (
                len(x), sum(a * b for a, b in zip(x, y, strict=True)), sum(x), sum(y),
                sum(a * a for a in x), sum(b * b for b in y),
            )  # fmt: skip


def test_the_floor_of_integers_that_doubles_do_not_hold_is_independent() -> None:
    random = np.random.default_rng(0)
    accounts = 2**60 + 1 + 2_222 * np.arange(6)  # odd, and alike as doubles

    def rows() -> dict[str, pa.Table]:
        held = {
            "account": accounts[random.integers(0, 6, 5_000)],
            "g": random.integers(0, 5, 5_000),
        }
        return {"t": pa.table(held)}

    report = sl.evaluate(rows(), rows(), tier="standard", metrics=("pairs",))
    (score,) = report.of("pairs")
    assert score.floor is not None
    assert score.floor.value is not None
    assert score.floor.value < 0.1
