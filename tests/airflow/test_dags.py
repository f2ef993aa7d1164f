"""DAGs by ``dag.test()``."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.airflow.conftest import SECRET, Ran

from synthlake.api import RunSettings, load, run

pytestmark = pytest.mark.slow


def test_the_example_is_green_and_tells_what_it_made(tested: Ran) -> None:
    states = tested.home.states("nyc_twin")
    assert states == {
        "synthesize": "success", "gate": "success", "evaluate": "success", "say_so": "skipped",
    }  # fmt: skip
    folder = tested.folder / "nyc_twin" / "twin"
    (outcome,) = tested.home.xcom("nyc_twin", "synthesize")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert outcome["artifact"] == manifest["artifact"]
    assert outcome["rows"] == {t: entry["rows"] for t, entry in manifest["tables"].items()}
    assert outcome["decision"] == "PASS"
    dag, task, _, index = outcome["run_id"].rsplit("/", 3)
    assert (dag, task, index) == ("nyc_twin", "synthesize", "-1")
    assert len(json.dumps(outcome)) < 2000
    (report,) = tested.home.xcom("nyc_twin", "synthesize", "_link_ReportLink")
    assert report == (folder / "report.html").as_uri()
    said = tested.said["nyc_twin"]
    for line in (
        "plan: 5 tables",
        "fit: learning 5 tables",
        "rows: airlines: 16 real, 16 twin",
        "gate: PASS primary_key ≤ 0: 0",
        "decision: PASS",
        f"report: {folder}/report.html",
    ):
        assert line in said


def test_the_asset_knows_the_twin(tested: Ran) -> None:
    (event,) = tested.home.rows("SELECT extra FROM asset_event WHERE source_dag_id = 'nyc_twin'")
    (outcome,) = tested.home.xcom("nyc_twin", "synthesize")
    extra = json.loads(event["extra"])
    assert extra == {key: outcome[key] for key in ("rows", "quality", "artifact", "run_id")}


def test_paths_that_look_like_templates_arrive_as_they_are(tested: Ran) -> None:
    assert set(tested.home.states("paths").values()) == {"success"}
    folder = tested.folder / "paths"
    (outcome,) = tested.home.xcom("paths", "synthesize")
    assert outcome["folder"] == str(folder / "twin.json")
    assert (folder / "twin.json" / "planes.parquet").is_file()
    assert (folder / "report.yml" / "report.html").is_file()
    rendered = tested.home.rows(
        "SELECT task_id, rendered_fields FROM rendered_task_instance_fields WHERE dag_id = 'paths'"
    )
    fields = {row["task_id"]: json.loads(row["rendered_fields"]) for row in rendered}
    assert fields["synthesize"]["spec"] == str(folder / "spec.json")
    assert fields["evaluate"]["schema"] == str(folder / "spec.yml")
    (asset,) = tested.home.rows(
        "SELECT uri FROM asset JOIN asset_event ON asset.id = asset_id"
        " WHERE source_dag_id = 'paths'"
    )
    assert asset["uri"] == (folder / "twin.json").as_uri()


def test_python_makes_the_same_artifact_and_the_same_rows(tested: Ran, tmp_path: Path) -> None:
    folder = tested.folder / "paths"
    spec = (folder / "spec.json").read_text().replace("{{ params.folder }}", str(folder))
    made = run(json.loads(spec), RunSettings(out=str(tmp_path / "twin")))
    (outcome,) = tested.home.xcom("paths", "synthesize")
    assert load(made.artifact).id == outcome["artifact"]
    for path in sorted(made.folder.glob("*.parquet")):
        assert path.read_bytes() == (folder / "twin.json" / path.name).read_bytes()
    assert len(list(made.folder.glob("*.parquet"))) == 2


def test_gates_branch_and_cut_short(tested: Ran) -> None:
    states = tested.home.states("gates")
    assert states == {
        "rejected": "success", "branch": "success", "yes": "skipped", "no": "success",
        "short": "success", "after": "skipped", "after_after": "skipped",
        "kinder": "success", "kindly": "success",
    }  # fmt: skip
    (rejected,) = tested.home.xcom("gates", "rejected")
    assert rejected["decision"] == "FAIL"
    assert not (tested.folder / "gates" / "rejected").exists()
    assert tested.home.rows("SELECT * FROM asset_event WHERE source_dag_id = 'gates'") == []
    (kinder,) = tested.home.xcom("gates", "kinder")
    assert kinder["decision"] == "PASS"
    (short,) = tested.home.xcom("gates", "short")
    assert short["missed"]


def test_a_failed_gate_fails_tasks_and_is_not_tried_again(tested: Ran) -> None:
    assert set(tested.home.states("fails").values()) == {"failed"}
    (refused,) = tested.home.rows(
        "SELECT try_number, max_tries FROM task_instance WHERE task_id = 'refused'"
    )
    assert refused == {"try_number": 1, "max_tries": 3}
    (link,) = tested.home.xcom("fails", "refused", "_link_ReportLink")
    assert link.endswith("/refused.rejected/report.html")
    assert "was put aside: a gate failed" in tested.said["fails"]


def test_functions_and_mapped_tasks_have_runs_of_their_own(tested: Ran) -> None:
    folder = tested.folder / "mapped"
    assert set(tested.home.states("mapped").values()) == {"success"}
    (decorated,) = tested.home.xcom("mapped", "decorated")
    seeds = tested.home.xcom("mapped", "seeds")
    assert [made["run_id"].rpartition("/")[2] for made in seeds] == ["0", "1"]
    manifests = [json.loads((folder / f"seed-{n}/manifest.json").read_text()) for n in (0, 1)]
    assert [manifest["seed"] for manifest in manifests] == [1, 2]
    assert decorated["folder"] == str(folder / "decorated")


def test_a_password_opens_the_source_and_is_written_nowhere(tested: Ran) -> None:
    assert tested.home.states("secret") == {"shop": "success", "gone": "failed"}
    assert (tested.folder / "secret" / "shop" / "planes.parquet").is_file()
    forms = {SECRET, quote(SECRET, safe=""), quote(SECRET), json.dumps(SECRET)[1:-1]}
    files = [*tested.home.files(), *(p for p in tested.folder.rglob("*") if p.is_file())]
    for form in forms:
        assert form not in "".join(tested.said.values())
        for path in files:
            assert form.encode() not in path.read_bytes(), path
