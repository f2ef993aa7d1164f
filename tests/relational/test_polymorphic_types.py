"""Ids of several tables: of other types than the keys, and beside cells that are filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import key
from tests.relational.polymorphic import comments, declared

import synthlake as sl
from synthlake.errors import SampleError


@pytest.mark.parametrize("column", ["on_type", "on_id"])
def test_a_type_is_not_drawn_beside_an_id_that_stays(column: str) -> None:
    """A photo's id with the type of a post would be a reference to another row, or to none."""
    real = comments(1_000)
    artifact = sl.fit(real, declared(), seed=7)
    rows = real["comments"]
    for fill in (artifact.impute, artifact.replace):
        with pytest.raises(SampleError, match="is a key, a reference or not learned") as caught:
            fill(rows, columns=[column], table="comments")
        assert caught.value.hint == "columns are score"
    score = pa.array([None] * 9 + rows["score"].to_pylist()[9:], pa.float64())
    holes = rows.set_column(3, "score", score)
    filled = artifact.impute(holes, table="comments", seed=1)
    assert filled["score"].null_count == 0
    assert filled.drop(["score"]).equals(rows.drop(["score"]))


def typed_ids(kind: str) -> dict[str, pa.Table]:
    """Comments whose ids, of two hundred posts and photos at most, are of another type."""
    real = comments(1_000)
    real["posts"], real["photos"] = real["posts"].slice(0, 100), real["photos"].slice(0, 20)
    real["photos"] = real["photos"].set_column(0, "pid", pa.array(np.arange(20)))
    ids = pa.array([None if i is None else i % 20 for i in real["comments"]["on_id"].to_pylist()])
    made: Any = ids.cast(pa.decimal128(38, 0)).cast(pa.decimal128(6, 0))
    if kind == "dictionary":
        made = ids.dictionary_encode()
    if kind == "narrow":
        made = ids.cast(pa.int8())
    real["comments"] = real["comments"].set_column(2, "on_id", made)
    return real


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", ["dictionary", "decimal"])
def test_ids_keep_their_type_where_that_of_the_keys_is_another(
    kind: str, plain: bool, tmp_path: Path
) -> None:
    real, schema = typed_ids(kind), declared()
    if plain:
        schema["comments"]["foreign_keys"] = [key("on_id", "posts", "match")]
    twin = sl.fit(real, schema, seed=7).sample(2.0, seed=3)
    whole = twin["comments"].to_arrow()
    assert whole.schema.field("on_id").type == real["comments"].schema.field("on_id").type
    assert 0 < whole["on_id"].null_count < len(whole) / 4
    twin.write(tmp_path / "one", workers=1)
    twin.write(tmp_path / "two", workers=2)
    one, two = (tmp_path / n / "comments.parquet" for n in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("plain", [False, True])
def test_keys_that_an_id_has_no_room_for_are_refused(plain: bool) -> None:
    schema = declared()
    if plain:
        schema["comments"]["foreign_keys"] = [key("on_id", "posts", "match")]
    artifact = sl.fit(typed_ids("narrow"), schema, seed=7)
    assert artifact.sample(seed=3)["comments"].to_arrow().num_rows
    with pytest.raises(SampleError, match="int64 do not all fit into int8") as caught:
        artifact.sample(7.0, seed=3)["comments"].to_arrow()
    assert "fewer rows" in str(caught.value.hint)
