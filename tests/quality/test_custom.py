"""Metrics of one's own: a SELECT each, held to what gives one number and touches nothing else."""

from __future__ import annotations

import re
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp
from tests.databases import into_postgres

import synthlake as sl
from synthlake.errors import SpecError
from synthlake.pipeline.run import plan
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.quality.custom.declared import Custom
from synthlake.quality.custom.reading import Figure, figure, read
from synthlake.quality.evaluate import evaluate
from synthlake.quality.report import Report
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source

REAL = {"t": pa.table({"a": [1, 2, 3, 4], "B c": ["x", "y", "x", None], "f": [1.0, 2, 3, 4]})}
TWIN = {"t": pa.table({"a": [1, 1, 1, 5], "B c": ["x", "x", "x", "z"], "f": [1.0, 2, 3, 9]})}


def judged(*custom: dict[str, Any], real: Any = REAL, twin: Any = TWIN, **more: Any) -> Report:
    source = open_source(real)
    settings = EvaluationSettings("quick", custom=custom, **more)
    return evaluate(source, open_source(twin), source.schema(), settings=settings)


def one(sql: str, **more: Any) -> Any:
    """The score of one metric."""
    return judged({"name": "mine", "sql": sql, **more}).of("mine")[0].twin


def test_a_difference_is_of_both_sides() -> None:
    score = one("SELECT AVG(a) FROM t")
    assert score.value == 0.5
    assert dict(score.detail) == {"real": 2.5, "candidate": 2.0}
    assert score.rows == (4, 4)


def test_both_sides_at_once() -> None:
    unseen = "SELECT COUNT(*) FROM synthetic.t AS s WHERE s.a NOT IN (SELECT a FROM real.t)"
    assert one(unseen, direction="low").value == 1.0
    named = "SELECT COUNT(*) FROM synthetic AS s LEFT JOIN real AS r ON r.a = s.a WHERE r.a IS NULL"
    assert one(named, direction="low", table="t").value == 1.0


def test_the_twin_alone() -> None:
    sql = 'SELECT COUNT(DISTINCT "B c") FROM synthetic.t'
    assert one(sql, direction="high", best=3).value == 2.0


