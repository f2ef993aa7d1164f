"""What Airflow sees of the provider, and what its parts do without a DAG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.airflow.home import Home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def facts(airflow_home: Home, two_days: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All answers, from one process."""
    sink = tmp_path_factory.mktemp("facts") / "twin"
    done = airflow_home.run(
        "python", str(Path(__file__).with_name("facts.py")), str(sink),
        AIRFLOW_CONN_REAL=connection(two_days), AIRFLOW_CONN_MISSING=connection(sink),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def connection(folder: Path) -> str:
    """A connection of ours to a folder."""
    extra = {"driver": "parquet", "path": str(folder)}
    return json.dumps({"conn_type": "synthlake", "extra": extra})


def test_airflow_lists_the_provider(airflow_home: Home) -> None:
    done = airflow_home.run("airflow", "providers", "list", "--output", "json")
    listed = {entry["package_name"]: entry for entry in json.loads(done.stdout.splitlines()[-1])}
    assert "synthetic twin" in listed["synthlake"]["description"]


def test_reading_dags_loads_nothing_of_core(facts: Any) -> None:
    assert facts["parsed"] == []


def test_provider_info_is_valid_and_names_what_exists(facts: Any) -> None:
    assert facts["schema_errors"] == []
    assert facts["named"] == [
        "ReportLink", "RunLink", "synthesize_task", "SynthlakeHook", "sanitize_uri", "create_asset",
    ]  # fmt: skip


def test_the_form_for_connections(facts: Any) -> None:
    assert facts["form"] == {
        "fields": ["driver", "options", "path", "schema_name"],
        "relabeling": {"schema": "Database"},
        "testable": True,
    }


def test_arguments_that_do_not_go_together_are_refused_at_once(facts: Any) -> None:
    said = facts["constructors"]
    assert said.pop("reference") == said.pop("rendered") == "no error"
    for what, error in said.items():
        assert error.startswith("SpecError"), (what, error)
        assert "Hint:" in error
        assert "hunter22" not in error
    assert "cannot defer" in said["defer"]
    assert "source_conn_id" in said["secret"]


def test_connections_become_addresses(facts: Any) -> None:
    found = facts["addresses"]
    assert found["postgres"] == {
        "url": "postgresql+psycopg://me:p%40%3A%2F%C3%BC@db:5433/shop", "schema": "sales",
    }  # fmt: skip
    assert found["secured"] == {
        "url": "postgresql+psycopg://me:p%40%3A%2F%C3%BC@db:5433/shop?sslmode=verify-full"
        "&sslrootcert=%2Fa%20b&keepalives=1&options=-c%20statement_timeout%3D5",
    }  # fmt: skip
    assert found["socket"] == {
        "url": "postgresql+psycopg://me@/shop?host=%2Fvar%2Frun%2Fpostgresql"
    }
    assert found["ipv6"] == {"url": "postgresql+psycopg://[::1]/shop"}
    assert found["sqlite"] == {"url": "sqlite:////data/shop.db"}
    assert found["duckdb"] == {"url": "duckdb:////data/shop.duckdb"}
    assert found["folder"] == {"url": "parquet:///data/nyc"}
    assert found["options"] == {"url": "delta://s3://b/t", "options": {"a": "1"}}
    assert "names no path and no host" in found["nothing"]
    assert "has no driver" in found["no driver"]


def test_a_connection_can_be_tried(facts: Any) -> None:
    (works, said), (fails, why) = facts["tested"]
    assert (works, said) == (True, "5 tables")
    assert not fails
    assert "there is nothing at" in why


def test_sinks_are_assets_without_secrets(facts: Any) -> None:
    *uris, refused = facts["assets"]
    assert uris == [
        "file:///data/twin", "file:///data/a%2520b", "postgresql+psycopg://db/shop",
        "parquet:/data/twin",  # as Airflow writes each scheme that has no server
    ]  # fmt: skip
    assert "has to name a folder" in refused


def test_the_trigger_waits_without_blocking_and_fires_once(facts: Any) -> None:
    assert facts["trigger"]["pending"]
    assert facts["trigger"]["event"] == {
        "run_id": "r", "decision": "", "artifact": "a", "rows": {"t": 3},
    }  # fmt: skip
    assert "SpecError" in facts["trigger"]["bad"]["error"]
    assert not facts["trigger"]["bad"]["may_pass"]
    assert facts["trigger"]["down"]["may_pass"], "the server may come back"


def test_a_sensor_that_defers_fails_as_one_that_waits(facts: Any) -> None:
    final, passing, looked, softly = facts["sensed"]
    assert final == "AirflowFailException: e"
    assert passing == "AirflowException: e"
    assert looked.startswith("AirflowFailException: SpecError")
    assert softly.startswith("AirflowSkipException: not published")


def test_links_to_what_was_put_aside(facts: Any) -> None:
    assert facts["links"] == {
        "Synthlake run": "https://files/twin.rejected/",
        "Quality report": "https://files/twin.rejected/report.html",
    }


def test_an_xcom_stays_small_however_many_gates_are_missed(facts: Any) -> None:
    assert facts["missed"][19:] == ["g (19)", "and 980 more"]
