"""References whose table a type column names: one twin, whole for each type."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.databases import into_postgres, into_sqlite
from tests.relational.databases import key
from tests.relational.polymorphic import (
    COMMENTS,
    POSTS,
    TARGETS,
    comments,
    declared,
    degrees,
    kinds,
)

import synthlake as sl
from synthlake.errors import LearnError, SchemaError
from synthlake.relational import Generator, Model

Pair = tuple[dict[str, pa.Table], Any]


@pytest.fixture(scope="module")
def learned() -> Pair:
    real = comments()
    return real, sl.fit(real, declared(), seed=7)


def distance(real: Counter[int], twin: Counter[int]) -> float:
    """Kolmogorov-Smirnov distance of two lists of counts."""
    gap = wide = 0.0
    for number in range(max([*real, *twin]) + 1):
        gap += real[number] / real.total() - twin[number] / twin.total()
        wide = max(wide, abs(gap))
    return wide


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_each_type_refers_to_its_own_table(learned: Pair, scale: float) -> None:
    real, artifact = learned
    twin = artifact.sample(scale, seed=3).to_arrow()
    assert twin["comments"].schema.types == real["comments"].schema.types
    assert twin["comments"].column_names == real["comments"].column_names
    was, made = kinds(real), kinds(twin)
    for kind, held in was.items():
        if kind == "once":
            assert kind not in made  # of three rows nothing is told
            continue
        share = made[kind].rows / twin["comments"].num_rows
        assert share == pytest.approx(held.rows / COMMENTS, abs=0.012)
        assert made[kind].shares == pytest.approx(held.shares, abs=0.06 if scale < 1 else 0.04)
        assert np.mean(made[kind].scores) == pytest.approx(np.mean(held.scores), abs=0.3)
    assert made["photo"].orphans == 0


@pytest.mark.parametrize(
    ("kind", "parent", "to"), [("post", "posts", "id"), ("photo", "photos", "pid")]
)
def test_parents_have_as_many_children_of_a_type(
    learned: Pair, kind: str, parent: str, to: str
) -> None:
    real, artifact = learned
    twin = artifact.sample(1.0, seed=3).to_arrow()
    found = distance(degrees(real, kind, parent, to), degrees(twin, kind, parent, to))
    assert found < 0.08


def test_any_range_is_the_same_whoever_makes_it(learned: Pair, tmp_path: Path) -> None:
    twin = learned[1].sample(2.0, seed=3)
    whole = twin["comments"].to_arrow()
    alone = Model.from_parts(twin.model.to_parts())
    for low, high in ((0, 1), (17, 4_500), (4_095, 4_097), (7_000, len(whole))):
        made = Generator(alone, twin.plan).batches("comments", low, high)
        assert pa.Table.from_batches(made, whole.schema).equals(whole.slice(low, high - low))
    twin.write(tmp_path / "one", workers=1)
    twin.write(tmp_path / "two", workers=2)
    for name in twin:
        one, two = (tmp_path / n / f"{name}.parquet" for n in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("policy", ["null", "drop"])
def test_policies_are_those_of_each_target_and_of_types_that_name_none(policy: str) -> None:
    real = comments()
    twin = sl.fit(real, declared(orphans=policy), seed=7).sample(1.0, seed=3).to_arrow()
    was, made = kinds(real), kinds(twin)
    assert sum(held.orphans for held in made.values()) == 0
    if policy == "drop":
        assert not made.keys() - {"post", "photo", None}
        left = COMMENTS - sum(held.orphans for held in was.values())
        assert twin["comments"].num_rows == pytest.approx(left, rel=0.02)
        return
    assert made["legacy"].shares == (0, 0, 1)
    assert made["post"].shares[2] == pytest.approx(was["post"].shares[1], abs=0.02)


def test_a_target_may_have_a_policy_of_its_own() -> None:
    of = {"post": {"references": "posts", "orphans": "null"}, "photo": "photos"}
    twin = sl.fit(comments(), declared(of), seed=7).sample(1.0, seed=3).to_arrow()
    made = kinds(twin)
    assert made["post"].orphans == 0
    assert made["legacy"].shares[1] == 1


@pytest.mark.parametrize(("of", "said"), [
    (TARGETS, r"comments\(on_id\) by on_type has \d+ rows whose type names no table"),
    ({**TARGETS, "Post": "posts", "post ": "posts", "legacy": "posts", "once": "posts"},
     r"comments\(on_id\) by on_type has \d+ rows whose type"),
])  # fmt: skip
def test_fail_says_how_many(of: dict[str, str], said: str) -> None:
    with pytest.raises(LearnError, match=said):
        sl.fit(comments(), declared(of, orphans="fail"), seed=7)


def test_fail_passes_where_there_are_none() -> None:
    real = comments()
    clean = real["comments"].filter(
        pa.compute.is_in(real["comments"]["on_type"], pa.array(TARGETS))
    )
    of = {"post": {"references": "posts", "orphans": "keep"}, "photo": "photos"}
    twin = sl.fit({**real, "comments": clean}, declared(of, orphans="fail"), seed=7).sample(seed=3)
    assert kinds(twin.to_arrow()).keys() == {"post", "photo"}


def test_nothing_that_fewer_than_k_share_is_stored(learned: Pair) -> None:
    held = str(learned[1].sample(seed=1).model.to_parts().manifest)
    assert "legacy" in held
    assert "once" not in held


def test_a_declared_type_of_fewer_than_k_rows_is_not_made() -> None:
    of = {**TARGETS, "once": "posts"}
    twin = sl.fit(comments(), declared(of), seed=7).sample(1.0, seed=3).to_arrow()
    assert "once" not in kinds(twin)


def put(
    engine: str, tables: dict[str, pa.Table], folder: Path, request: pytest.FixtureRequest
) -> str:
    """The URL of a database with the tables."""
    if engine == "sqlite":
        return into_sqlite(folder / "blog.sqlite", tables)
    if engine == "postgres":
        url: str = request.getfixturevalue("postgres_database")
        into_postgres(url, tables)
        return url
    with duckdb.connect(folder / "blog.duckdb") as connection:
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    return f"duckdb:///{folder}/blog.duckdb"


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "sqlite"])
def test_every_engine_teaches_the_same(
    engine: str, learned: Pair, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    real, artifact = learned
    source = sl.open(put(engine, real, tmp_path, request))
    found = sl.fit(source, declared(), seed=7)
    getattr(source, "close", lambda: None)()
    assert found.id == artifact.id
    twin = found.sample(1.0, seed=3).to_arrow()
    for name, table in artifact.sample(1.0, seed=3).to_arrow().items():
        assert twin[name].equals(table)


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "sqlite"])
def test_types_of_any_sign_are_read_as_they_are(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Such as Laravel's; and names of theirs that are longer than an engine's."""
    names = {"post": "App\\Models\\Post", "photo": 'o\'photo "é" ' + "x" * 80}
    real = comments(600)
    table = real["comments"]
    kinds_of = [names.get(str(k), k) for k in table["on_type"].to_pylist()]
    real["comments"] = table.set_column(1, "on_type", pa.array(kinds_of, pa.string()))
    source = sl.open(put(engine, real, tmp_path, request))
    said = declared({names["post"]: "posts", names["photo"]: "photos"})
    twin = sl.fit(source, said, seed=7, holdout=0.0).sample(1.0, seed=3).to_arrow()
    getattr(source, "close", lambda: None)()
    made = kinds(twin, {names["post"]: ("posts", "id"), names["photo"]: ("photos", "pid")})
    assert made[names["photo"]].shares[0] > 0.8
    assert made[names["photo"]].orphans == 0
    assert made[names["post"]].shares[0] > 0.85


