"""The option ``tables``: a database's tables named one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

import synthlake
from synthlake.errors import SourceError


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.customers (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE crm.orders (customer INTEGER REFERENCES crm.customers)")
        connection.execute("CREATE TABLE main.orders (other TEXT)")
        connection.execute("INSERT INTO crm.customers VALUES (1), (2)")
        # as dbt writes it: with the name of the database
        connection.execute(
            "CREATE VIEW main.twos AS SELECT id FROM shop.crm.customers WHERE id > 1"
        )
    return f"duckdb:///{path}"


def _open(database: str, tables: Any) -> synthlake.ports.Source:
    return synthlake.open(database, options={"tables": tables})


def test_just_these_are_read_under_their_names(database: str) -> None:
    source = _open(
        database,
        {"orders": {"schema": "crm"}, "people": {"schema": "crm", "name": "customers"}, "twos": {}},
    )
    schema = source.schema()
    assert list(schema.tables) == ["orders", "people", "twos"]
    assert schema["people"].primary_key == ("id",)
    assert [fk.references for fk in schema["orders"].foreign_keys] == ["people"]
    assert [batch.to_pydict() for batch in source.batches("twos")] == [{"id": [2]}]
    counted = source.engine().query(
        f"SELECT COUNT(*) AS n FROM {source.engine().relation('people')}"
    )
    assert counted.to_pylist() == [{"n": 2}]


def test_a_key_to_a_table_that_is_not_read_is_none(database: str) -> None:
    assert _open(database, {"orders": {"schema": "crm"}}).schema()["orders"].foreign_keys == ()


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({}, "not a mapping of tables"),
        ({"orders": "crm.orders"}, r"options\.tables\.orders is not a mapping"),
        ({"orders": {"shema": "crm"}}, "has no key 'shema'"),
        ({"orders": {"schema": 1}}, r"options\.tables\.orders\.schema is not a name"),
        ({"orders": {"name": "order"}}, "has no table 'order' in its schema main"),
        ({"orders": {"schema": "cmr"}}, "has no table 'orders' in its schema cmr"),
    ],
)
def test_what_is_not_there_is_refused(database: str, tables: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        _open(database, tables)
