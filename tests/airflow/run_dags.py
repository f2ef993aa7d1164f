"""Runs DAGs by ``dag.test()``: ``run_dags.py FOLDER DAG...``, one process for all."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(folder: Path, names: list[str]) -> None:
    """Run each DAG, as one that has no logical date."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    assert bag.import_errors == {}, bag.import_errors
    for name in names:
        print(f"=== {name}", flush=True)
        bag.dags[name].test(run_conf={"folder": str(folder / name)}, logical_date=None)
    print("=== end", flush=True)


main(Path(sys.argv[1]), sys.argv[2:])