@pytest.mark.parametrize(
    "sql",
    [
        "WITH q AS (SELECT a, COUNT(*) AS n FROM t GROUP BY a) SELECT MAX(n) FROM q",
        "SELECT SUM(CASE WHEN \"b C\" = 'x' THEN 1 ELSE 0 END) * 1.0 / COUNT(*) FROM T",
        "SELECT MAX(n) - MIN(n) FROM (SELECT ROW_NUMBER() OVER (ORDER BY a) AS n FROM t) AS s",
        "SELECT COUNT(*) FROM t -- a comment",
        "SELECT MEDIAN(f) FROM t;",
        "WITH x AS (SELECT a FROM t), y AS (SELECT a FROM x) SELECT COUNT(*) FROM y",
        "SELECT COUNT(*) FROM (WITH x AS (SELECT a FROM t) SELECT a FROM x) AS s",
    ],
)
def test_what_a_select_may_have(sql: str) -> None:
    assert one(sql).value is not None


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "not understood"),
        ("SELEC a FROM t", "not understood|no SELECT"),
        ("SELECT COUNT(*) FROM t; DROP TABLE t", "several statements"),
        ("DROP TABLE t", "no SELECT"),
        ("INSERT INTO t SELECT * FROM t", "no SELECT"),
        ("ATTACH 'x.db' AS x", "no SELECT"),
        ("COPY t TO '/tmp/t.csv'", "no SELECT"),
        ("PRAGMA database_list", "no SELECT"),
        ("SET memory_limit = '1GB'", "no SELECT"),
        ("SELECT COUNT(*) FROM read_csv('/etc/passwd')", "may not have"),
        ("SELECT COUNT(*) FROM read_parquet('s3://x/y')", "may not have"),
        ("SELECT COUNT(*) FROM read_text('/etc/passwd')", "may not have"),
        ("SELECT COUNT(*) FROM glob('/*')", "may not have|no table"),
        ("SELECT COUNT(*) FROM '/etc/passwd'", "no table"),
        ("SELECT COUNT(*) FROM \"/etc/passwd\"", "no table"),
        ("SELECT COUNT(*) FROM duckdb_settings()", "may not have"),
        ("SELECT COUNT(*) FROM information_schema.tables", "no information_schema"),
        ("SELECT COUNT(*) FROM x.real.t", "no table"),
        ("SELECT length(getenv('HOME')) FROM t", "function getenv"),
        ("SELECT pg_sleep(10) FROM t", "function pg_sleep"),
        ("SELECT COUNT(pg_read_file('x')) FROM t", "function pg_read_file"),
        ("SELECT RANDOM() FROM t", "may not have"),
        ("SELECT COUNT(*) FROM t WHERE current_date > DATE '2020-01-01'", "may not have"),
        ("SELECT COUNT(*) INTO x FROM t", "may not have|not understood"),
        ("SELECT COUNT(*) FROM t TABLESAMPLE 10%", "may not have"),
        ("SELECT COUNT(*) FROM t FOR UPDATE", "may not have"),
        ("SELECT ? FROM t", "may not have"),
        ("SELECT 1", "reads no table"),
        ("SELECT COUNT(*) FROM u", "no table 'u'"),
        ("SELECT AVG(b) FROM t", "Referenced column"),
        ("SELECT AVG(\"B c\") FROM t", "Binder|No function"),
        ("SELECT a, f FROM t", "not one number"),
        ("SELECT MAX(\"B c\") FROM t", "not one number"),
        ("SELECT NULL FROM t", "not one number"),
        ("SELECT MAX(a) > 1 FROM t", "not one number"),
        ("SELECT MAX(INTERVAL 1 DAY) FROM t", "not one number"),
        ("SELECT MAX(CAST(\"B c\" AS INT[])) FROM t", "not one number"),
        ("SELECT COUNT(*) FROM real.t", "difference is of one SELECT"),
        ("WITH pg_shadow AS (SELECT 1 AS a FROM pg_shadow) SELECT COUNT(*) FROM pg_shadow",
         "no table 'pg_shadow'"),
        ("WITH x AS (SELECT 1 AS a FROM y), y AS (SELECT a FROM t) SELECT COUNT(*) FROM x",
         "no table 'y'"),
        ("SELECT COUNT(*) FROM " + "(" * 3_000 + "SELECT 1" + ")" * 3_000, "not understood"),
    ],
)  # fmt: skip
def test_what_is_refused(sql: str, said: str) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        one(sql)
    assert caught.value.hint


IN_A_TYPE = "oid) + (SELECT n FROM query('select 1 n')) + CAST(0 AS oid"
DROPPED = "oid); DROP SCHEMA IF EXISTS hr CASCADE; SELECT (COUNT(*)"
IN_A_PART = "year FROM DATE '2020-01-01') + (SELECT COUNT(*) FROM DUCKDB_SETTINGS()) + EXTRACT(year"


