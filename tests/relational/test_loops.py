"""References to the own table, and cycles between tables: levels, degrees, and never a cycle."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.databases import into_postgres, into_sqlite
from tests.relational.databases import Database, Declared, fit, key, rates, repeats

import synthlake as sl
from synthlake.errors import LearnError, SchemaError
from synthlake.relational import Generator, Model

PEOPLE = 2_000


def staff(boss: list[int | None], **more: Any) -> tuple[Database, Declared]:
    """People and whom each reports to."""
    rows = len(boss)
    pay = np.random.default_rng(0).integers(0, 50, rows)
    tables = {
        "people": pa.table({"id": np.arange(rows), "boss": pa.array(boss, pa.int64()), "pay": pay})
    }
    up = {**key("boss", "people", to="id"), **more}
    del up["mode"]
    return tables, {"people": {"primary_key": ["id"], "foreign_keys": [up]}}


def tree(rows: int = PEOPLE, roots: int = 40) -> list[int | None]:
    """Each reports to someone before."""
    draws = np.random.default_rng(5).random(rows)
    return [None if i < roots else int(draws[i] * i * 0.7) for i in range(rows)]


def levels(table: pa.Table) -> Counter[int]:
    """Rows by their depth; -1 for those that lead to no root. A row of its own is a root."""
    up = dict(zip(table["id"].to_pylist(), table["boss"].to_pylist(), strict=True))
    depth: Counter[int] = Counter()
    for row in up:
        at, below = row, 0
        while up.get(at) is not None and up[at] != at and below <= len(up):
            at, below = up[at], below + 1
        depth[below if below <= len(up) else -1] += 1
    return depth


def degrees(table: pa.Table) -> Counter[int]:
    """People by how many report to them."""
    found = Counter(
        b for i, b in zip(table["id"].to_pylist(), table["boss"].to_pylist(), strict=True) if b != i
    )
    return Counter(found[i] for i in table["id"].to_pylist())


def distance(real: Counter[int], twin: Counter[int]) -> float:
    """Kolmogorov-Smirnov distance of two lists of counts."""
    top = max([*real, *twin]) + 1
    upto = [np.cumsum([c[v] for v in range(top)]) / sum(c.values()) for c in (real, twin)]
    return float(np.abs(upto[0] - upto[1]).max())


@pytest.fixture(scope="module")
def company() -> tuple[pa.Table, sl.api.Artifact]:
    """A tree, learned whole."""
    tables, artifact = fit(staff(tree()), holdout=0.0)
    return tables["people"], artifact


@pytest.mark.parametrize("scale", [0.3, 1.0, 9.0])
def test_levels_and_degrees_are_as_learned(company: Any, scale: float) -> None:
    real, artifact = company
    twin = artifact.sample(scale, seed=2).to_arrow()["people"]
    assert levels(twin)[-1] == 0
    assert distance(levels(real), levels(twin)) < 0.03
    assert distance(degrees(real), degrees(twin)) < 0.03
    assert twin["boss"].null_count / twin.num_rows == pytest.approx(0.02, abs=0.01)
    assert rates({"people": twin}, "people", "boss", "people", "id")[1] == 0
    assert repeats(twin, "id") == 0


def test_any_range_alone_is_the_same(company: Any) -> None:
    _, artifact = company
    sample = artifact.sample(12.0, seed=3)  # 24,000 rows: two blocks
    whole = sample.to_arrow()["people"]
    copied = Model.from_parts(sample.model.to_parts())
    for start, stop in ((23_000, 24_000), (0, 1), (16_000, 17_000)):
        made = pa.Table.from_batches(Generator(copied, sample.plan).batches("people", start, stop))
        assert made.equals(whole.slice(start, stop - start))


def test_chains_deeper_than_the_levels_told_apart() -> None:
    given = staff([None if i % 50 == 0 else i - 1 for i in range(PEOPLE)])
    tables, artifact = fit(given, holdout=0.0)
    twin = artifact.sample(seed=1).to_arrow()["people"]
    found = levels(twin)
    assert found[-1] == 0
    assert max(found) > 25
    assert distance(degrees(tables["people"]), degrees(twin)) < 0.08


def test_where_nothing_is_null_the_first_rows_refer_to_themselves() -> None:
    given = staff([i if i < 30 else i % 30 for i in range(900)])
    _, artifact = fit(given, holdout=0.0)
    twin = artifact.sample(seed=1).to_arrow()["people"]
    assert twin["boss"].null_count == 0
    assert levels(twin)[-1] == 0
    itself = sum(
        a == b for a, b in zip(twin["id"].to_pylist(), twin["boss"].to_pylist(), strict=True)
    )
    assert itself == pytest.approx(30, abs=6)


def test_a_single_root_is_not_told_and_is_one() -> None:
    _, artifact = fit(staff(tree(600, 2)), holdout=0.0)
    for scale in (1.0, 5.0):
        twin = artifact.sample(scale, seed=1).to_arrow()["people"]
        assert twin["boss"].null_count == 1
        assert levels(twin)[-1] == 0


@pytest.mark.parametrize(
    ("policy", "orphans", "nulls"), [("keep", 0.1, 0.02), ("null", 0, 0.12), ("drop", 0, 0.022)]
)
def test_orphans_by_policy(policy: str, orphans: float, nulls: float) -> None:
    boss = [7_000 + i % 9 if i % 10 == 9 else up for i, up in enumerate(tree())]
    _, artifact = fit(staff(boss, orphans=policy), holdout=0.0)
    twin = artifact.sample(seed=1).to_arrow()
    null, lost = rates(twin, "people", "boss", "people", "id")
    assert lost == pytest.approx(orphans, abs=0.015)
    assert null == pytest.approx(nulls, abs=0.015)
    if policy == "keep":
        known = set(twin["people"]["id"].to_pylist())
        strange = {b for b in twin["people"]["boss"].to_pylist() if b is not None} - known
        assert len(strange) == pytest.approx(9, abs=2)


def test_orphans_that_must_not_be_are_refused() -> None:
    boss = [7_000 if i % 10 == 9 else up for i, up in enumerate(tree(300))]
    with pytest.raises(LearnError, match=r"people\(boss\) -> people has 30 rows"):
        fit(staff(boss, orphans="fail"))


def departments(*, null: bool = True) -> tuple[Database, Declared]:
    """People of departments, which have a head each, most of them."""
    random = np.random.default_rng(7)
    chosen = random.permutation(3_000)[:300]
    head = [None if null and i % 4 == 0 else int(p) for i, p in enumerate(chosen)]
    tables = {
        "departments": pa.table({"d": np.arange(300), "head": pa.array(head, pa.int64())}),
        "people": pa.table({"p": np.arange(3_000), "d": random.integers(0, 300, 3_000)}),
    }
    declared: Declared = {
        "departments": {
            "primary_key": ["d"],
            "foreign_keys": [{"columns": ["head"], "references": "people", "to": ["p"]}],
        },
        "people": {
            "primary_key": ["p"],
            "foreign_keys": [{"columns": ["d"], "references": "departments", "to": ["d"]}],
        },
    }
    return tables, declared


@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0])
def test_a_cycle_of_two_tables_is_closed_last(scale: float) -> None:
    tables, artifact = fit(departments(), holdout=0.0)
    assert [fk.references for fk in artifact.schema["departments"].loops] == ["people"]
    seeds = range(4, 12) if scale < 1 else (4,)  # of 30 departments, one is more than .03
    twins = [artifact.sample(scale, seed=seed).to_arrow() for seed in seeds]
    for child, columns, parent, to in (
        ("departments", "head", "people", "p"), ("people", "d", "departments", "d"),
    ):  # fmt: skip
        made = np.mean([rates(twin, child, columns, parent, to) for twin in twins], axis=0)
        assert tuple(made) == pytest.approx(rates(tables, child, columns, parent, to), abs=0.03)
    for twin in twins:
        heads = Counter(h for h in twin["departments"]["head"].to_pylist() if h is not None)
        assert max(heads.values()) <= 2


def test_a_cycle_in_which_nothing_may_be_null_is_refused() -> None:
    with pytest.raises(SchemaError) as caught:
        fit(departments(null=False))
    assert "departments(head) -> people" in caught.value.message
    assert "people(d) -> departments" in caught.value.message
    assert "drop one" in caught.value.hint


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_every_engine_tells_the_same_levels(
    engine: str, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    (tables, declared), (more, also) = departments(), staff(tree(300))
    tables, declared = {**tables, "staff": more["people"]}, {**declared, "staff": also["people"]}
    declared["staff"]["foreign_keys"][0]["references"] = "staff"
    if engine == "sqlite":
        url = into_sqlite(tmp_path / "x.db", tables)
    else:
        url = request.getfixturevalue("postgres_database")
        into_postgres(url, tables)
    there = sl.fit(sl.open(url), declared, seed=1, holdout=0.0)
    assert there.id == sl.fit(tables, declared, seed=1, holdout=0.0).id


def test_the_schema_is_read_back_as_it_was_written(tmp_path: Any) -> None:
    tables, artifact = fit(departments(), holdout=0.0)
    read = sl.fit(
        tables, sl.Schema.load(artifact.schema.save(tmp_path / "schema.yml")), seed=1, holdout=0.0
    )
    assert read.schema == artifact.schema
    assert read.id == artifact.id
    artifact.save(tmp_path / "artifact")
    assert sl.load(tmp_path / "artifact").schema == artifact.schema


def test_what_is_held_is_listed(company: Any, tmp_path: Any) -> None:
    from synthlake.store.inspection import inspect

    company[1].save(tmp_path / "artifact")
    said = str(inspect(tmp_path / "artifact"))
    assert "written last" in said
    assert "level by people(boss) -> people" in said


def test_the_report_judges_references_to_the_own_table() -> None:
    tables, artifact = fit(staff(tree(600)))
    report = sl.evaluate(tables, artifact.sample(seed=2))
    assert "people(boss) -> people" in str(report.to_json())


def test_rows_on_a_grid_over_made_rows_refer_to_each_other() -> None:
    """Places of a grid are written as keys of the table above, in the reference as in the key."""
    random = np.random.default_rng(3)
    sites, rows = 12, 12 * 30
    site, week = np.repeat(np.arange(sites) + 1, 30), np.tile(np.arange(30), sites)
    before = np.where(week > 0, np.arange(rows) - 1, 0)
    first = week == 0
    real = {
        "sites": pa.table({"site": np.arange(sites) + 1, "area": random.integers(0, 9, sites)}),
        "plans": pa.table({
            "site": site, "week": week, "load": random.integers(0, 9, rows),
            "last_site": pa.array(site[before], mask=first),
            "last_week": pa.array(week[before], mask=first),
        }),
    }  # fmt: skip
    loop = {"columns": ["last_site", "last_week"], "references": "plans", "to": ["site", "week"]}
    above = {"columns": ["site"], "references": "sites", "to": ["site"], "mode": "match"}
    plans = {"primary_key": ["site", "week"], "foreign_keys": [above, loop]}
    declared = {"sites": {"primary_key": ["site"]}, "plans": plans}
    twin = sl.fit(real, declared, k=1, seed=1, holdout=0.0).sample(seed=2).to_arrow()
    known = set(zip(*(twin["plans"][n].to_pylist() for n in ("site", "week")), strict=True))
    refers = zip(*(twin["plans"][n].to_pylist() for n in ("last_site", "last_week")), strict=True)
    named = [row for row in refers if None not in row]
    assert len(known) == twin["plans"].num_rows
    assert {s for s, _ in known} <= set(twin["sites"]["site"].to_pylist())
    assert len(named) > rows * 0.9
    assert set(named) <= known
