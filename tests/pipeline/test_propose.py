"""The spec that `init` writes and the profile: constraints as comments that a user accepts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

import synthlake as sl
from synthlake.cli.app import app
from synthlake.errors import SchemaError
from synthlake.pipeline.profile import profile
from synthlake.pipeline.propose import propose
from synthlake.schema.document import parse_tables

ROWS = 3_000
WORDS = {
    "range", "min", "max", "inequality", "strict", "fixed_combinations", "unique", "one_hot",
    "sum", "difference", "ratio", "of", "null_together", "exclusive", "determines", "column",
    "regex", "pattern", "when", "then",
}  # fmt: skip


def _tables() -> dict[str, pa.Table]:
    """Orders with one of each, hostile names among them; customers without anything."""
    random = np.random.default_rng(1)
    a, b = random.integers(0, 900, ROWS), random.integers(0, 90, ROWS)
    total = a + b
    total[:7] += 1
    code = random.integers(0, 9, ROWS)
    null = random.random(ROWS) < 0.3
    low = random.integers(0, 400, ROWS)
    flags = random.integers(0, 3, ROWS)
    kind = random.integers(0, 4, ROWS)
    status, why = np.array(["canary-a", "canary-b", "canary-c", "canary-d"]), random.random(ROWS)
    return {
        "orders": pa.table({
            "order_id": np.arange(ROWS), "customer_id": random.integers(0, 300, ROWS),
            "a": a, "b": b, "total": total,
            "code: #1": np.array([f"canary{c}" for c in code]),
            "name \"q\"": np.array([f"Canary {c}" for c in code]),
            "x": pa.array(random.random(ROWS), mask=null),
            "the 'y'": pa.array(random.random(ROWS), mask=null),
            "low": low, "high": low + random.integers(0, 60, ROWS),
            "is_a": flags == 0, "is_b": flags == 1, "is_c": flags == 2,
            "status": status[kind], "why": pa.array(why, mask=(kind == 1) | (why < 0.3)),
        }),
        "customers": pa.table({"customer_id": np.arange(300), "age": random.integers(18, 80, 300)}),
    }  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("shop")
    for name, table in _tables().items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def accepted(text: str) -> dict[str, Any]:
    """The spec with every proposed constraint uncommented."""
    opened = re.sub(r"^    # (constraints:|  - \{)", r"    \1", text, flags=re.MULTILINE)
    held: dict[str, Any] = YAML(typ="safe", pure=True).load(opened)
    return held


def test_the_spec_is_what_it_was_until_something_is_accepted(shop: Path) -> None:
    spec = YAML(typ="safe", pure=True).load(propose(str(shop)))
    assert not any("constraints" in table for table in spec["tables"].values())
    assert set(parse_tables(spec["tables"]).tables) == {"orders", "customers"}


def test_uncommented_proposals_are_yaml_of_the_vocabulary(shop: Path) -> None:
    spec = accepted(propose(str(shop)))
    assert "constraints" not in spec["tables"]["customers"]
    held = spec["tables"]["orders"]["constraints"]
    assert {"sum": "total", "of": ["a", "b"]} in held
    assert {"fixed_combinations": ["code: #1", 'name "q"']} in held
    assert {"null_together": ["x", "the 'y'"]} in held
    assert {"inequality": ["low", "high"], "strict": False} in held
    assert {"one_hot": ["is_a", "is_b", "is_c"]} in held
    names = set(_tables()["orders"].column_names)
    for entry in held:
        assert set(entry) <= WORDS
        listed = [n for v in entry.values() if isinstance(v, list) for n in v]
        assert names.issuperset(listed)


def test_evidence_stands_beside_each(shop: Path) -> None:
    lines = propose(str(shop)).splitlines()
    (line,) = [n for n in lines if "{sum: total" in n]
    assert line.startswith("    #   - {sum: total, of: [a, b]}")
    assert line.endswith("# holds in 2,993 of 3,000 rows, 7 exceptions")
    (head,) = [n for n in lines if n.startswith("    # constraints:")]
    assert "found in 3,000 rows" in head
    assert re.search(r"\d+ repeat values of cells: --show-values", head)
    (line,) = [n for n in lines if "null_together" in n]
    assert line.endswith("holds in 3,000 of 3,000 rows, kept without being declared")


def test_values_stand_there_only_if_asked_for(shop: Path) -> None:
    assert "canary" not in propose(str(shop))
    shown = propose(str(shop), show_values=True)
    assert "canary-b" in shown
    held = accepted(shown)["tables"]["orders"]["constraints"]
    assert {"when": "status = 'canary-b'", "then": "why IS NULL"} in held


def test_any_source_can_be_profiled_and_tables_chosen(shop: Path) -> None:
    found = profile(sl.open(_tables()), ["customers"])
    assert list(found.tables) == ["customers"]
    assert found.tables["customers"].found is not None
    assert found.tables["customers"].found.rows == 300
    with pytest.raises(SchemaError, match="there is no table 'order'") as caught:
        profile(str(shop), ["order"])
    assert "orders" in caught.value.hint


def test_what_cannot_be_drawn_is_said() -> None:
    table = pa.table({"__entity": np.arange(300), "b": np.arange(300) % 7})
    found = profile(sl.open({"t": table}))
    assert found.tables["t"].found is None
    assert "__entity" in found.tables["t"].note


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_profile_prints_tables(shop: Path) -> None:
    done = call("profile", shop, "--table", "orders")
    assert done.exit_code == 0, done.output
    for word in ("orders: 3,000 rows", "primary key order_id", "constraint", "exceptions",
                 "{sum: total, of: [a, b]}", "kept without being declared"):  # fmt: skip
        assert word in done.stdout
    assert "customers: 300 rows" not in done.stdout
    assert "canary" not in done.stdout
    assert "--show-values writes them" in done.stdout
    assert "canary-b" in call("profile", shop, "--table", "orders", "--show-values").stdout
    assert call("profile", shop, "--table", "nobody").exit_code == 2


def test_profile_prints_json(shop: Path) -> None:
    done = call("profile", shop, "--json")
    held = json.loads(done.stdout)
    assert set(held) == {"orders", "customers"}
    (found,) = [p for p in held["orders"]["constraints"]
                if p["declaration"] == {"sum": "total", "of": ["a", "b"]}]  # fmt: skip
    assert found["support"] == ROWS
    assert found["exceptions"] == 7
    assert found["safe"] is True
    assert found["automatic"] is False
    assert found["reason"] == "7 rows break it"
    assert held["orders"]["columns"]["a"]["role"] == "numeric"
    assert held["orders"]["rows"] == ROWS
    assert "canary" not in done.stdout
    shown = json.loads(call("profile", shop, "--json", "--show-values").stdout)
    assert all(p["declaration"] for p in shown["orders"]["constraints"])


def test_init_takes_the_option(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.yml"
    assert call("init", shop, "--out", path, "--show-values").exit_code == 0
    assert "canary-b" in path.read_text()
    assert call("plan", path).exit_code == 0