@pytest.mark.parametrize(
    "sql",
    [
        f'SELECT COUNT(*) + CAST(0 AS "{IN_A_TYPE}") FROM t',
        f'SELECT COUNT(*) + TRY_CAST(0 AS "{IN_A_TYPE}") FROM t',
        f'SELECT COUNT(CAST(a AS "{DROPPED}")) FROM t',
        'SELECT COUNT(a::"x y"[3]) FROM t',
        'SELECT COUNT(a::MAP("x y", INT)) FROM t',
        "SELECT COUNT(CAST(a AS regclass)) FROM t",
        'SELECT COUNT(CAST("B c" AS VARCHAR COLLATE "x y")) FROM t',
        f'SELECT MAX(EXTRACT("{IN_A_PART}" FROM d)) FROM t',
        "SELECT MAX(EXTRACT(dow FROM d)) FROM t",
        "SELECT MAX(EXTRACT('dow' FROM d)) FROM t",
        "SELECT COUNT(*) FROM t WHERE d > d + INTERVAL 1 foo",
        "SELECT COUNT(*) FROM t WHERE d > d + INTERVAL (a) foo",
        "SELECT COUNT(*) FROM t WHERE \"B c\" COLLATE nocase = 'x'",
        "SELECT COUNT(*) FROM t WHERE d > $1",
        "WITH RECURSIVE x AS (SELECT a FROM t UNION ALL SELECT a FROM x) SELECT COUNT(*) FROM x",
        "WITH __synthlake_0 AS (SELECT a FROM t) SELECT COUNT(*) FROM __synthlake_0",
        'SELECT COUNT(*) FROM t AS "__SYNTHLAKE_1"',
        "SELECT a AS __synthlake_1 FROM t",
    ],
)
def test_nothing_else_gets_through_what_is_written(sql: str) -> None:
    days = {"t": REAL["t"].append_column("d", pa.array([date(2020, 1, 1)] * 4))}
    with pytest.raises(SpecError, match="may not have") as caught:
        judged({"name": "mine", "sql": sql}, real=days, twin=days)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (exp.DataType(this=exp.DType.USERDEFINED, kind=IN_A_TYPE), "another statement"),
        (exp.Var(this="0 AS INT), MAX(random()"), "another statement"),
        (exp.Var(this="INT)) FROM t; DROP TABLE t; SELECT (COUNT(*"), "another statement"),
    ],
)
def test_what_is_written_is_read_again(node: exp.Expr, said: str) -> None:
    tree = read(Custom("mine", "SELECT COUNT(CAST(a AS INT)) FROM t"))
    next(tree.find_all(exp.Cast)).set("to", node)  # as if a kind of node were written as it stands
    with pytest.raises(SpecError, match=said):
        Figure("mine", tree, (), {}).sql("duckdb", lambda _, table: table)


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT MAX(EXTRACT(doy FROM d) + EXTRACT("year" FROM d)) FROM t',
        "SELECT MAX(EXTRACT('month' FROM d)) FROM t",
        "SELECT COUNT(*) FROM t WHERE d < DATE '2020-01-01' + INTERVAL 3 DAYS",
        "SELECT COUNT(*) FROM t WHERE d < TIMESTAMP '2020-01-01 00:00:00' + INTERVAL '1' HOUR",
        "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT CEIL(AVG(f), 1) + SUM(a::DECIMAL(10, 2)) + SUM(1e5 * a + .5 - 1_000) FROM t",
        "SELECT SUM(n) FROM (SELECT SUM(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND "
        "CURRENT ROW EXCLUDE NO OTHERS) AS n FROM t) AS q",
        "SELECT COUNT(*) FROM (SELECT a FROM t QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1) AS q",
        "SELECT COUNT(*) FROM t AS x SEMI JOIN t AS y ON x.a = y.a",
    ],
)
def test_what_is_written_is_what_was_read(sql: str) -> None:
    days = {"t": REAL["t"].append_column("d", pa.array([date(2020, 1, 1)] * 4))}
    assert judged({"name": "mine", "sql": sql}, real=days, twin=days).of("mine")[0].twin.value == 0


def test_names_of_with_hide_no_table() -> None:
    ours = ("WITH t0 AS (SELECT a FROM synthetic.t WHERE a > 1), t1 AS (SELECT a FROM real.t) "
            "SELECT COUNT(*) * 10 + (SELECT COUNT(*) FROM t1) FROM t0")  # fmt: skip
    assert one(ours, direction="low").value == 14
    hidden = "WITH t AS (SELECT a FROM synthetic.t WHERE a > 1) SELECT COUNT(*) FROM synthetic.t"
    score = one(hidden, direction="low")
    assert score.value is None
    assert "hides the table t" in score.reason


def test_names_of_with_are_folded() -> None:
    folded = "WITH T AS (SELECT a FROM t WHERE a > 1) SELECT COUNT(*) FROM t"
    assert dict(one(folded).detail) == {"real": 3, "candidate": 1}
    custom = Custom("mine", 'WITH "PG_SHADOW" AS (SELECT a FROM t) SELECT COUNT(*) FROM pg_shadow')
    found = figure(custom, open_source(REAL).schema()).sql("postgres", lambda _, t: f'"{t}"')
    assert found.endswith('FROM "PG_SHADOW" AS pg_shadow')  # what is not quoted would be another