def test_the_report_counts_orphans_of_each_target(learned: Pair) -> None:
    real, artifact = learned
    report = sl.evaluate(real, artifact.sample(seed=3), schema=declared(), tier="standard")
    scores = report.to_json()["scores"]
    labels = {s["key"] for s in scores if s["metric"] == "orphans"}
    assert labels == {
        "comments(on_id of post) -> posts", "comments(on_id of photo) -> photos"
    }  # fmt: skip
    by_key = {s["key"]: s["twin"] for s in scores if s["metric"] == "orphans"}
    post = by_key["comments(on_id of post) -> posts"]["detail"]
    assert post["candidate"] == pytest.approx(post["real"], abs=0.02)
    assert post["real"] > 0.01
    assert next(s for s in scores if s["metric"] == "schema")["twin"]["value"] == 0


def test_scripts_of_the_judge_count_each_target(learned: Pair) -> None:
    real, artifact = learned
    twin = artifact.sample(seed=3).to_arrow()
    from synthlake.api import quality_sql

    script = quality_sql(real, "duckdb", declared())
    with duckdb.connect() as connection:
        for space, tables in (("real", real), ("synthetic", twin)):
            connection.execute(f"CREATE SCHEMA {space}")
            for name, table in tables.items():
                connection.register("given", table)
                connection.execute(f"CREATE TABLE {space}.{name} AS SELECT * FROM given")
        for statement in script.statements("comments"):
            found = connection.execute(statement)
        rows = found.fetchall()
    orphans = {row[2]: row[5:] for row in rows if row[0] == "orphans"}
    assert orphans.keys() == {
        "comments(on_id of post) -> posts", "comments(on_id of photo) -> photos"
    }  # fmt: skip
    assert orphans["comments(on_id of post) -> posts"] == pytest.approx((0.025, 0.025), abs=0.01)
    assert next(row for row in rows if row[0] == "schema")[4] == 0


