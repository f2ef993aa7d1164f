"""Conditions from the shell and from the spec."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.cli.test_commands import BAD_INPUT, DONE, call

GIVEN = """
customers:
  - where: {city: Oslo, income: {min: 40, max: 60}}
    rows: 260000
  - where: {city: {in: [Rome, Kyiv]}}
    rows: 40
"""


@pytest.fixture(scope="module")
def artifact(shop: Path, shop_spec: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    path = folder / "synthlake.yml"
    path.write_text(shop_spec.format(source=shop, sink=folder / "twin"))
    assert call("fit", path, "--artifact", folder / "shop").exit_code == DONE
    return folder / "shop"


def digests(folder: Path) -> dict[str, str]:
    files = [p for p in sorted(folder.rglob("*.parquet")) if p.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_a_file_and_any_number_of_workers(artifact: Path, tmp_path: Path) -> None:
    asked = tmp_path / "given.yml"
    asked.write_text(GIVEN)
    for workers in (1, 2):
        done = call("sample", artifact, "--out", tmp_path / f"w{workers}", "--given", asked,
                    "--tables", "customers", "--seed", 3, "--workers", workers)  # fmt: skip
        assert done.exit_code == DONE, done.output
        assert "customers: 260,040 rows" in done.stdout
        assert "customers, condition 1 on city, income" in done.stdout
    assert len(digests(tmp_path / "w1")) == 2
    assert digests(tmp_path / "w1") == digests(tmp_path / "w2")
    made = pq.read_table(tmp_path / "w1" / "customers")
    assert set(made["city"][:260_000].to_pylist()) == {"Oslo"}
    assert set(made["city"][260_000:].to_pylist()) == {"Rome", "Kyiv"}
    income = made["income"][:260_000].to_numpy()
    assert (income.min(), income.max()) == (40, 60)
    manifest = json.loads((tmp_path / "w1" / "manifest.json").read_bytes())
    assert [entry["rows"] for entry in manifest["given"]["customers"]] == [260_000, 40]


def test_json_on_the_command_line(artifact: Path, tmp_path: Path) -> None:
    text = '{"customers": [{"where": {"city": "Rome"}, "rows": 30}]}'
    done = call("sample", artifact, "--out", tmp_path / "t", "--given", text)
    assert done.exit_code == DONE, done.output
    assert pq.read_table(tmp_path / "t" / "customers.parquet")["city"].to_pylist() == ["Rome"] * 30
    assert pq.read_table(tmp_path / "t" / "orders.parquet").num_rows > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{bad", "--given is no JSON"),
        ("nowhere.yml", "there is no file nowhere.yml"),
        ('{"orders": [{"where": {"paid": true}, "rows": 3}]}', "takes no conditions"),
        ('{"customers": [{"where": {"city": "Bonn"}, "rows": 3}]}', "have 'Bonn'; 3 values"),
        ('[{"where": {"city": "Rome"}, "rows": 3}]', "not said of which of 2 tables"),
    ],
)
def test_what_cannot_be_is_bad_input(artifact: Path, tmp_path: Path, text: str, said: str) -> None:
    done = call("sample", artifact, "--out", tmp_path / "t", "--given", text)
    assert done.exit_code == BAD_INPUT
    assert said in done.output
    assert not (tmp_path / "t").exists()


def test_a_run_takes_conditions_from_its_spec(spec: Path, tmp_path: Path) -> None:
    text = spec.read_text()
    text = text.replace("    primary_key: [customer_id]",
                        "    primary_key: [customer_id]\n    conditions: [city]")  # fmt: skip
    spec.write_text(text + "given:\n  customers:\n    - {where: {city: Kyiv}, rows: 120}\n")
    done = call("run", spec)
    assert done.exit_code == DONE, done.output
    made = pq.read_table(tmp_path / "twin" / "customers.parquet")
    assert made["city"].to_pylist() == ["Kyiv"] * 120
    plan = call("plan", spec)
    assert plan.exit_code == DONE
    assert "120" in plan.stdout
    spec.write_text(text + "given:\n  orders:\n    - {where: {paid: true}, rows: 120}\n")
    refused = call("plan", spec)
    assert refused.exit_code == BAD_INPUT
    assert "give rows of its root instead: {customers: ...}" in refused.output.replace("\n", " ")
    spec.write_text(text + "given:\n  customers:\n    - {where: {city: Kyiv}, row: 120}\n")
    refused = call("plan", spec)
    assert "given.customers.0.rows (synthlake.yml, line" in refused.output
