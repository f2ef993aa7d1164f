"""Loads what another process has logged, in a fresh one, and writes down what it makes.

python mlflow_reader.py SERVER FOLDER

Imports MLflow and pandas alone: the model brings its own loader.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa

mlflow.set_tracking_uri(sys.argv[1])
HERE = Path(sys.argv[2])


def frame(name: str, made: Any) -> None:
    table = pa.Table.from_pandas(made, preserve_index=False)
    with pa.ipc.new_file(HERE / f"{name}.arrow", table.schema) as out:
        out.write_table(table)


def refused(call: Callable[[], Any]) -> list[str]:
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return ["nothing", ""]


def requests(flights: Any, planes: Any) -> dict[str, list[str]]:
    seed = {"seed": 1}
    frame("planes", planes.predict({"num_rows": [1000]}, params=seed))
    frame("planes_of_many", flights.predict({"num_rows": 40, "table": "planes"}, params=seed))
    frame("flights", flights.predict(pd.DataFrame({"table": ["flights"]}), params=seed))
    frame("learned", planes.predict({}))
    asked = pd.DataFrame({"num_rows": [5, None, 3]})
    frame("several", planes.predict(asked, params=seed))
    one = {"num_rows": [5]}
    return {
        "condition": refused(lambda: planes.predict({**one, "manufacturer": ["BOEING"]})),
        "in a frame": refused(lambda: planes.predict(pd.DataFrame({**one, "engine": ["x"]}))),
        "in rows": refused(lambda: planes.predict([{"num_rows": 5, "seats": 3}])),
        "child": refused(lambda: flights.predict({**one, "table": ["flights"]})),
        "no table": refused(lambda: flights.predict(one)),
        "two tables": refused(lambda: flights.predict({"table": ["planes", "weather"]})),
        "unknown table": refused(lambda: planes.predict({"table": ["trains"]})),
        "text": refused(lambda: planes.predict({"num_rows": ["many"]})),
    }


def serving(uri: str) -> list[dict[str, Any]]:
    """As the scoring server does it, from its JSON to its answer."""
    payload = json.dumps({"inputs": {"num_rows": [2]}, "params": {"seed": 1}})
    return list(mlflow.models.validate_serving_input(uri, payload).to_dict("records"))


def replaced_signature(folder: Path) -> list[str]:
    """A model whose signature lets MLflow drop unknown columns before the model sees them."""
    file = folder / "MLmodel"
    text = file.read_text()
    assert "is_signature_from_type_hint: true" in text
    file.write_text(text.replace("is_signature_from_type_hint: true\n", ""))
    return refused(lambda: mlflow.pyfunc.load_model(str(folder)))


def datasets() -> dict[str, Any]:
    """The plugins, as MLflow finds them."""
    url = "postgresql+psycopg://someone:Passw0rd@nowhere:5432/shop"
    there = mlflow.data.from_pandas(pd.DataFrame({"a": [1]}), source=url, name="a")
    real = mlflow.data.from_synthlake(str(HERE / "real"), "planes")
    source = mlflow.data.get_source(real._to_mlflow_entity())
    return {
        "masked": [there.to_json(), str(there.source), type(there.source).__name__],
        "real": real.to_dict(),
        "loaded": sorted(source.load().schema().tables),
        "several": refused(lambda: mlflow.data.from_synthlake(str(HERE / "real"))),
    }


def evaluated(uri: str) -> dict[str, Any]:
    real = pd.read_parquet(HERE / "real" / "planes.parquet")
    with mlflow.start_run() as run:
        judged = mlflow.models.evaluate(
            model=uri, data=real, model_type="synthlake", evaluators="synthlake",
            evaluator_config={"tier": "quick", "seed": 1},
        )  # fmt: skip
        wrong = refused(
            lambda: mlflow.models.evaluate(
                model=uri, data=real[["year"]], model_type="synthlake", evaluators="synthlake"
            )
        )
        given = {"data": real, "model_type": "synthlake", "evaluators": "synthlake"}
        others = {
            "seed": refused(
                lambda: mlflow.models.evaluate(uri, evaluator_config={"seed": "x"}, **given)
            ),
            "function": refused(lambda: mlflow.models.evaluate(lambda rows: rows, **given)),
        }
    return {"run": run.info.run_id, "metrics": judged.metrics, "wrong": wrong, "others": others}


def main() -> dict[str, Any]:
    flights = mlflow.pyfunc.load_model("models:/flights@champion")
    planes = mlflow.pyfunc.load_model("models:/planes/1")
    errors = requests(flights, planes)
    from synthlake_connectors import mlflow as flavor

    (HERE / "got").mkdir()
    artifact = flavor.load_model("models:/flights@champion", HERE / "got")
    return {
        "errors": errors,
        "signature": planes.metadata.signature.to_dict(),
        "example": planes.input_example,
        "artifact": artifact.id,
        "serving": serving("models:/planes/1"),
        "replaced": replaced_signature(HERE / "got"),
        "datasets": datasets(),
        "evaluated": evaluated("models:/planes/1"),
    }


if __name__ == "__main__":
    (HERE / "reader.json").write_text(json.dumps(main()))