def threads(rows: int = 4_000) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Comments on posts and on comments, some of which are lost."""
    random = np.random.default_rng(5)
    kind: list[str] = []
    at: list[int | None] = []
    for i in range(rows):
        on = i > 20 and random.random() < 0.4
        kind.append("comment" if on else "post")
        lost = on and random.random() < 0.05
        at.append(int(random.integers(0, i)) if on and not lost else 90_000 + i % 9 if lost
                  else 1 + int(random.integers(0, POSTS)))  # fmt: skip
    base = np.array([3.0 if k == "comment" else 0.0 for k in kind])
    table = pa.table({"id": np.arange(rows), "on_type": kind, "on_id": at,
                      "score": base + random.normal(size=rows)})  # fmt: skip
    tables = {**comments(10), "comments": table}
    return tables, declared({"post": "posts", "comment": "comments"})


def test_comments_on_comments_are_a_tree() -> None:
    real, said = threads()
    twin = sl.fit(real, said, seed=7).sample(1.0, seed=3).to_arrow()
    keys = {"post": ("posts", "id"), "comment": ("comments", "id")}
    was, made = kinds(real, keys), kinds(twin, keys)
    for kind, held in was.items():
        assert made[str(kind)].rows == pytest.approx(held.rows, rel=0.06)
        assert made[str(kind)].shares == pytest.approx(held.shares, abs=0.03)
        assert np.mean(made[str(kind)].scores) == pytest.approx(np.mean(held.scores), abs=0.2)
    rows = zip(*(twin["comments"][n].to_pylist() for n in ("id", "on_type", "on_id")), strict=True)
    up = {i: at for i, of, at in rows if of == "comment"}
    for row in up:
        steps = 0
        while row in up:
            row, steps = up[row], steps + 1
            assert steps < len(up), "a cycle"


@pytest.mark.parametrize("scale", [0.05, 1.0])
def test_ids_that_are_never_null_never_are(scale: float) -> None:
    real, said = threads(1_500)
    assert not real["comments"]["on_id"].null_count
    artifact = sl.fit(real, said, seed=7)
    assert not artifact.schema["comments"].written.column("on_id").nullable
    twin = artifact.sample(scale, seed=3).to_arrow()
    assert not twin["comments"]["on_id"].null_count
    assert kinds(twin)["post"].orphans == 0


def test_beside_an_own_parent_and_several_a_table() -> None:
    random, real = np.random.default_rng(2), comments()
    rows = len(real["comments"])
    users = pa.table({"user": np.arange(500), "age": random.integers(18, 80, 500)})
    more = {
        "user": random.integers(0, 500, rows),
        "seen_type": random.choice(["photo", "user"], rows),
    }
    seen = [
        1_000 + int(random.integers(0, 300)) if t == "photo" else int(random.integers(0, 500))
        for t in more["seen_type"]
    ]
    table = real["comments"]
    for name, values in {**more, "seen_id": seen}.items():
        table = table.append_column(name, pa.array(values))
    said = declared()
    said["users"] = {"primary_key": ["user"]}
    by = {"by": "seen_type", "of": {"photo": "photos", "user": "users"}}
    said["comments"]["foreign_keys"] += [
        key("user", "users", "own"), {"columns": ["seen_id"], "references": by}
    ]  # fmt: skip
    tables = {**real, "comments": table, "users": users}
    artifact = sl.fit(tables, said, seed=7)
    twin = artifact.sample(2.0, seed=3).to_arrow()
    assert set(twin["comments"]["user"].to_pylist()) <= set(twin["users"]["user"].to_pylist())
    names = ("comments", "seen_type", "seen_id")
    found = kinds(twin, {"photo": ("photos", "pid"), "user": ("users", "user")}, names)
    assert found.keys() == {"photo", "user"}
    assert all(held.shares == (1, 0, 0) for held in found.values())
    assert kinds(twin)["photo"].orphans == 0


def test_a_text_id_refers_to_numbers_and_to_texts() -> None:
    real = comments()
    table = real["comments"]
    books = pa.table({"isbn": [f"B{i:04d}" for i in range(200)], "pages": list(range(200))})
    random = np.random.default_rng(4)
    ids = [
        f"B{int(random.integers(0, 200)):04d}" if kind == "legacy" else None if at is None
        else f"0{at}" if number % 50 == 0 else str(at)
        for number, (kind, at) in enumerate(zip(
            *(table[n].to_pylist() for n in ("on_type", "on_id")), strict=True))
    ]  # fmt: skip
    place = table.column_names.index("on_id")
    tables = {**real, "comments": table.set_column(place, "on_id", pa.array(ids)), "books": books}
    said = declared({**TARGETS, "legacy": "books"})
    said["books"] = {"primary_key": ["isbn"]}
    artifact = sl.fit(tables, said, seed=7)
    twin = artifact.sample(1.0, seed=3).to_arrow()
    as_text = {**twin, **{
        name: pa.table({column: [str(v) for v in twin[name][column].to_pylist()]})
        for name, column in (("posts", "id"), ("photos", "pid"))
    }}  # fmt: skip
    made = kinds(as_text, {
        "post": ("posts", "id"), "photo": ("photos", "pid"), "legacy": ("books", "isbn")
    })  # fmt: skip
    assert made["legacy"].shares == (1, 0, 0)
    assert made["photo"].orphans == 0
    assert made["post"].shares[1] == pytest.approx(0.05, abs=0.02)
    report = sl.evaluate(tables, twin, schema=said, tier="quick").to_json()
    keys = [s for s in report["scores"] if s["metric"] in ("schema", "orphans", "null_keys")]
    assert keys
    assert all(s["twin"]["value"] < 0.01 for s in keys)


def test_types_may_be_whole_numbers_and_targets_public_or_empty() -> None:
    """As Django's content types are."""
    real = comments()
    table = real["comments"]
    numbers = {"post": 7, "photo": 12, "legacy": 40}
    of = [numbers.get(str(kind)) for kind in table["on_type"].to_pylist()]
    place = table.column_names.index("on_type")
    table = table.set_column(place, "on_type", pa.array(of, pa.int32()))
    nothing = pa.table({"id": pa.array([], pa.int64()), "w": pa.array([], pa.int64())})
    said = declared({"7": "posts", "12": "photos", "40": "nothing"})
    said["photos"]["keep"] = True
    said["nothing"] = {"primary_key": ["id"]}
    artifact = sl.fit({**real, "comments": table, "nothing": nothing}, said, seed=7)
    twin = artifact.sample(1.0, seed=3).to_arrow()
    assert twin["comments"].schema.field("on_type").type == pa.int32()
    made = kinds(twin, {7: ("posts", "id"), 12: ("photos", "pid")})  # type: ignore[dict-item]
    assert made[12].orphans == 0  # type: ignore[index]
    assert made[7].shares[1] == pytest.approx(0.05, abs=0.02)  # type: ignore[index]
    assert made[40].shares == (0, 0, 1)  # type: ignore[index]


