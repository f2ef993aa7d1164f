"""Finding a run that others have made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthlake.api import find_run
from synthlake.errors import SpecError
from synthlake.pipeline.run import RunSettings, run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a published run, and one that was put aside."""
    folder = tmp_path_factory.mktemp("made")
    pq.write_table(pa.table({"a": list(range(300))}), folder / "t.parquet")
    spec: dict[str, Any] = {"source": str(folder / "t.parquet"), "evaluate": {"tier": "quick"}}
    for name, bound in (("one", 0), ("two", 2)):
        gates = [{"metric": "rows", "at_least": bound}]
        run({**spec, "sink": str(folder / "twin"), "gates": gates}, RunSettings(name))
    return folder


def test_the_published_run_is_found_and_the_one_put_aside(made: Path) -> None:
    found = find_run(made / "twin")
    assert found is not None
    assert (found.run_id, found.decision, found.passed) == ("one", "PASS", True)
    assert set(found.rows) == {"t"}
    assert (
        found
        == find_run(f"parquet://{made}/twin", "one")
        == find_run({"url": f"{made}/twin"}, "one")
    )
    aside = find_run(made / "twin", "two")
    assert aside is not None
    assert (aside.run_id, aside.passed) == ("two", False)


def test_what_is_not_there_is_not_found(made: Path) -> None:
    assert find_run(made / "twin", "three") is None
    assert find_run(made / "nothing") is None


@pytest.mark.parametrize("sink", ["nowhere://x", {"folder": "x"}])
def test_what_is_no_sink_is_a_typed_error(sink: Any) -> None:
    with pytest.raises(SpecError):
        find_run(sink)
