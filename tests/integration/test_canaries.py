"""No value that fewer than k entities have is in anything that a run leaves behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.integration.canaries import (
    DEPOT_DEGREE,
    GIANT_DEGREE,
    ORPHAN_DEGREE,
    TABLES,
    Database,
    Planted,
    Search,
    planted,
)

import synthlake as sl
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import SynthlakeError
from synthlake.pipeline.document import to_json
from synthlake.pipeline.learn import divide, understand
from synthlake.pipeline.run import RunResult, run
from synthlake.pipeline.work import ARTIFACT
from synthlake.ports import Event
from synthlake.relational import Model
from synthlake.relational.keys import NumberKey
from synthlake.source import open_source
from synthlake.store.artifact import load

pytestmark = pytest.mark.slow

HUGE = 900  # children; more than any parent but three has, and than ten together


def learned(tables: Database, name: str) -> list[int]:
    """Rows of a table that are not held out."""
    schema = understand(open_source(tables), TABLES)
    train = divide(open_source(tables), schema, 0.1).train
    key = schema[name].primary_key[0]
    kept = {v for batch in train.batches(name, [key]) for v in batch.column(0).to_pylist()}
    return [row for row, value in enumerate(tables[name][key].to_pylist()) if value in kept]


@dataclass
class Bird:
    """A run on the planted database."""

    planted: Planted
    spec: dict[str, Any]
    done: RunResult
    said: str
    search: Search = field(init=False)

    def __post_init__(self) -> None:
        self.search = Search(self.planted.canaries)

    @property
    def model(self) -> Model:
        return Model.from_parts(load(self.done.artifact).parts)


@pytest.fixture(scope="module")
def database() -> Planted:
    return planted(learned)


@pytest.fixture(scope="module")
def flown(database: Planted, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bird]:
    """Runs the whole pipeline, once for each k."""
    done: dict[int, Bird] = {}

    def fly(k: int) -> Bird:
        if k not in done:
            folder = tmp_path_factory.mktemp(f"k{k}")
            tier = "standard" if k > 1 else "quick"
            spec = spec_of(database.tables, folder, k=k, evaluate={"tier": tier})
            heard: list[Event] = []
            result = run(spec, on_event=heard.append)
            said = "\n".join([result.summary, *result.notes, *map(repr, heard)])
            done[k] = Bird(database, spec, result, said)
        return done[k]

    return fly


def spec_of(database: Database, folder: Path, **changes: Any) -> dict[str, Any]:
    """Writes a database as Parquet, and makes a spec of it."""
    (folder / "data").mkdir()
    for name, table in database.items():
        pq.write_table(table, folder / "data" / f"{name}.parquet")
    return {
        "source": str(folder / "data"),
        "sink": str(folder / "twin"),
        "seed": 7,
        "tables": TABLES,
        "evaluate": {"tier": "standard"},
        "gates": [{"metric": "primary_key", "at_most": 0}],
        **changes,
    }


def test_a_hundred_are_planted(database: Planted) -> None:
    assert len({c.texts[0] for c in database.canaries}) >= 100
    real = Search(database.canaries)
    for name, table in database.tables.items():
        real.table(table, name)
    found = set().union(*real.found.values())
    assert found == {str(c) for c in database.canaries}, "the search does not see the source"


def test_nothing_that_fewer_than_k_have_is_anywhere(flown: Callable[..., Bird]) -> None:
    bird = flown(10)
    bird.search.folder(bird.done.folder)
    bird.search.text(bird.said, "events")
    assert bird.search.found == {}


def test_the_search_finds_them_where_k_is_one(flown: Callable[..., Bird]) -> None:
    bird = flown(1)
    bird.search.folder(bird.done.folder)
    found = bird.search.found
    artifact = {c for n, known in found.items() if ARTIFACT in n for c in known}
    twin = {c for n, known in found.items() if ".parquet:" in n for c in known}
    kinds = Counter(c.split(" in ")[0] for c in artifact)
    assert len(artifact) >= 80, kinds
    assert len(twin) >= 50
    assert set(kinds) >= {"category", "maximum", "minimum", "between", "key", "held by nine",
                          "nine entities, 500 rows", "match orphan", "tiny table"}  # fmt: skip
    missing = bird.model.tables["orders"].links[0].phantoms
    assert missing is not None
    assert missing.keys > 1
    assert max(edges(bird.model.tables["clients"].degrees.values())) >= GIANT_DEGREE


def edges(codecs: Iterable[Any]) -> set[float]:
    """Ends of all bins."""
    return {e for codec in codecs for e in (*codec.low.tolist(), *codec.high.tolist())}


def test_no_parent_stands_out(flown: Callable[..., Bird]) -> None:
    bird = flown(10)
    for table in bird.model.tables.values():
        assert max(edges(table.degrees.values()), default=0) < HUGE
        for link in table.links:
            assert link.phantoms is None or link.phantoms.mean < HUGE
    assert bird.model.tables["orders"].links[0].phantoms is None, "eight keys are missing"
    orders = pq.read_table(bird.done.folder / "orders.parquet")
    for column in ("client_id", "depot_id"):
        assert max(Counter(orders[column].to_pylist()).values()) < HUGE
    assert min(GIANT_DEGREE, ORPHAN_DEGREE, DEPOT_DEGREE) > HUGE


def test_no_key_tells_the_greatest(flown: Callable[..., Bird]) -> None:
    tables = flown(10).model.tables
    for name in ("depots", "orders"):
        key = tables[name].key
        assert isinstance(key, NumberKey)
        assert (key.start, key.step) == (1, 1)


def test_a_pair_that_nine_have_is_not_learned(flown: Callable[..., Bird]) -> None:
    made = {}
    for k in (1, 10):
        bird = flown(k)
        twins = [sl.load(bird.done.artifact).sample(seed=seed)["clients"] for seed in range(10)]
        cells = Counter(
            pair
            for clients in (twin.to_arrow() for twin in twins)
            for pair in zip(*(clients[c].to_pylist() for c in ("city", "region")), strict=True)
        )
        made[k] = cells[bird.planted.pair] / len(twins)
    # smoothing may put any two values together, now and then
    assert made[10] <= 2 < 4 <= made[1]


def test_no_edge_is_a_value_of_one(flown: Callable[..., Bird]) -> None:
    bird = flown(10)
    attributes = {a.column: a for a in bird.model.tables["clients"].attributes}
    made = pq.read_table(bird.done.folder / "clients.parquet")
    for column in ("income", "ratio", "gap"):
        codec = attributes[column].codec
        assert isinstance(codec, NumericCodec)
        real, _ = codec.axis.ticks(bird.planted.tables["clients"][column])
        assert len(codec.low) > 20
        assert not edges([codec]) & set(real.tolist()), column
        ticks, _ = codec.axis.ticks(made[column])
        assert len(set(ticks.tolist()) & set(real.tolist())) <= 2, column  # by chance


def test_quantiles_of_many_values_are_no_values() -> None:
    random = np.random.default_rng(3)
    rows = 24_000
    amount = np.round(random.normal(1e6, 2e5, rows), 3)
    amount[::8] = 250_000.0  # a point mass is kept
    table = pa.table({"id": np.arange(rows), "amount": amount})
    artifact = sl.fit({"t": table}, {"t": {"primary_key": ["id"]}}, seed=1)
    made = artifact.sample(seed=1)["t"].to_arrow()["amount"].to_numpy()
    assert abs(np.mean(made == 250_000.0) - 1 / 8) < 0.02
    assert np.mean(np.isin(made[made != 250_000.0], amount)) < 0.001


def few(tables: Database) -> Database:
    """The same database with fewer orders, to be learned sooner."""
    return {**tables, "orders": tables["orders"].slice(0, 1_500)}


def command(*words: str, code: int = 0) -> str:
    """What a command says, in a process of its own."""
    line = [sys.executable, "-m", "synthlake.cli", "--debug", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_the_shell_says_nothing(database: Planted, tmp_path: Path) -> None:
    spec, artifact, out = (str(tmp_path / n) for n in ("spec.json", "artifact", "out"))
    held = spec_of(few(database.tables), tmp_path)
    Path(spec).write_text(to_json(held))
    search = Search(database.canaries)
    search.text(command("init", held["source"], "--out", str(tmp_path / "s.yml")), "init")
    search.text((tmp_path / "s.yml").read_text(), "the spec that init wrote")
    search.text(command("plan", spec), "plan")
    search.text(command("fit", spec, "--artifact", artifact), "fit")
    shutil.rmtree(held["source"])  # an artifact needs no source
    search.text(command("inspect", artifact), "inspect")
    search.text(command("sample", artifact, "--out", out, "--seed", "3"), "sample")
    for folder in (artifact, out):
        search.folder(Path(folder))
    assert pq.read_table(Path(out) / "clients.parquet").num_rows == database.tables[
        "clients"
    ].num_rows  # fmt: skip
    assert search.found == {}


def test_a_failed_gate_says_nothing(database: Planted, tmp_path: Path) -> None:
    gates = [{"metric": "rows", "at_most": -1}]
    held = spec_of(few(database.tables), tmp_path, gates=gates, evaluate={"tier": "quick"})
    spec = tmp_path / "spec.json"
    spec.write_text(to_json(held))
    search = Search(database.canaries)
    search.text(command("run", str(spec), code=3), "run")
    search.folder(tmp_path / "twin.rejected")
    assert search.found == {}


def refusals(tables: Database) -> dict[str, tuple[Database, dict[str, Any]]]:
    """Databases and what is declared of them, of which none can be learned."""
    clients, orders = tables["clients"], tables["orders"]
    strict = [{**fk, "orphans": "fail"} for fk in TABLES["orders"]["foreign_keys"]]
    twice = pa.concat_tables([clients, clients.slice(0, 60)])
    return {
        "orphans": (tables, {**TABLES, "orders": {**TABLES["orders"], "foreign_keys": strict}}),
        "twice": ({**tables, "clients": twice}, TABLES),
        "tiny": (tables, {**TABLES, "settings": {}}),
        "types": (
            {**tables, "orders": orders.set_column(2, "depot_id", orders["client_id"])}, TABLES
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["orphans", "twice", "tiny", "types"])
def test_an_error_says_nothing(database: Planted, name: str, tmp_path: Path) -> None:
    tables, declared = refusals(database.tables)[name]
    heard: list[Event] = []
    with pytest.raises(SynthlakeError) as caught:
        run(spec_of(tables, tmp_path, tables=declared), on_event=heard.append)
    search = Search(database.canaries)
    search.text("".join(traceback.format_exception(caught.value)), "traceback")
    search.text("\n".join(map(repr, heard)), "events")
    assert search.found == {}


def test_a_cell_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [f"{i},{i % 7}" for i in range(60_000)]
    rows[59_000] = "59000,Quetzalfeder"
    (tmp_path / "data" / "t.csv").write_text("\n".join(["id,n", *rows]))
    held = {"source": str(tmp_path / "data"), "sink": str(tmp_path / "twin"),
            "tables": {"t": {"primary_key": ["id"]}}, "evaluate": {"tier": "quick"}}  # fmt: skip
    try:
        run(held)
        said = ""
    except SynthlakeError as error:
        said = "".join(traceback.format_exception(error))
    assert "Quetzalfeder" not in said
    files = [p for p in tmp_path.rglob("*") if p.is_file() and p.parent.name != "data"]
    assert [p.name for p in files if b"Quetzalfeder" in p.read_bytes()] == []
