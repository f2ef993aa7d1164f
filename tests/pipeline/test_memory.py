"""A run that needs more memory than there is, is refused before it learns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import synthlake as sl
from synthlake.errors import LearnError
from synthlake.models.registry import trees_of
from synthlake.pipeline import memory
from synthlake.pipeline.estimate import Size

MB = 1_000_000


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for what the system says of its memory: 8,192 MB are free."""
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path / "cgroup")
    (tmp_path / "cgroup").mkdir()
    return tmp_path


def test_the_machine_says_what_is_free(machine: Path) -> None:
    assert memory.free_mb() == 8_192


def test_a_container_may_have_less_than_its_machine(machine: Path) -> None:
    (machine / "cgroup/memory.max").write_text(f"{2_000 * MB}\n")
    (machine / "cgroup/memory.current").write_text(f"{1_500 * MB}\n")
    (machine / "cgroup/memory.stat").write_text(f"anon 5\ninactive_file {400 * MB}\n")
    assert memory.free_mb() == 900  # files that were read can be dropped


def test_a_container_without_a_limit_has_what_its_machine_has(machine: Path) -> None:
    (machine / "cgroup/memory.max").write_text("max\n")
    (machine / "cgroup/memory.current").write_text(f"{1_500 * MB}\n")
    assert memory.free_mb() == 8_192


def test_the_first_version_of_control_groups(machine: Path) -> None:
    held = machine / "cgroup/memory"
    held.mkdir()
    (held / "memory.limit_in_bytes").write_text(f"{1_000 * MB}\n")
    (held / "memory.usage_in_bytes").write_text(f"{300 * MB}\n")
    assert memory.free_mb() == 700


def test_nobody_says(machine: Path) -> None:
    (machine / "meminfo").unlink()
    assert memory.free_mb() is None
    assert memory.too_little([Size(10**9, 0, 1_000)], 10**9) is None


def test_the_way_out_is_enough(machine: Path) -> None:
    sizes = [Size(1_000_000, 0, 1_000)]
    found = memory.too_little(sizes, 1_000_000)
    assert found is not None
    assert "8,192 MB are free" in found[0]
    rows = int(found[1].split("max_rows to ")[1].split(" ")[0].replace(",", ""))
    assert memory.too_little(sizes, rows) is None
    assert memory.too_little(sizes, rows * 2) is not None


def test_fit_refuses_before_it_draws(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = machine / "data"
    data.mkdir()
    pq.write_table(pa.table({"a": range(5_000), "b": range(5_000)}), data / "t.parquet")
    monkeypatch.setattr(memory, "free_mb", lambda: 300)
    monkeypatch.setattr("synthlake.pipeline.estimate.BYTES_A_CELL", 100_000)
    with pytest.raises(LearnError, match="300 MB are free") as caught:
        sl.fit(data)
    assert "give it more memory" in caught.value.hint


def test_the_plan_says_it_as_a_problem(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthlake.pipeline.plan import plan_run
    from synthlake.pipeline.spec import SynthesisSpec

    data = machine / "data"
    data.mkdir()
    pq.write_table(pa.table({"a": range(5_000)}), data / "t.parquet")
    monkeypatch.setattr(memory, "free_mb", lambda: 500)
    monkeypatch.setattr("synthlake.pipeline.estimate.BYTES_A_CELL", 100_000)
    source = sl.open(data)
    plan = plan_run(source, source.schema(), SynthesisSpec(source=str(data)))
    assert any("500 MB are free" in said and "max_rows" in said for said in plan.problems)


def test_what_was_freed_goes_back() -> None:
    held = [bytes(1_000) for _ in range(300_000)]
    last = bytes(1_000)  # lies above, so that the heap cannot shrink by itself
    before = _resident()
    del held
    memory.give_back()
    assert last
    assert _resident() < before - 200 * MB


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_model_draws_the_same_after_its_tables_are_gone(tmp_path: Path) -> None:
    table = pa.table({"a": [n % 7 for n in range(3_000)], "b": [n % 5 for n in range(3_000)]})
    twin = sl.fit({"t": table}, seed=0).sample(seed=1)
    trees = trees_of(twin.model.tables["t"].synthesizer)
    assert trees is not None
    before = twin.to_arrow()["t"]
    kept = [set(vars(step.leaves)) & {"_cells", "_codes"} for step in trees.steps]
    assert any(kept)
    twin.write(tmp_path / "twin")
    assert not any(set(vars(step.leaves)) & {"_cells", "_codes"} for step in trees.steps)
    assert twin.to_arrow()["t"].equals(before)
