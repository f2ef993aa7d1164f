"""A dbt project that declares its tables in every way that there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def _test(name: str, **arguments: Any) -> dict[str, Any]:
    return {name: {"arguments": arguments}}


def _but(name: str, **config: Any) -> dict[str, Any]:
    return {name: {"config": config}}


def _meta(**entry: Any) -> dict[str, Any]:
    return {"meta": {"synthlake": entry}}


SOURCES = [
    {
        "name": name,
        "schema": name,
        "tables": [
            {
                "name": "regions",
                "identifier": "REGIONS_2024",
                "config": _meta(keep=True),
                "columns": [{"name": "code", "data_tests": ["unique", "not_null"]}],
            }
        ],
    }
    for name in ("erp", "other")
]
MODELS: list[dict[str, Any]] = [
    {
        "name": "customers",
        "config": {**_meta(columns={"email": {"role": "personal"}}), "alias": "cust"},
        "columns": [
            # none of these is a primary key
            {"name": "email", "data_tests": ["unique"], "config": _meta(kind="email")},
            {"name": "badge", "data_tests": [_but("unique", where="badge > 0"), "not_null"]},
            {"name": "phone", "data_tests": ["unique", _but("not_null", severity="warn")]},
            {"name": "Id No", "quote": True, "data_tests": ["unique", "not_null"]},
            {
                "name": "region",
                "data_tests": [_test("relationships", to="source('erp', 'regions')", field="code")],
            },
        ],
    },
    {
        "name": "orders",
        "config": {**_meta(), "contract": {"enforced": True}},
        "constraints": [
            {"type": "primary_key", "columns": ["id"]},
            {
                "type": "foreign_key",
                "columns": ["customer"],
                "to": "ref('customers')",
                "to_columns": ["Id No"],
            },
        ],
        "columns": [
            {"name": "id", "data_type": "integer"},
            {
                "name": "customer",
                "data_type": "integer",
                "data_tests": [_test("relationships", to="ref('customers')", field='"Id No"')],
            },
            {
                "name": "clerk",
                "data_type": "integer",
                "data_tests": [_test("relationships", to="ref('clerks')", field="id")],
            },
        ],
    },
    {
        "name": "lines",
        "config": _meta(
            foreign_keys=[
                {"columns": ["order"], "references": "ref('shop', 'orders')", "mode": "own"},
                {"columns": ["region"], "references": "source('erp', 'regions')"},
            ]
        ),
        "data_tests": [
            _test(
                "dbt_utils.unique_combination_of_columns",
                combination_of_columns=["order", "line"],
            )
        ],
        "columns": [
            {
                "name": "product",
                "data_tests": [_test("relationships", to="ref('products', v=1)", field="id")],
            },
            {
                "name": "order",
                "data_tests": [_test("relationships", to="ref('orders')", field="id")],
            },
        ],
    },
    {
        "name": "products",
        "latest_version": 2,
        "config": _meta(),
        "columns": [{"name": "id", "data_tests": ["unique", "not_null"]}],
        "versions": [{"v": 1}, {"v": 2}],
    },
    {"name": "clerks"},
    {"name": "passing", "config": {**_meta(), "materialized": "ephemeral"}},
    {"name": "lone", "config": _meta(foreign_keys=[], skip=False)},
]
FILES = ("customers", "orders", "lines", "products_v1", "products_v2", "clerks", "passing", "lone")

UTILS = """
{% test unique_combination_of_columns(model, combination_of_columns) %}
select 1 where false
{% endtest %}
"""


def write_shop(folder: Path) -> Path:
    """Write the project; returns its folder."""
    models = folder / "models"
    models.mkdir(parents=True)
    for name in FILES:
        (models / f"{name}.sql").write_text("select 1 as id")
    held = {"version": 2, "sources": SOURCES, "models": MODELS}
    (models / "shop.yml").write_text(json.dumps(held))
    project: dict[str, Any] = {"name": "shop", "version": "1.0", "profile": "shop"}
    project["models"] = {"shop": {"+schema": "crm"}}
    project["vars"] = {"synthlake": {"seed": 3, "tests": {"marginal_close": False}}}
    (folder / "dbt_project.yml").write_text(json.dumps(project))
    (folder / "packages.yml").write_text(json.dumps({"packages": [{"local": "utils"}]}))
    output = {"type": "duckdb", "path": "shop.duckdb", "schema": "main"}
    broken = {"type": "postgres", "password": ["Passw0rd-in-the-profile"]}
    live = {**output, "schema": "live"}
    profile = {"target": "dev", "outputs": {"dev": output, "prod": live, "broken": broken}}
    (folder / "profiles.yml").write_text(json.dumps({"shop": profile}))
    utils = folder / "dbt_packages" / "utils"  # as `dbt deps` leaves it
    (utils / "macros").mkdir(parents=True)
    (utils / "macros" / "tests.sql").write_text(UTILS)
    (utils / "dbt_project.yml").write_text(json.dumps({"name": "dbt_utils", "version": "1.0"}))
    return folder
