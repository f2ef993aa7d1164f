"""Long free text of a whole table: made, never NULL where the column may not be, nobody's."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import synthlake
from synthlake.store.inspection import inspect

ROWS = 3_000
WORDS = [
    "the", "room", "was", "clean", "and", "quiet", "but", "breakfast", "came", "late", "we",
    "had", "to", "ask", "staff", "again",
]  # fmt: skip


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews: five stars have long ones; each has a word of its own; some have no answer."""
    random = np.random.default_rng(1)
    stars = random.integers(1, 6, ROWS)
    texts, answers = [], []
    for row, star in enumerate(stars.tolist()):
        words = random.choice(WORDS, int(random.integers(30, 40)) * (2 if star == 5 else 1))
        texts.append(f"{' '.join(words)} xq{row} ended. The guest left.")
        answers.append(None if row % 4 == 0 else f"We thank you for staying, zv{row}. " * 9)
    folder = tmp_path_factory.mktemp("reviews")
    table = pa.table({
        "id": pa.array(range(ROWS), pa.int64()), "stars": stars, "review": texts, "answer": answers,
    })  # fmt: skip
    named = table.schema.set(2, pa.field("review", pa.string(), nullable=False))
    pq.write_table(table.cast(named), folder / "reviews.parquet")
    return folder


@pytest.fixture(scope="module")
def twin(reviews: Path) -> pa.Table:
    artifact = synthlake.fit(f"parquet://{reviews}", seed=7)
    return artifact.sample(seed=3)["reviews"].to_arrow()


def test_a_column_that_may_not_be_null_is_none(twin: pa.Table) -> None:
    assert twin["review"].null_count == 0
    assert twin["answer"].null_count == pytest.approx(ROWS / 4, rel=0.15)


def test_the_length_follows_from_other_columns(twin: pa.Table) -> None:
    words = np.asarray(pc.count_substring_regex(twin["review"].combine_chunks(), r"\w+"))
    stars = np.asarray(twin["stars"])
    assert words[stars == 5].mean() == pytest.approx(69 + 5, rel=0.15)
    assert words[stars < 5].mean() == pytest.approx(34.5 + 5, rel=0.15)


def test_words_that_many_say_are_said_and_nobodys_are_not(twin: pa.Table) -> None:
    said = {word for text in twin["review"].to_pylist() for word in re.findall(r"\w+", text)}
    assert set(WORDS) <= said
    every = " ".join(filter(None, twin["review"].to_pylist() + twin["answer"].to_pylist()))
    assert not re.findall(r"xq\d|zv\d", every)


def test_texts_end_as_texts_do(twin: pa.Table) -> None:
    assert all(text.endswith(" left.") for text in twin["review"].to_pylist())


def test_a_condition_may_ask_for_text_only_whether_it_is_there(reviews: Path) -> None:
    artifact = synthlake.fit(f"parquet://{reviews}", seed=7)
    asked = [{"where": {"answer": {"null": False}}, "rows": 50}]
    made = artifact.sample(seed=3, given={"reviews": asked})["reviews"].to_arrow()
    assert made.num_rows == 50
    assert made["answer"].null_count == 0
    with pytest.raises(synthlake.errors.SampleError, match="text that is made"):
        artifact.sample(seed=3, given={"reviews": [{"where": {"answer": "no"}, "rows": 5}]})


def test_databases_read_as_much_of_a_text(tmp_path: Path, reviews: Path) -> None:
    # beyond what is read, texts differ: nothing of it counts
    read = pq.read_table(reviews / "reviews.parquet")
    longer = [f"{text} " + "and again " * 500 + f"end{row}" for row, text in
              enumerate(read["review"].to_pylist())]  # fmt: skip
    read = read.set_column(2, "review", pa.array(longer))
    pq.write_table(read, tmp_path / "reviews.parquet")
    with duckdb.connect(str(tmp_path / "r.duckdb")) as made:
        made.execute(f"CREATE TABLE reviews AS FROM '{tmp_path}/reviews.parquet'")
    one, other = (
        synthlake.fit(url, seed=7).sample(seed=3)["reviews"].to_arrow()["review"].to_pylist()
        for url in (f"parquet://{tmp_path}/", f"duckdb:///{tmp_path}/r.duckdb")
    )
    assert one == other
    assert 3_000 < np.mean([len(text) for text in one]) < 5_000


