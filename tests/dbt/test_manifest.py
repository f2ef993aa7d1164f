"""What a dbt project declares, as a spec. The manifest is dbt's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from tests.dbt.shop import write_shop

from synthlake import api
from synthlake.api import errors
from synthlake_dbt.project import Asked, Project, read_project, settings_of
from synthlake_dbt.spec import Synthesis, synthesis_of
from synthlake_dbt.twins import _yaml
from synthlake_dbt.warehouse import url_of

DEFAULT = (
    "model.shop.customers", "model.shop.orders", "model.shop.lines", "model.shop.products.v1",
    "source.shop.erp.regions", "model.shop.lone",
)  # fmt: skip


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop") / "shop")


@pytest.fixture(scope="session")
def shop(folder: Path) -> Project:
    asked = Asked(folder, folder, select=("lines", "lone"))
    return read_project(asked)


def _synthesis(shop: Project, *selected: str) -> Synthesis:
    return synthesis_of(replace(shop, selected=frozenset(selected or DEFAULT)))


def _entry(shop: Project, table: str) -> dict[str, Any]:
    held: dict[str, Any] = _synthesis(shop).spec["tables"][table]
    return held


@pytest.mark.slow
def test_dbt_selects(shop: Project) -> None:
    assert shop.selected is not None
    assert "model.shop.lines" in shop.selected
    assert "model.shop.customers" not in shop.selected  # nothing that `lines` is made from
    assert "model.shop.lone" in shop.selected


def test_the_spec_is_one_that_the_core_reads(shop: Project) -> None:
    spec = api.SynthesisSpec.load(_synthesis(shop).spec)
    assert spec.seed == 3
    assert spec.sink is not None
    assert spec.sink.url == spec.source.url
    assert (spec.source.schema_name, spec.sink.schema_name) == ("main", "main_synthlake")
    assert spec.source.options["tables"]["customers"] == {"schema": "main_crm", "name": "cust"}
    assert spec.source.options["tables"]["regions"] == {"schema": "erp", "name": "REGIONS_2024"}


def test_an_entry_is_what_meta_holds(shop: Project) -> None:
    assert _entry(shop, "lone") == {"foreign_keys": [], "skip": False}
    assert _entry(shop, "regions") == {"keep": True, "primary_key": ["code"]}


def test_columns_declare_too(shop: Project) -> None:
    assert _entry(shop, "customers")["columns"] == {"email": {"kind": "email", "role": "personal"}}


def test_tests_and_constraints_are_keys(shop: Project) -> None:
    customers, orders = _entry(shop, "customers"), _entry(shop, "orders")
    assert customers["primary_key"] == ["Id No"]
    assert customers["foreign_keys"] == [
        {"columns": ["region"], "references": "regions", "to": ["code"]}
    ]
    assert orders["primary_key"] == ["id"]
    assert orders["foreign_keys"] == [
        {"columns": ["customer"], "references": "customers", "to": ["Id No"]}
    ]


def test_meta_wins_over_a_test_of_the_same_columns(shop: Project) -> None:
    lines = _entry(shop, "lines")
    assert lines["primary_key"] == ["order", "line"]
    assert lines["foreign_keys"] == [
        {"columns": ["order"], "references": "orders", "mode": "own"},
        {"columns": ["region"], "references": "regions"},
        {"columns": ["product"], "references": "products_v1", "to": ["id"]},
    ]


def test_a_reference_to_what_is_not_there_is_left_out_and_said(shop: Project) -> None:
    assert _synthesis(shop).notes == (
        "orders(clerk) -> clerks is left out: clerks is not declared by meta.synthlake",
    )
    alone = _synthesis(shop, "model.shop.lines", "model.shop.orders")
    assert "lines(product) -> products_v1 is left out: products_v1 is not selected" in alone.notes


def test_the_schema_of_the_twin_and_its_tests_are_settings(shop: Project) -> None:
    found = _synthesis(shop)
    assert found.tests["marginal_close"] is False
    assert found.tests["fk_degree_close"] == 0.1
    assert (found.schema, found.written_schema) == (
        "main_synthlake",
        "{{ target.schema }}_synthlake",
    )
    given = synthesis_of(
        replace(shop, selected=frozenset(DEFAULT), settings={"schema": "elsewhere"})
    )
    assert (given.schema, given.written_schema) == ("elsewhere", "elsewhere")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"selected": frozenset({"model.shop.passing"})}, "is ephemeral"),
        ({"selected": frozenset({"model.shop.clerks"})}, "no declared table is selected"),
        (
            {"selected": frozenset({"source.shop.erp.regions", "source.shop.other.regions"})},
            "are both tables named regions",
        ),
        ({"settings": {"tables": {}}}, "vars.synthlake.tables: dbt decides it"),
        ({"settings": {"tests": {"marginal": 0.1}}}, "knows no marginal"),
        ({"settings": {"tests": {"marginal_close": "0.1"}}}, "neither a number nor false"),
        ({"settings": {"schema": "main_crm"}}, "holds tables that are to be read"),
        ({"adapter": "snowflake"}, "of the type snowflake"),
        ({"credentials": {"path": ":memory:", "schema": "main", "database": "shop"}}, "in memory"),
        ({"credentials": {"path": "x.db", "schema": "main", "database": "x"}}, "the target is x"),
    ],
)
def test_what_cannot_be_is_refused(shop: Project, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.SpecError, match=said):
        synthesis_of(replace(shop, **{"selected": frozenset(DEFAULT), **changes}))


def test_ref_of_what_is_not_in_the_manifest_is_refused(shop: Project) -> None:
    manifest = dict(shop.manifest)
    lone = dict(manifest["nodes"]["model.shop.lone"])
    entry = {"foreign_keys": [{"columns": ["a"], "references": "ref('nothing')"}]}
    lone["config"] = {"meta": {"synthlake": entry}}
    manifest["nodes"] = {**manifest["nodes"], "model.shop.lone": lone}
    with pytest.raises(errors.SpecError, match=r"knows no ref\('nothing'\)"):
        _synthesis(replace(shop, manifest=manifest))


def test_tables_that_a_type_names_are_looked_up(shop: Project) -> None:
    manifest = dict(shop.manifest)
    lone = dict(manifest["nodes"]["model.shop.lone"])
    of = {"a": "ref('orders')", "b": {"references": "ref('customers')", "orphans": "null"}}
    key = {"columns": ["a"], "references": {"by": "b", "of": of}}
    lone["config"] = {"meta": {"synthlake": {"foreign_keys": [key]}}}
    manifest["nodes"] = {**manifest["nodes"], "model.shop.lone": lone}
    found = _entry(replace(shop, manifest=manifest), "lone")["foreign_keys"][0]["references"]
    assert found == {
        "by": "b",
        "of": {
            "a": {"references": "orders"},
            "b": {"references": "customers", "orphans": "null"},
        },
    }


POSTGRES = {
    "host": "::1", "port": 5433, "user": "o'neil", "password": "p@ss/w:rd", "database": "my db",
    "schema": "main", "sslmode": "require", "role": "data team", "connect_timeout": 10,
}  # fmt: skip


def test_credentials_become_a_url_that_is_shown_without_them(shop: Project) -> None:
    url = url_of("postgres", POSTGRES)
    assert url == (
        "postgresql+psycopg://o%27neil:p%40ss%2Fw%3Ard@[::1]:5433/my%20db?sslmode=require"
        "&connect_timeout=10&options=-crole%3Ddata%5C+team"
    )
    nodes = {
        key: {**node, "database": "my db"} if node.get("database") else node
        for key, node in shop.manifest["nodes"].items()
    }
    sources = {k: {**s, "database": "my db"} for k, s in shop.manifest["sources"].items()}
    found = _synthesis(
        replace(
            shop,
            adapter="postgres",
            credentials=POSTGRES,
            manifest={**shop.manifest, "nodes": nodes, "sources": sources},
        )
    )
    spec = api.SynthesisSpec.load(found.spec)
    assert spec.source.url == url
    for shown in (repr(found), repr(shop), repr(spec), str(spec.masked())):
        assert "p@ss" not in shown
        assert "p%40ss" not in shown


def test_a_socket_and_a_relative_path_are_where_dbt_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = {"host": "/run/my pg", "port": 5432, "user": "u", "password": "", "database": "d"}
    assert url_of("postgres", local) == ("postgresql+psycopg://u:@:5432/d?host=%2Frun%2Fmy+pg")
    monkeypatch.chdir(tmp_path)  # a DuckDB path starts where dbt is called, not at the project
    assert url_of("duckdb", {"path": "w.duckdb"}) == f"duckdb:///{tmp_path}/w.duckdb"
    assert url_of("duckdb", {"path": "/w.duckdb"}) == "duckdb:////w.duckdb"


def test_a_meta_with_nothing_behind_it_is_refused(shop: Project) -> None:
    manifest = dict(shop.manifest)
    lone = {**manifest["nodes"]["model.shop.lone"], "config": {"meta": {"synthlake": None}}}
    manifest["nodes"] = {**manifest["nodes"], "model.shop.lone": lone}
    with pytest.raises(errors.SpecError, match=r"lone: meta\.synthlake is not a mapping"):
        _synthesis(replace(shop, manifest=manifest))


def test_settings_come_from_all_projects_the_own_and_the_command_line() -> None:
    layers = [{"seed": 1, "k": 5}, None, {"seed": 3}]
    assert settings_of(layers) == {"seed": 3, "k": 5}
    with pytest.raises(errors.SpecError, match=r"vars\.synthlake is not a mapping"):
        settings_of(["seed"])


@pytest.mark.slow
def test_the_environment_names_the_target_and_no_file_is_needed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET", "prod")
    monkeypatch.setenv("DBT_TARGET_PATH", "elsewhere")
    monkeypatch.setenv("DBT_WRITE_JSON", "false")
    found = read_project(Asked(folder, folder))
    assert found.target == "prod"
    assert found.credentials["schema"] == "live"
    assert found.manifest["nodes"]["model.shop.orders"]["schema"] == "live_crm"
    assert not (folder / "elsewhere" / "manifest.json").exists()


def test_names_are_read_as_they_were_written() -> None:
    names = ["on", "no", "y", "1_000", "12:30", "null", "Id No", 'a"b', "it's", "{{ x }}"]
    written = _yaml({"tables": [{"name": n, "columns": names} for n in names]})
    read = yaml.safe_load(written)  # dbt reads by PyYAML, which is of YAML 1.1
    assert read == {"tables": [{"name": n, "columns": names} for n in names]}
    assert written.index("name:") < written.index("columns:")


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.SpecError, match=r"holds no dbt_project\.yml"):
        read_project(Asked(tmp_path))


@pytest.mark.slow
def test_what_dbt_refuses_is_told_without_a_secret(folder: Path) -> None:
    with pytest.raises(errors.SpecError, match="dbt parse failed") as caught:
        read_project(Asked(folder, folder, target="broken"))
    assert "Passw0rd" not in str(caught.value)
    with pytest.raises(errors.SpecError, match="dbt ls failed"):
        read_project(Asked(folder, folder, select=("state:modified",)))
