"""The bridge to SDV with SDV itself, which is in no lock: in an environment of its own.

    uv venv sdv-venv && uv pip install --python sdv-venv '.[sdv]' pytest
    sdv-venv/bin/python -m pytest -q --noconftest tests/bench/sdv_bridge.py

Without torch all but CTGAN, TVAE and CopulaGAN run.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import synthlake
from synthlake.api import errors
from synthlake_connectors import sdv

pytest.importorskip("sdv")
ROWS = 600


@pytest.fixture(scope="module")
def table() -> pa.Table:
    random = np.random.default_rng(0)
    days = random.integers(0, 99, ROWS)
    return pa.table({
        "id": pa.array(np.arange(ROWS)),
        "class": pa.array(np.where(random.random(ROWS) < 0.1, "rare", "common")),
        "n": pa.array(random.integers(0, 1_000, ROWS).astype(np.int16),
                      mask=random.random(ROWS) < 0.1),
        "f": pa.array(np.round(random.normal(size=ROWS), 1).astype(np.float32)),
        "money": pa.array([Decimal(int(d)) / 100 for d in days], pa.decimal128(10, 2)),
        "day": pa.array([date(2020, 1, 1) + timedelta(int(d)) for d in days]),
        "at": pa.array(days * 10**9 + 10**18).cast(pa.timestamp("ns", "Europe/Berlin")),
        "yes": pa.array(random.random(ROWS) < 0.5, mask=random.random(ROWS) < 0.1),
        "coded": pa.array(["p", "q", "r"] * (ROWS // 3)).dictionary_encode(),
        "time": pa.array(days.astype(np.int32)).cast(pa.time32("s")),
    })  # fmt: skip


def test_a_twin_has_the_types_and_ranges_of_the_source(table: pa.Table) -> None:
    fitted = sdv.fit({"t": table}, schema={"t": {"primary_key": ["id"]}})
    made = fitted.sample()
    made.validate(full=True)
    assert made.schema == table.schema
    assert pc.count_distinct(made["id"]).as_py() == made.num_rows == ROWS
    for name in ("n", "money", "day", "at", "time"):
        real, twin = (pc.min_max(t[name]).as_py() for t in (table, made))
        assert real["min"] <= twin["min"] <= twin["max"] <= real["max"], name
    with pytest.raises(errors.ArtifactError):
        fitted.save("folder")


def test_a_twin_is_judged_as_ours_is(table: pa.Table) -> None:
    report = synthlake.evaluate({"t": table}, sdv.twin({"t": table}), tier="quick")
    assert report.of("schema")[0].twin.value == 0


def test_settings_and_types_are_refused_by_name(table: pa.Table) -> None:
    with pytest.raises(errors.SpecError, match="epoch"):
        sdv.fit({"t": table}, settings={"epoch": 1})
    with pytest.raises(errors.LearnError, match=r"t\.a is list"):
        sdv.fit({"t": pa.table({"a": [[1]]})})
    with pytest.raises(errors.SchemaError, match="2 tables"):
        sdv.fit({"t": table, "u": table})


def test_networks(table: pa.Table) -> None:
    pytest.importorskip("torch")
    made = sdv.fit({"t": table}, "sdv.tvae", settings={"epochs": 1}).sample(10)
    assert made.schema == table.schema
