"""The generic tests pass on a good twin, and each fails on a twin that is broken its way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.dbt.conftest import PACKAGE, Host, copy_package, host

pytestmark = pytest.mark.slow

CHILDREN = """
create table {schema}.children as
select
  i as id,
  case when i % 50 = 0 then null else ({seed} + i * 7919) % 360 + 1 end as parent,
  ({seed} + i) % 7 as line,
  case when (i * 7919 + {seed}) % 100 < 60 then 'it''s' when (i * 7919 + {seed}) % 100 < 90 then 'b'
  end as kind,
  ((i * 7907 + {seed}) % 1000) / cast(10 as double precision) as amount,
  (i * 7901 + {seed}) % 99991 as code
from generate_series(1, 3000) as t(i)
"""
PARENTS = "create table {schema}.parents as select i as id from generate_series(1, 300) as t(i)"
BREAK = {
    "marginal": "update {schema}.children set kind = null where kind = 'b'",
    "shifted": "update {schema}.children set amount = amount + 30",
    "degrees": "update {schema}.children set parent = parent % 100 + 1 where parent <= 300",
    "orphans": "update {schema}.children set parent = parent + 1000 where id % 3 = 0",
    "copies": "delete from {schema}.children where id <= 200; "
    "insert into {schema}.children select * from origin.children where id <= 200",
    "repeated": "insert into {schema}.children select * from {schema}.children where id = 7",
    "empty": "delete from {schema}.children",
}
"""Ways to break a twin, each in a schema of its own."""

ORIGIN = {"real": "source('origin', 'children')", "real_to": "source('origin', 'parents')"}


def _checks(schema: str) -> list[dict[str, Any]]:
    real = {"real": ORIGIN["real"]}
    key: dict[str, Any] = {
        "columns": ["parent"],
        "to": f"source('{schema}', 'parents')",
        "to_columns": ["id"],
    }
    return [
        _check(schema, "unique_together", columns=["id", "line"]),
        _check(schema, "no_new_orphans", **key, **ORIGIN),
        _check(schema, "fk_degree_close", **key, **ORIGIN, at_most=0.05),
        _check(schema, "copies_not_above", **real, columns=["kind", "amount", "code"]),
    ]


def _check(schema: str, name: str, part: str = "", **arguments: Any) -> dict[str, Any]:
    return {f"synthlake.{name}": {"name": f"{schema}__{name}{part}", "arguments": arguments}}


def _columns(schema: str) -> list[dict[str, Any]]:
    real = {"real": ORIGIN["real"], "at_most": 0.05}
    return [
        {"name": "kind", "data_tests": [_check(schema, "marginal_close", "_tvd", **real)]},
        {
            "name": "amount",
            "data_tests": [_check(schema, "marginal_close", "_ks", **real, measure="ks")],
        },
    ]


def _sources() -> dict[str, Any]:
    named: list[dict[str, Any]] = [
        {"name": "origin", "tables": [{"name": "children"}, {"name": "parents"}]}
    ]
    for schema in ("good", *BREAK):
        children = {
            "name": "children",
            "columns": _columns(schema),
            "data_tests": _checks(schema),
        }
        named.append({"name": schema, "tables": [children, {"name": "parents"}]})
    return {"version": 2, "sources": named}


def _project(folder: Path) -> None:
    copy_package(folder / "package")
    (folder / "models").mkdir()
    (folder / "models" / "sources.yml").write_text(json.dumps(_sources()))
    held = {"name": "macros", "version": "1.0", "profile": "synthlake_integration_tests"}
    (folder / "dbt_project.yml").write_text(json.dumps(held))
    (folder / "packages.yml").write_text(json.dumps({"packages": [{"local": "package"}]}))
    shutil.copy(PACKAGE / "integration_tests" / "profiles.yml", folder)


def _statements() -> list[str]:
    found = []
    for schema, seed in {"origin": 0, **dict.fromkeys(("good", *BREAK), 17)}.items():
        found += [f"create schema {schema}"]
        found += [sql.format(schema=schema, seed=seed) for sql in (PARENTS, CHILDREN)]
    return [*found, *(sql.format(schema=schema) for schema, sql in BREAK.items())]


def _fill(where: Host) -> None:
    if where.target == "duckdb":
        import duckdb

        with duckdb.connect(where.url.removeprefix("duckdb:///")) as database:
            for statement in _statements():
                database.execute(statement)
        return
    import psycopg

    with psycopg.connect(where.url.replace("+psycopg", "")) as connection:
        for statement in _statements():
            connection.execute(statement)


FAILS = {
    "marginal": {"marginal_close_tvd"},
    "shifted": {"marginal_close_ks"},
    "degrees": {"fk_degree_close"},
    "orphans": {"no_new_orphans", "fk_degree_close"},
    "copies": {"copies_not_above"},
    "repeated": {"unique_together"},
    "empty": {"marginal_close_tvd", "marginal_close_ks", "fk_degree_close"},
}


@pytest.mark.parametrize("target", ["duckdb", "postgres"])
def test_each_test_fails_on_a_twin_that_is_broken_its_way(
    target: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    _project(tmp_path)
    where = host(tmp_path, target, request)
    _fill(where)
    where.dbt("deps").ok()
    done = where.dbt("test")
    assert done.code == 1, done.out[-6000:]
    found: dict[str, set[str]] = {schema: set() for schema in ("good", *BREAK)}
    for name, status in where.results().items():
        assert status in ("pass", "fail"), f"{name} is {status}: {done.out[-6000:]}"
        schema, _, test = name.partition("__")
        if status == "fail":
            found[schema].add(test)
    assert found == {"good": set(), **FAILS}
