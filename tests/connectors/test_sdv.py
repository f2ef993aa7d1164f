"""The bridge to SDV as far as it goes without SDV; tests/bench/sdv_bridge.py does the rest."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthlake.api import SynthesisSpec, errors
from synthlake_connectors import sdv
from synthlake_connectors.sdv.columns import from_series, sdtype, simplified

DAYS = [date(2020, 1, 1) + timedelta(n) for n in range(3)]
COLUMNS: dict[str, tuple[str, pa.Array[Any]]] = {
    "int8": ("numerical", pa.array([-128, 127, 3], pa.int8())),
    "uint64": ("numerical", pa.array([0, 2**52, None], pa.uint64())),
    "float": ("numerical", pa.array([0.5, None, 2.25], pa.float32())),
    "decimal": ("numerical", pa.array([Decimal("1.25"), None, Decimal("-9.99")],
                                      pa.decimal128(12, 2))),
    "date": ("datetime", pa.array([*DAYS[:2], None], pa.date32())),
    "date64": ("datetime", pa.array(DAYS, pa.date64())),
    "zone": ("datetime", pa.array([10**9, None, 3], pa.timestamp("ms", "Europe/Berlin"))),
    "time": ("numerical", pa.array([1, 2, None], pa.time32("s"))),
    "duration": ("numerical", pa.array([1, 2, None], pa.duration("us"))),
    "bool": ("boolean", pa.array([True, None, False])),
    "text": ("categorical", pa.array(["a", None, "b"], pa.large_string())),
    "dictionary": ("categorical", pa.array(["a", None, "b"]).dictionary_encode()),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_go_to_pandas_and_back(name: str) -> None:
    kind, array = COLUMNS[name]
    assert sdtype("t.c", array.type) == kind
    held = simplified("t.c", pa.chunked_array([array]))
    frame = pa.table({"c": held}).to_pandas()
    made = from_series(frame["c"], array.type)
    assert made.type == array.type
    assert made.to_pylist() == array.to_pylist()


def test_numbers_beyond_a_type_take_its_limit() -> None:
    frame = pa.table({"c": [-1e30, 1e30, 3.6]}).to_pandas()
    for dtype in (pa.int8(), pa.int64(), pa.uint64()):
        low, high, near = from_series(frame["c"], dtype).to_pylist()
        assert low == (0 if dtype == pa.uint64() else -(2 ** (dtype.bit_width - 1)))
        assert high > 0
        assert near == 4
    assert from_series(frame["c"], pa.decimal128(4, 2)).to_pylist()[2] == Decimal("3.60")


@pytest.mark.parametrize("array", [pa.array([[1]]), pa.array([b"x"]), pa.nulls(1)])
def test_other_types_are_refused(array: pa.Array[Any]) -> None:
    with pytest.raises(errors.LearnError, match=r"t\.c is"):
        sdtype("t.c", array.type)


def test_times_that_pandas_cannot_count_are_refused() -> None:
    with pytest.raises(errors.LearnError, match="2262"):
        simplified("t.c", pa.chunked_array([pa.array([date(2300, 1, 1)])]))


def test_no_artifact_and_no_spec() -> None:
    held = sdv.Sdv.__new__(sdv.Sdv)
    with pytest.raises(errors.ArtifactError, match="pickle"):
        held.save("folder")
    with pytest.raises(errors.SpecError, match="pickle"):
        SynthesisSpec.load({"source": "x", "synthesizer": "sdv.gaussian_copula"})


def test_what_is_missing_or_misspelt_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"t": pa.table({"a": np.arange(9)})}
    with pytest.raises(errors.SpecError, match="gausian") as caught:
        sdv.fit(table, "gausian_copula")
    assert "gaussian_copula" in caught.value.hint
    monkeypatch.setitem(sys.modules, "sdv", None)
    with pytest.raises(errors.MissingExtraError, match=r"pip install 'synthlake\[sdv\]'"):
        sdv.fit(table)
