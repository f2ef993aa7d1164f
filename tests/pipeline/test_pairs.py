"""Polymorphic references that `init` proposes, and those that it leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tests.relational.polymorphic import comments

import synthlake as sl
from synthlake.pipeline.propose import propose

ROWS = 600


def blog(folder: Path, kinds: tuple[str, ...] = ("post", "photo"), lost: float = 0.0) -> str:
    """Comments with their type and id, and other references, as Parquet; a share has no parent."""
    random, tables = np.random.default_rng(3), comments(10)
    kind = random.choice(kinds, ROWS)
    ids = np.where(
        kind == "post", random.integers(1, 401, ROWS), random.integers(1_000, 1_300, ROWS)
    )
    ids = np.where(random.random(ROWS) < lost, 7_000 + np.arange(ROWS), ids)
    tables["comments"] = pa.table({
        "id": np.arange(ROWS), "post_id": random.integers(1, 401, ROWS),
        "commentable_type": kind, "commentable_id": ids,
    })  # fmt: skip
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return str(folder)


def test_a_pair_whose_types_name_tables_is_proposed(tmp_path: Path) -> None:
    text = propose(blog(tmp_path))
    line = next(line for line in text.splitlines() if "commentable_type, of:" in line)
    assert "{references: posts, to: [id], orphans: keep}" in line
    assert "distinct keys are there" in line
    assert "columns: [post_id], references: posts" in text
    assert "commentable_id of" not in text.replace(line, "")
    (tmp_path / "spec.yml").write_text(text)
    twin = sl.fit(str(tmp_path), sl.Schema.load(tmp_path / "spec.yml"), seed=1).sample(seed=1)
    held = twin.to_arrow()
    keys = {"post": held["posts"]["id"], "photo": held["photos"]["pid"]}
    for kind, known in keys.items():
        mine = held["comments"].filter(pc.equal(held["comments"]["commentable_type"], kind))
        assert mine.num_rows
        assert pc.all(pc.is_in(mine["commentable_id"], known.combine_chunks())).as_py()


def test_a_type_that_names_no_table_leaves_the_pair_out(tmp_path: Path) -> None:
    assert "of:" not in propose(blog(tmp_path, ("post", "photo", "secret")))
    assert "secret" not in propose(str(tmp_path))


def test_one_type_alone_is_a_plain_reference(tmp_path: Path) -> None:
    assert "commentable_type, of:" not in propose(blog(tmp_path, ("post",)))


def test_ids_that_are_not_there_leave_the_pair_out(tmp_path: Path) -> None:
    assert "of:" not in propose(blog(tmp_path, lost=0.5))
