"""Folders that appear whole or not at all, and digests of what lies in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlake.errors import ArtifactError, SinkOccupiedError
from synthlake.store.canonical import canonical_json, digest_array
from synthlake.store.directory import check_target, staging, write_file
from synthlake.store.tensors import load_tensors, save_tensors


def always(folder: Path) -> bool:
    return True


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "t"
    with staging(target, always) as staged:
        write_file(staged / "a" / "b", b"old")

    def fail() -> None:
        with staging(target, always) as staged:
            write_file(staged / "a" / "b", b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (target / "a" / "b").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["t"]
    with staging(target, always) as staged:
        write_file(staged / "c", b"new")
    assert [p.name for p in target.iterdir()] == ["c"]
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "empty").mkdir()
    for name in ("file", "full"):
        with pytest.raises(SinkOccupiedError):
            check_target(tmp_path / name, lambda folder: False)
    check_target(tmp_path / "empty", lambda folder: False)
    check_target(tmp_path / "none", lambda folder: False)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values))
def test_the_order_of_keys_does_not_show(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(turned)


def test_no_nan_in_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


def test_an_array_is_its_type_shape_and_values() -> None:
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert digest_array(array) == digest_array(np.asfortranarray(array))
    assert digest_array(array) == digest_array(array.astype(">i4"))
    others = [array.reshape(3, 2), array.astype(np.int64), array + 1]
    assert len({digest_array(a) for a in [array, *others]}) == 4


def test_tensors_come_back(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    tensors = {"counts": np.arange(3), "none": np.zeros(0, dtype=np.int8)}
    first = save_tensors(path, {"seed": 1, "é": ["x"]}, tensors)
    document, found = load_tensors(path)
    assert document == {"seed": 1, "é": ["x"]}
    assert {n: a.tolist() for n, a in found.items()} == {"counts": [0, 1, 2], "none": []}
    assert save_tensors(tmp_path / "again", document, found) == first
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ArtifactError):
        load_tensors(path)
    with pytest.raises(ArtifactError):
        load_tensors(tmp_path / "missing")