def test_a_table_that_is_kept_is_written_as_it_is() -> None:
    real = comments()
    said = declared()
    for name in said:
        said[name]["keep"] = True
    twin = sl.fit(real, said, seed=7).sample(2.0, seed=3).to_arrow()
    assert twin["comments"].sort_by("id").equals(real["comments"])


def test_a_table_without_rows_has_none() -> None:
    real = comments()
    real["comments"] = real["comments"].slice(0, 0)
    twin = sl.fit(real, declared(), seed=7).sample(1.0, seed=3).to_arrow()
    assert twin["comments"].num_rows == 0
    assert twin["comments"].schema.types == real["comments"].schema.types


@pytest.mark.parametrize("name", ["independent", "copula", "mixture"])
def test_every_synthesizer_keeps_types_apart(name: str) -> None:
    artifact = sl.fit(comments(), declared(), seed=7, synthesizer=name)
    made = kinds(artifact.sample(1.0, seed=3).to_arrow())
    assert made["photo"].orphans == 0
    assert made["post"].shares[1] == pytest.approx(0.05, abs=0.03)


def test_conditions_may_speak_of_the_type() -> None:
    said = declared()
    said["comments"]["conditions"] = ["on_type"]
    artifact = sl.fit(comments(), said, seed=7)
    twin = artifact.sample(
        seed=3, given={"comments": [{"where": {"on_type": "photo"}, "rows": 50}]}
    )
    made = kinds(twin.to_arrow())
    assert made.keys() == {"photo"}
    assert made["photo"].rows == 50
    assert made["photo"].orphans == 0


