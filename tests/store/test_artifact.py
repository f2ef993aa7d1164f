"""Artifacts on a disk: whole or not at all, readable by this version or refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthlake.errors import ArtifactError, SinkOccupiedError
from synthlake.store.artifact import identity, load, save
from synthlake.store.parts import Parts

ODD = 'select "x"; drop'


def parts(**changes: object) -> Parts:
    held = {
        "manifest": {"schema": {"tables": []}, "k": 10, "shapes": ["A9", "é\ud800"], "bins": 3},
        "tensors": {
            "planes/tree": np.arange(7, dtype=np.int32),
            "planes/flags": np.array([True, False]),
            "empty": np.zeros((0, 3), dtype=np.float64),
        },
        "tables": {
            ODD: pa.table({"code": ["a", None], "n": pa.array([1, 2], pa.int8())}),
            "none": pa.table({"a": pa.array([], pa.timestamp("us", "UTC"))}),
        },
    }
    return Parts(**{**held, **changes})  # type: ignore[arg-type]


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    made = parts()
    identity_ = save(made, tmp_path / "a", {"created": "now"})
    found = load(tmp_path / "a")
    assert found.id == identity_
    assert dict(found.parts.manifest) == dict(made.manifest)
    assert found.parts.tensors.keys() == made.tensors.keys()
    for name, array in made.tensors.items():
        assert found.parts.tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(found.parts.tensors[name], array)
    assert {n: t.to_pylist() for n, t in found.parts.tables.items()} == {
        n: t.to_pylist() for n, t in made.tables.items()
    }
    assert found.parts.tables[ODD].schema == made.tables[ODD].schema
    assert found.provenance == {"created": "now"}


def test_the_id_follows_from_what_is_held_alone(tmp_path: Path) -> None:
    first = save(parts(), tmp_path / "a", {"created": "now"})
    chunked = {
        ODD: pa.concat_tables([parts().tables[ODD].slice(0, 1), parts().tables[ODD].slice(1)]),
        "none": parts().tables["none"],
    }
    assert save(parts(tables=chunked), tmp_path / "b", {"created": "later"}) == first
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (
        tmp_path / "b" / "manifest.json"
    ).read_bytes()
    tensors = {**parts().tensors, "planes/tree": np.arange(7, dtype=np.int64)}
    assert identity(parts(tensors=tensors)) != first
    assert identity(parts(manifest={"k": 1})) != first
    assert identity(parts(tables={})) != first


def damaged(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut_short(folder: Path) -> None:
    path = folder / "keep" / "0.arrow"
    path.write_bytes(path.read_bytes()[:-10])


def missing(folder: Path) -> None:
    (folder / "keep" / "1.arrow").unlink()


def changed_manifest(folder: Path) -> None:
    edit(folder, lambda manifest: manifest["model"].update(k=1))


def newer(folder: Path) -> None:
    edit(folder, lambda manifest: manifest.update(format=99))


def outside(folder: Path) -> None:
    edit(folder, lambda m: m["files"].update({"../x": {"bytes": 1, "digest": ""}}))


def other_kind(folder: Path) -> None:
    edit(folder, lambda manifest: manifest.update(kind="something"))


def no_files(folder: Path) -> None:
    edit(folder, lambda manifest: manifest.update(files=[]))


def not_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def edit(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "harm",
    [
        damaged, cut_short, missing, changed_manifest, newer, outside, other_kind, no_files,
        not_json, no_manifest,
    ],
)  # fmt: skip
def test_harm_is_found(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    save(parts(), tmp_path / "a")
    harm(tmp_path / "a")
    with pytest.raises(ArtifactError) as caught:
        load(tmp_path / "a")
    assert caught.value.hint


def test_nothing_there_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        load(tmp_path / "nowhere")


def test_an_artifact_replaces_an_artifact_and_nothing_else(tmp_path: Path) -> None:
    save(parts(), tmp_path / "a")
    second = save(parts(tables={}), tmp_path / "a")
    assert load(tmp_path / "a").id == second
    assert not (tmp_path / "a" / "keep").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(SinkOccupiedError):
        save(parts(), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "mine"]


def test_it_holds_no_code(tmp_path: Path) -> None:
    save(parts(), tmp_path / "a")
    kinds = {path.suffix for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert kinds == {".json", ".safetensors", ".arrow"}


def test_reading_it_loads_nothing_that_learns(tmp_path: Path) -> None:
    save(parts(), tmp_path / "a")
    code = (
        "import sys; from synthlake.store.artifact import load; load(sys.argv[1]);"
        "print(sorted({'torch', 'pandas', 'sklearn', 'pickle5'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
