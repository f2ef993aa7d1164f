"""Lists, structs and maps are learned: planted structure comes back."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthlake as sl
from synthlake.store.artifact import load
from synthlake.store.contents import contents

ROWS = 4_000
KEYS = ["alpha", "beta", "gamma", "delta"]


def _tags(random: np.random.Generator, kind: int) -> list[str] | None:
    """As many as the kind says, of its own two letters, most like the one before."""
    if random.random() < 0.1:
        return None
    out, side = [], int(random.integers(0, 2))
    for _ in range(int(random.integers(2 * kind, 2 * kind + 3))):
        side = 1 - side if random.random() < 0.15 else side
        out.append(["ab", "cd", "ef"][kind][side])
    return out


def _struct(random: np.random.Generator, x: float) -> dict[str, Any] | None:
    if random.random() < 0.2:
        return None
    y = 2 * x + float(random.normal()) * 0.2
    return {
        "x": round(x, 2), "y": round(y, 2), "high": x > 0,
        "rare": None if random.random() < 0.3 else "some",
    }  # fmt: skip


def _real() -> pa.Table:
    random = np.random.default_rng(1)
    kinds = random.integers(0, 3, ROWS)
    entries = [[(k, int(random.integers(0, 3)) + 10 * KEYS.index(k))
                for k in random.permutation(KEYS)[: random.integers(0, 5)]]
               for _ in range(ROWS)]  # fmt: skip
    steps = np.cumsum(random.normal(size=(ROWS, 4)), axis=1)
    return pa.table({
        "id": np.arange(ROWS),
        "kind": pa.array(kinds.astype(str)),
        "tags": pa.array([_tags(random, int(k)) for k in kinds], pa.list_(pa.string())),
        "s": pa.array([_struct(random, float(x)) for x in random.normal(size=ROWS)]),
        "m": pa.array(entries, pa.map_(pa.string(), pa.int64())),
        "deep": pa.array([[[int(k)] * n for n in range(int(random.integers(0, 3)))] for k in kinds],
                         pa.list_(pa.list_(pa.int8()))),
        "walk": pa.array(np.round(steps, 1).tolist(), pa.list_(pa.float64(), 4)),
    })  # fmt: skip


@pytest.fixture(scope="module")
def real() -> pa.Table:
    return _real()


@pytest.fixture(scope="module")
def artifact(real: pa.Table) -> Any:
    return sl.fit({"t": real}, seed=0)


@pytest.fixture(scope="module")
def twin(artifact: Any) -> pa.Table:
    made = artifact.sample(seed=1)["t"].to_arrow()
    made.validate(full=True)
    return made


def test_types_are_the_same(real: pa.Table, twin: pa.Table) -> None:
    assert twin.schema.types == real.schema.types


def _lengths(table: pa.Table, kind: str) -> Counter[int]:
    rows = zip(table["kind"].to_pylist(), table["tags"].to_pylist(), strict=True)
    return Counter(-1 if tags is None else len(tags) for of, tags in rows if of == kind)


@pytest.mark.parametrize("kind", ["0", "1", "2"])
def test_length_and_items_follow_the_row(real: pa.Table, twin: pa.Table, kind: str) -> None:
    a, b = _lengths(real, kind), _lengths(twin, kind)
    gap = sum(abs(a[n] / a.total() - b[n] / b.total()) for n in {*a, *b}) / 2
    assert gap < 0.06
    rows = zip(twin["kind"].to_pylist(), twin["tags"].to_pylist(), strict=True)
    letters = [tag for of, tags in rows if of == kind for tag in tags or ()]
    right = ["ab", "cd", "ef"][int(kind)]
    assert np.mean([tag in right for tag in letters]) > 0.98
    assert np.mean([tag == right[0] for tag in letters]) == pytest.approx(0.5, abs=0.05)


def _stays(table: pa.Table) -> float:
    rows = [tags for tags in table["tags"].to_pylist() if tags]
    return float(np.mean([a == b for tags in rows for a, b in itertools.pairwise(tags)]))


def test_items_follow_the_item_before(real: pa.Table, twin: pa.Table) -> None:
    assert _stays(real) == pytest.approx(0.85, abs=0.02)
    assert _stays(twin) == pytest.approx(_stays(real), abs=0.03)


def test_fields_of_a_struct_hang_together(real: pa.Table, twin: pa.Table) -> None:
    found = {}
    for name, table in (("real", real), ("twin", twin)):
        structs = [s for s in table["s"].to_pylist() if s is not None]
        numbers = np.array([(s["x"], s["y"], s["high"]) for s in structs], float)
        rare = np.mean([s["rare"] is None for s in structs])
        found[name] = (len(structs) / ROWS, float(rare), np.corrcoef(numbers.T))
    assert found["twin"][0] == pytest.approx(found["real"][0], abs=0.03)
    assert found["twin"][1] == pytest.approx(found["real"][1], abs=0.03)
    assert np.abs(found["twin"][2] - found["real"][2]).max() < 0.03


def test_maps_have_distinct_keys_with_their_values(real: pa.Table, twin: pa.Table) -> None:
    maps = twin["m"].to_pylist()
    assert all(len({k for k, _ in m}) == len(m) for m in maps)
    assert np.mean([v // 10 == KEYS.index(k) for m in maps for k, v in m]) > 0.99
    a, b = (np.bincount([len(m) for m in t["m"].to_pylist()], minlength=5) / ROWS
            for t in (real, twin))  # fmt: skip
    assert np.abs(a - b).max() < 0.04


def test_nests_of_lists(real: pa.Table, twin: pa.Table) -> None:
    rows = list(zip(twin["kind"].to_pylist(), twin["deep"].to_pylist(), strict=True))
    assert np.mean([str(v) == k for k, outer in rows for inner in outer for v in inner]) > 0.98
    assert all(len(inner) == place for _, outer in rows for place, inner in enumerate(outer))


def test_lists_of_one_size(real: pa.Table, twin: pa.Table) -> None:
    a, b = (np.array(t["walk"].to_pylist(), float) for t in (real, twin))
    assert np.abs(a.std(axis=0) - b.std(axis=0)).max() < 0.15
    near = [np.corrcoef(v[:, 2], v[:, 3])[0, 1] for v in (a, b)]
    assert near[1] == pytest.approx(near[0], abs=0.05)


def test_any_range_has_the_same_rows(artifact: Any, twin: pa.Table, tmp_path: Path) -> None:
    artifact.save(tmp_path / "a")
    table = sl.load(tmp_path / "a").sample(seed=1)["t"]
    for start, stop in ((0, 1), (7, 900), (3_999, 4_000)):
        part = pa.Table.from_batches(table.batches(start, stop), table.schema)
        assert part.equals(twin.slice(start, stop - start))


def test_an_artifact_says_what_it_holds_of_items(artifact: Any, tmp_path: Path) -> None:
    artifact.save(tmp_path / "a")
    parts = load(tmp_path / "a").parts
    found = [e for e in contents(parts.manifest, parts.tensors) if e.table == "t"]
    said = {e.place: e.what for e in found if e.what in ("categories", "ranges of values")}
    assert said["tags[].item"] == "categories"
    assert said["deep[].item[].item"] == "ranges of values"
    assert said["m[].key"] == "categories"
    assert said["s.x"] == "ranges of values"
    assert not [e for e in found if "/" in e.place]  # no tensor without words


def test_items_of_one_row_are_one_entity() -> None:
    """A word that one row repeats a thousand times is nowhere in the twin."""
    rows = 600
    tags = [["common"]] * (rows - 1) + [["hunter2"] * 1_000]
    real = pa.table({"id": np.arange(rows), "tags": pa.array(tags)})
    artifact = sl.fit({"t": real}, seed=0)
    twin = artifact.sample(seed=1)["t"].to_arrow()
    assert "hunter2" not in str(twin["tags"].to_pylist())
    assert max(len(t) for t in twin["tags"].to_pylist()) < 1_000


def test_independent_columns_keep_their_own_shares() -> None:
    real = _real()
    twin = sl.fit({"t": real}, seed=0, synthesizer="independent").sample(seed=1)["t"].to_arrow()
    rare = [np.mean([s["rare"] is None for s in t["s"].to_pylist() if s]) for t in (real, twin)]
    assert rare[1] == pytest.approx(rare[0], abs=0.04)
    assert all(s["x"] is not None for s in twin["s"].to_pylist() if s)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([None] * 60, pa.list_(pa.int64())),
        pa.array([[]] * 60, pa.list_(pa.struct([("a", pa.int64())]))),
        pa.array([None] * 60, pa.struct([("a", pa.list_(pa.string()))])),
        pa.array([{}] * 60, pa.struct([])),
        pa.array([[None, None]] * 60, pa.list_(pa.null(), 2)),
        pa.array([[("a", None)]] * 60, pa.map_(pa.string(), pa.int64())),
    ],
    ids=str,
)
def test_lists_and_structs_with_nothing_in_them(values: pa.Array, tmp_path: Path) -> None:
    artifact = sl.fit({"t": pa.table({"id": np.arange(60), "v": values})})
    artifact.save(tmp_path / "a")
    made = sl.load(tmp_path / "a").sample()["t"].to_arrow()
    assert made["v"].type == values.type
    assert made["v"].to_pylist() == values.to_pylist()


def test_children_see_the_structs_of_their_parents() -> None:
    random = np.random.default_rng(0)
    sides = random.integers(0, 2, 800)
    parents = pa.table({
        "id": np.arange(800), "s": pa.array([{"side": f"s{n}"} for n in sides]),
    })  # fmt: skip
    owner = np.repeat(np.arange(800), 3)
    children = pa.table({
        "id": np.arange(len(owner)), "parent_id": owner,
        "echo": pa.array([[f"s{sides[n]}"] * 2 for n in owner]),
    })  # fmt: skip
    schema = {"children": {"foreign_keys": [
        {"columns": ["parent_id"], "references": "parents", "mode": "own"}]}}  # fmt: skip
    twin = sl.fit({"parents": parents, "children": children}, schema).sample(seed=1).to_arrow()
    sides_made = [s["side"] for s in twin["parents"]["s"].to_pylist()]
    side = dict(zip(twin["parents"]["id"].to_pylist(), sides_made, strict=True))
    rows = zip(twin["children"]["parent_id"].to_pylist(),
               twin["children"]["echo"].to_pylist(), strict=True)  # fmt: skip
    assert np.mean([echo == [side[parent]] * 2 for parent, echo in rows]) > 0.95


def test_the_judge_scores_lengths_and_says_what_it_does_not_score() -> None:
    real = _real().slice(0, 800)
    report = sl.evaluate({"t": real}, sl.fit({"t": real}, seed=0).sample(seed=1))
    scored = {(row.metric, row.subject.columns): row.twin for row in report.scores}
    assert scored["ks", ("tags",)].value is not None
    assert "not compared" in scored["tvd", ("s",)].reason