def test_conditions_on_the_type_hold_where_the_own_table_is_a_target() -> None:
    real, said = threads()
    said["comments"]["conditions"] = ["on_type"]
    artifact = sl.fit(real, said, seed=7)
    keys = {"post": ("posts", "id"), "comment": ("comments", "id")}
    was, made = kinds(real, keys), kinds(artifact.sample(1.0, seed=3).to_arrow(), keys)
    assert made["comment"].shares == pytest.approx(was["comment"].shares, abs=0.04)
    assert made["comment"].rows == pytest.approx(was["comment"].rows, rel=0.06)
    asked = [{"where": {"on_type": kind}, "rows": 300} for kind in ("post", "comment")]
    twin = artifact.sample(seed=3, given={"comments": asked}).to_arrow()
    found = kinds(twin, keys)
    assert {kind: held.rows for kind, held in found.items()} == {"post": 300, "comment": 300}
    assert found["post"].orphans == 0


def test_the_hold_out_has_the_columns_of_the_source(learned: Pair) -> None:
    real, artifact = learned
    held = sl.holdout(real, artifact.sample(seed=3))
    table = pa.Table.from_batches(held.batches("comments"))
    assert table.column_names == real["comments"].column_names
    known = {tuple(row.values()) for row in real["comments"].to_pylist()}
    assert {tuple(row.values()) for row in table.to_pylist()} <= known


def test_a_schema_is_read_back(learned: Pair, tmp_path: Path) -> None:
    schema = learned[1].schema
    schema.save(tmp_path / "schema.yml")
    text = (tmp_path / "schema.yml").read_text()
    assert "by: on_type" in text
    assert "on_id of" not in text
    again = sl.fit(learned[0], sl.Schema.load(tmp_path / "schema.yml"), seed=7)
    assert again.id == learned[1].id


@pytest.mark.parametrize(("change", "said"), [
    ({"columns": ["on_id", "score"]}, "2 columns hold the key"),
    ({"to": ["id"]}, "`to` is said of each target"),
    ({"mode": "own"}, "rows are made with one parent"),
    ({"columns": ["on_it"]}, "has no column 'on_it'"),
    ({"references": {"by": "on_typ", "of": TARGETS}}, "has no column 'on_typ'"),
    ({"references": {"by": "on_id", "of": TARGETS}}, "types are texts or whole numbers beside"),
    ({"references": {"by": "score", "of": TARGETS}}, "types are texts or whole numbers beside"),
    ({"references": {"by": "on_type", "of": {"post": "post"}}}, "there is no table 'post'"),
    ({"columns": ["score"]}, "cannot be part of a key"),
])  # fmt: skip
def test_refuses_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said) as caught:
        sl.fit(comments(100), declared(**change))
    assert caught.value.hint


@pytest.mark.parametrize(("entry", "said"), [
    ({"primary_key": ["on_type", "on_id", "id"]}, "part of a key|part of the primary key"),
    ({"primary_key": ["on_id", "id"]}, "part of the primary key of comments"),
    ({"columns": {"on_id": {"pattern": "[0-9]{4}"}}}, "has no more to be said of"),
    ({"columns": {"on_type": {"role": "text"}}}, "is learned as a category"),
    ({"columns": {"on_type": {"action": "skip"}}}, "is learned as a category"),
])  # fmt: skip
def test_refuses_what_else_is_said_of_the_pair(entry: dict[str, Any], said: str) -> None:
    schema = declared()
    schema["comments"].update(entry)
    with pytest.raises(SchemaError, match=said) as caught:
        sl.fit(comments(100), schema)
    assert caught.value.hint


def test_an_id_names_no_table() -> None:
    schema, real = declared(), comments(100)
    texts = pa.array([str(i) for i in range(100)])
    real["comments"] = real["comments"].append_column("other", texts)
    by = {"by": "other", "of": {"post": "posts"}}
    schema["comments"]["foreign_keys"][0]["references"] = by
    schema["comments"]["foreign_keys"].append(
        {"columns": ["other"], "references": {"by": "on_type", "of": TARGETS}}
    )
    with pytest.raises(SchemaError, match="other is part of a key of comments"):
        sl.fit(real, schema)


def test_two_keys_of_one_column_are_refused() -> None:
    schema = declared()
    schema["comments"]["foreign_keys"].append(key("on_id", "posts", "match"))
    with pytest.raises(SchemaError, match="part of another foreign key"):
        sl.fit(comments(100), schema)


def test_a_subset_does_not_follow_them(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="subsets do not follow"):
        sl.subset(comments(100), schema=declared(), root="posts", fraction=0.5)
