"""``synthlake subset``: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from synthlake.cli.app import app

SCHEMA = """
tables:
  customers: {primary_key: [customer_id]}
  orders:
    primary_key: [order_id]
    foreign_keys: [{columns: [customer_id], references: customers}]
"""


def call(*words: object) -> Any:
    return CliRunner().invoke(app, ["subset", *(str(word) for word in words)])


def cells(output: str, first: str) -> list[str]:
    line = next(line for line in output.splitlines() if line.startswith(first))
    return line.split()


def test_it_ends_with_a_table_and_says_that_rows_are_real(shop: Path, tmp_path: Path) -> None:
    out, schema = tmp_path / "out", tmp_path / "schema.yml"
    schema.write_text(SCHEMA)
    done = call(shop, "--root", "customers", "--fraction", 0.1, "--out", out, "--schema", schema)
    assert done.exit_code == 0, done.output
    said = done.stdout
    manifest = json.loads((out / "manifest.json").read_bytes())
    for name, part in (("customers", "root"), ("orders", "child")):
        rows = f"{manifest['tables'][name]['rows']:,}"
        assert cells(said, name)[1] == part
        assert cells(said, name)[-1] == rows
    assert cells(said, "orders(customer_id) -> customers")[-1] == "0"
    assert "real rows" in said
    assert "not anonymous" in said
    assert said.splitlines()[-1] == f"subset {out}"
    lost = duckdb.sql(
        f"SELECT count(*) FROM '{out}/orders.parquet' o ANTI JOIN '{out}/customers.parquet' c"
        " USING (customer_id)"
    ).fetchall()
    assert lost == [(0,)]


@pytest.mark.parametrize("form", ["csv", "jsonl", "arrow"])
def test_formats(shop: Path, tmp_path: Path, form: str) -> None:
    done = call(shop, "--root", "orders", "--rows", 20, "--out", f"{form}://{tmp_path}/out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / f"orders.{form}").is_file()
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_from_a_database_into_a_database(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as connection:
        for name, key in (("customers", "customer_id"), ("orders", "order_id")):
            connection.execute(f"CREATE TABLE {name} AS FROM '{shop}/{name}.parquet'")
            connection.execute(f"ALTER TABLE {name} ADD PRIMARY KEY ({key})")
    out = f"duckdb:///{tmp_path}/part.duckdb"
    done = call(f"duckdb:///{path}", "--root", "customers", "--rows", 7, "--out", out)
    assert done.exit_code == 0, done.output
    assert cells(done.stdout, "customers")[-1] == "7"
    same = call(
        f"duckdb:///{path}", "--root", "customers", "--rows", 7, "--out", f"duckdb:///{path}"
    )
    assert same.exit_code == 2
    with duckdb.connect(path) as connection:
        assert connection.sql("SELECT count(*) FROM customers").fetchall() == [(600,)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--root", "custmers", "--rows", 1], "customers, orders"),
        (["--root", "orders", "--root", "orders", "--rows", 1], "given twice"),
        (["--root", "orders", "--fraction", 1.5], "a fraction of 1.5"),
        (["--root", "orders"], "either a fraction or a number"),
        (["--root", "orders", "--rows", 1, "--others", "some"], "'some' is not known"),
        (["--root", "orders", "--rows", 1, "--schema", "gone.yml"], "gone.yml"),
    ],
)
def test_refusals(shop: Path, tmp_path: Path, words: list[Any], said: str) -> None:
    done = call(shop, *words, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_the_target_is_looked_at_first(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = call("nowhere", "--root", "orders", "--rows", 1, "--out", tmp_path)
    assert done.exit_code == 2
    assert "not empty" in done.output
    first = call(shop, "--root", "orders", "--rows", 5, "--out", tmp_path / "a")
    assert first.exit_code == 0
    onto_itself = call(tmp_path / "a", "--root", "orders", "--rows", 1, "--out", tmp_path / "a")
    assert onto_itself.exit_code == 2
    assert "is the source" in onto_itself.output