def for_ever(*tables: str) -> str:
    """A SELECT over products of tables that no database computes in a lifetime."""
    places = [f"{tables[i % len(tables)]} AS r{i}" for i in range(40)]
    held = " + ".join(f"r{i}.a" for i in range(40))
    return f"SELECT COUNT(*) FROM {', '.join(places)} WHERE {held} > 0"


@pytest.mark.parametrize(
    ("direction", "tables"),
    [
        ("low", ("synthetic.t", "real.t")),
        ("low", ("synthetic.t",)),
        ("difference", ("t",)),
    ],
)
def test_a_select_that_takes_too_long(
    direction: str, tables: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthlake.quality.custom.metric._LONGEST", 0.2)
    endless = {"name": "endless", "sql": for_ever(*tables), "direction": direction}
    report = judged(endless, {"name": "mine", "sql": "SELECT AVG(a) FROM t"})
    score = report.of("endless")[0].twin
    assert score.value is None
    assert score.reason == "no figure: it took longer than 0.2 s"
    assert report.of("mine")[0].twin.value == 0.5  # the session goes on


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "postgres"])
def test_a_database_ends_a_select_that_takes_too_long(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = database(kind, tmp_path, request)
    monkeypatch.setattr("synthlake.quality.custom.metric._LONGEST", 0.5)
    endless = {"name": "endless", "sql": for_ever("t")}
    mine = {"name": "mine", "sql": "SELECT SUM(a) * 1.0 / COUNT(*) FROM t"}
    report = judged(endless, mine, real=where, twin=where)
    assert report.of("endless")[0].twin.reason == "no figure: it took longer than 0.5 s"
    assert report.of("mine")[0].twin.value == 0


def database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The real rows in a database; what opens it."""
    if kind == "postgres":
        url: str = request.getfixturevalue("postgres_database")
        into_postgres(url, REAL)
        return url
    path = tmp_path / f"own.{kind}"
    if kind == "duckdb":
        with duckdb.connect(str(path)) as held:
            held.register("rows", REAL["t"])
            held.execute("CREATE TABLE t AS SELECT * FROM rows")
        return f"duckdb:///{path}"
    with sqlite3.connect(path) as made:
        made.execute('CREATE TABLE t (a INTEGER, "B c" TEXT, f REAL)')
        rows = [tuple(row.values()) for row in REAL["t"].to_pylist()]
        made.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    made.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "ks"}, "a metric 'ks' already"),
        ({"name": "Late share"}, "cannot be the name"),
        ({"direction": "up"}, "no direction"),
        ({"tier": "deep"}, "no tier"),
        ({"best": 2}, "best value is 0"),
        ({"bests": 2}, "has no 'bests'"),
        ({"table": "u"}, "no table 'u'"),
        ({"direction": "low"}, "of is not said"),
        ({"direction": "low", "sql": "SELECT COUNT(*) FROM real.t"}, "does not read the twin"),
    ],
)
def test_what_else_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        judged({"name": "mine", "sql": "SELECT COUNT(*) FROM t", **more})


def test_a_name_is_given_once() -> None:
    mine = {"name": "mine", "sql": "SELECT COUNT(*) FROM t"}
    with pytest.raises(SpecError, match="two metrics of the spec are named 'mine'"):
        judged(mine, mine)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT a FROM t WHERE a > 100", "0 rows"),
        ("SELECT a FROM t", "4 rows"),
        ("SELECT MAX(a) FROM t WHERE a > 100", "NULL"),
        ("SELECT MAX(f / 0) FROM t", "NaN or infinity|NULL"),
        ("SELECT MAX(CAST('nan' AS DOUBLE)) FROM t", "NaN or infinity"),
        ("SELECT MAX(CAST(\"B c\" AS INTEGER)) FROM t", "duckdb cannot say: Conversion error"),
    ],
)  # fmt: skip
def test_what_is_no_number_has_a_reason(sql: str, reason: str) -> None:
    score = one(sql)
    assert score.value is None
    assert re.search(reason, score.reason)
    assert "'x'" not in score.reason  # a cell's value


def test_gates_and_the_report_know_it() -> None:
    mine = {"name": "mine", "sql": "SELECT AVG(a) FROM t", "title": "Mean of a"}
    report = judged(mine, gates=({"metric": "mine", "at_most": 0.1},))
    assert report.decision == "FAIL"
    assert report.gates[0].value == 0.5
    assert report.to_json()["summary"]["mine"]["title"] == "Mean of a"
    assert "Mean of a" in report.summary()


def test_it_has_a_floor_and_a_ceiling(nycflights13: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    random = pq.read_table(nycflights13 / "flights.parquet").slice(0, 4_000)
    table = {"flights": random.select(["carrier", "distance", "air_time"])}
    twin = sl.fit(table, seed=1, holdout=0.2).sample(seed=1)
    sql = "SELECT CORR(distance, air_time) FROM flights"
    report = sl.evaluate(table, twin, custom=[{"name": "speed", "sql": sql}])
    row = report.of("speed")[0]
    assert row.ceiling is not None
    assert row.ceiling.value is not None
    assert row.twin.value is not None
    assert row.floor is not None
    assert row.floor.value is not None
    assert row.floor.value > 0.9 > 0.1 > row.twin.value
    path = report.save(tmp_path / "report.html")
    assert "Speed" in path.read_text()
    again = type(report).load(report.save(tmp_path / "report.json"))
    assert again.of("speed")[0].twin.value == row.twin.value


def test_the_engine_of_the_data_counts(postgres_database: str) -> None:
    into_postgres(postgres_database, REAL)
    mine = {"name": "mine", "sql": "SELECT SUM(a) * 1.0 / COUNT(*) FROM t"}
    both = {"name": "both", "direction": "low",
            "sql": "SELECT COUNT(*) FROM synthetic.t WHERE a NOT IN (SELECT a FROM real.t)",
            }  # fmt: skip
    report = judged(mine, both, real=postgres_database)
    assert report.of("mine")[0].twin.value == 0.5
    assert report.of("both")[0].twin.reason.startswith("one SELECT cannot read postgres")


def spec_of(tmp_path: Path, custom: str) -> SynthesisSpec:
    import pyarrow.parquet as pq

    (tmp_path / "data").mkdir(exist_ok=True)
    pq.write_table(REAL["t"], tmp_path / "data" / "t.parquet")
    path = tmp_path / "spec.yml"
    path.write_text(f"source: {tmp_path / 'data'}\nsink: {tmp_path / 'out'}\n"
                    f"evaluate:\n  custom:\n    - {custom}\n"
                    "gates:\n  - {metric: mine, at_most: 0.1}\n")  # fmt: skip
    return SynthesisSpec.load(path)


def test_a_spec_declares_it(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "{name: mine, sql: SELECT AVG(a) FROM t}")
    assert spec.evaluate.customs[0].direction == "difference"
    assert SynthesisSpec.load(spec.to_dict()) == spec
    plan(spec)


def test_a_spec_says_where_it_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"evaluate\.custom.*may not have"):
        spec_of(tmp_path, "{name: mine, sql: SELECT COUNT(*) FROM read_csv('x')}")
    with pytest.raises(
        SpecError, match=r"evaluate\.custom\.0\.sqls .*line 5.* is not a key"
    ) as caught:
        spec_of(tmp_path, "{name: mine, sql: SELECT COUNT(*) FROM t, sqls: SELECT 1}")
    assert "sql" in caught.value.hint
    with pytest.raises(SpecError, match="a metric 'ks' already"):
        spec_of(tmp_path, "{name: ks, sql: SELECT COUNT(*) FROM t}")
    with pytest.raises(SpecError, match="no table 'u'"):
        plan(spec_of(tmp_path, "{name: mine, sql: SELECT COUNT(*) FROM u}"))
