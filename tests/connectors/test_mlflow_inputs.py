"""Requests, figures and what is said when MLflow is missing; MLflow is not imported here."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.errors import SampleError
from synthlake_connectors.mlflow.figures import figures
from synthlake_connectors.mlflow.predictor import Predictor
from synthlake_connectors.mlflow.requests import Request, requests_of, seed_of


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, [(None, None)]),
        ({"num_rows": 3}, [(3, None)]),
        ({"num_rows": [3, 4], "table": "a"}, [(3, "a"), (4, "a")]),
        ({"num_rows": np.array([3, 4])}, [(3, None), (4, None)]),
        ({"num_rows": pa.array([3, None])}, [(3, None), (None, None)]),
        ([{"num_rows": 3}, {"table": "a"}], [(3, None), (None, "a")]),
        ([{}], [(None, None)]),
        (pd.DataFrame({"num_rows": [3.0, None]}), [(3, None), (None, None)]),
        (pd.DataFrame({"num_rows": pd.array([3, None], "Int64")}), [(3, None), (None, None)]),
        (pd.DataFrame({"table": ["a", None]}), [(None, "a"), (None, None)]),
        (pd.DataFrame({"num_rows": [1, 2]}, index=[7, 7]), [(1, None), (2, None)]),
        (pd.DataFrame(index=[0]), [(None, None)]),
    ],
)
def test_a_row_is_a_request(data: Any, expected: list[tuple[int | None, str | None]]) -> None:
    assert requests_of(data) == [Request(*each) for each in expected]


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        "planes",
        ["planes"],
        [],
        {"num_rows": []},
        pd.DataFrame(),
        pd.DataFrame({"num_rows": []}),
        {"num_rows": [1, 2], "table": ["a"]},
        {"num_rows": [1.5]},
        {"num_rows": [True]},
        {"num_rows": ["1"]},
        {"num_rows": [math.inf]},
        {"num_rows": [1, "x"]},
        {"num_rows": {"a": 1}},
        {"table": [3]},
        {"city": ["Rome"]},
        {"num_rows": [1], "city": "Rome"},
        [{"num_rows": 1}, {"num_rows": 1, "city": "Rome"}],
        pd.DataFrame({"num_rows": [1], "city": [None]}),
        pd.DataFrame([[1, 2]], columns=["num_rows", "num_rows"]),
        pd.DataFrame([[1]]),
        np.array([[1]]),
    ],
    ids=str,
)
def test_anything_else_is_refused_without_its_values(data: Any) -> None:
    with pytest.raises(SampleError) as caught:
        requests_of(data)
    assert "Rome" not in str(caught.value)
    assert "Hint: " in str(caught.value)


def test_seeds() -> None:
    assert [seed_of(p) for p in (None, {}, {"seed": None}, {"seed": 5})] == [0, 0, 0, 5]
    for wrong in ({"seed": "5"}, {"seed": True}, {"sed": 5}):
        with pytest.raises(SampleError):
            seed_of(wrong)


def test_predicting_is_sampling() -> None:
    random = np.random.default_rng(3)
    table = pa.table({"a": random.integers(0, 5, 300), "b": random.normal(size=300)})
    artifact = sl.fit({"t": table}, seed=2)
    made = Predictor(artifact).predict({"num_rows": [20]}, {"seed": 4})
    expected = artifact.sample(rows={"t": 20}, seed=4)["t"].to_pandas()
    pd.testing.assert_frame_equal(made, expected, check_exact=True)
    assert len(Predictor(artifact).predict({"num_rows": [20, 30]})) == 50


def test_figures_are_finite_and_have_names_that_mlflow_takes() -> None:
    roles = {"twin": 0.5, "ceiling": None, "floor": math.nan}
    report = {
        "summary": {"my metric (new)": {"mean": roles, "worst": {"twin": math.inf}}},
        "gates": [
            {"decision": "PASS"},
            {"decision": "FAIL"},
            {"decision": "PASS"},
            {"decision": "PASS", "tested": 0},
        ],
    }
    assert figures(report) == {
        "my metric _new_/twin/mean": 0.5,
        "gates/pass": 2.0,
        "gates/warn": 0.0,
        "gates/fail": 1.0,
    }


MISSING = """
import sys
sys.modules["mlflow"] = None
from synthlake.errors import MissingExtraError
from synthlake_connectors import mlflow
for call in (
    lambda: mlflow.save_model("nowhere", "model"),
    lambda: mlflow.log_model("nowhere"),
    lambda: mlflow.load_model("models:/nothing"),
    lambda: mlflow.log_run(None),
    lambda: __import__("synthlake_connectors.mlflow.datasets"),
    lambda: __import__("synthlake_connectors.mlflow.evaluator"),
):
    try:
        call()
    except MissingExtraError as error:
        assert "pip install 'synthlake[mlflow]'" in str(error), error
    else:
        raise AssertionError("nothing was raised")
"""


def test_without_mlflow_the_pip_line_is_given() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", MISSING], check=True)