def test_what_a_text_is_about_follows_from_other_columns(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    spam = random.random(2_500) < 0.3
    words = {True: ["win", "prize", "call", "now", "free", "cash", "claim"],
             False: ["home", "dinner", "tomorrow", "sorry", "train", "mum"]}  # fmt: skip
    texts = [" ".join(random.choice(words[bool(one)] + WORDS[:6], 14)) for one in spam]
    pq.write_table(pa.table({"spam": spam, "text": texts}), tmp_path / "messages.parquet")
    made = synthlake.fit(f"parquet://{tmp_path}", seed=7).sample(seed=3)["messages"].to_arrow()
    told = [len(set(t.split()) & set(words[True])) > len(set(t.split()) & set(words[False]))
            for t in made["text"].to_pylist()]  # fmt: skip
    assert np.mean(np.array(told) == np.asarray(made["spam"])) > 0.95


def test_long_texts_among_short_ones_come_back(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    texts = ["Delivered on time" if n % 5 < 3 else " ".join(random.choice(WORDS, 60))
             for n in range(1_000)]  # fmt: skip
    pq.write_table(pa.table({"note": texts}), tmp_path / "notes.parquet")
    made = synthlake.fit(f"parquet://{tmp_path}", seed=7).sample(seed=3)["notes"].to_arrow()
    lengths = np.array([len(text) for text in made["note"].to_pylist()])
    assert (lengths > 100).mean() == pytest.approx(0.4, abs=0.06)


def test_words_that_all_share_are_said_where_each_says_much(tmp_path: Path) -> None:
    # all that is read of the first entities alone is of fewer than k
    random = np.random.default_rng(1)
    shops, each = 12, 40
    texts = [" ".join(random.choice(WORDS, 600)) for _ in range(shops * each)]
    pq.write_table(pa.table({"shop": range(shops)}), tmp_path / "shops.parquet")
    pq.write_table(
        pa.table({"id": range(len(texts)), "shop": np.repeat(range(shops), each), "note": texts}),
        tmp_path / "notes.parquet",
    )
    keys = {"columns": ["shop"], "references": "shops", "mode": "own"}
    schema = {"shops": {"primary_key": ["shop"]},
              "notes": {"primary_key": ["id"], "foreign_keys": [keys]}}  # fmt: skip
    artifact = synthlake.fit(f"parquet://{tmp_path}", schema, seed=7)
    made = artifact.sample(seed=3)["notes"].to_arrow()["note"].to_pylist()
    said = {word for text in made for word in text.split()}
    assert said >= set(WORDS)


def test_sqlite_reads_beyond_a_nul(tmp_path: Path) -> None:
    texts = [f"{' '.join(WORDS * 3)} {'x' * (n % 7)}\0 and then {' '.join(WORDS)}"
             for n in range(300)]  # fmt: skip
    rows = list(enumerate(texts))
    with sqlite3.connect(tmp_path / "n.db") as made:
        made.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT NOT NULL)")
        made.executemany("INSERT INTO notes VALUES (?, ?)", rows)
    with duckdb.connect(str(tmp_path / "n.duckdb")) as other:
        other.execute("CREATE TABLE notes (id BIGINT PRIMARY KEY, note VARCHAR NOT NULL)")
        other.executemany("INSERT INTO notes VALUES (?, ?)", rows)
    twins = []
    for url in (f"sqlite:///{tmp_path}/n.db", f"duckdb:///{tmp_path}/n.duckdb"):
        source = synthlake.open(url)
        twins.append(synthlake.fit(source, seed=7).sample(seed=3)["notes"].to_arrow())
        source.close()
    assert twins[0]["note"].to_pylist() == twins[1]["note"].to_pylist()
    assert any("\0" in text for text in twins[0]["note"].to_pylist())


def test_an_artifact_with_texts_is_saved_listed_and_refitted(tmp_path: Path, reviews: Path) -> None:
    artifact = synthlake.fit(f"parquet://{reviews}", seed=7)
    folder = artifact.save(tmp_path / "artifact")
    said = {(entry.place, entry.what) for entry in inspect(folder).entries}
    for what in ("lengths of texts, by topic", "words that many texts share",
                 "which of these follow which"):  # fmt: skip
        assert ("review", what) in said
    texts = [
        made.sample(seed=3)["reviews"].to_arrow()["review"].to_pylist()
        for made in (artifact, synthlake.load(folder))
    ]
    assert texts[0] == texts[1]
    again = synthlake.load(folder).refit(f"parquet://{reviews}")
    assert again.sample(seed=3)["reviews"].to_arrow()["review"].null_count == 0
