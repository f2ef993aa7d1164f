"""A hostile schema from end to end: reflected, learned, and its twin written into the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from synthlake.api import RunSettings, run

pytestmark = pytest.mark.slow

HOSTILE = 'a"; drop table x; --'
QUOTED = '"a""; drop table x; --"'
MADE = [
    "CREATE TABLE x (kept int)",
    "INSERT INTO x VALUES (1), (2), (3)",
    'CREATE SCHEMA "Shop; drop table x"',
    'SET search_path = "Shop; drop table x"',
    """CREATE TABLE "Customers" (
        "Tenant" int, "Id, x" bigint, name text NOT NULL, born date, score numeric(8, 2),
        PRIMARY KEY ("Tenant", "Id, x"))""",
    """INSERT INTO "Customers" SELECT g % 3, g, 'n' || g % 40, date '1970-01-01' + g % 400,
        (g % 100) / 4.0 FROM generate_series(1, 600) g""",
    f"""CREATE TABLE {QUOTED} (
        id int PRIMARY KEY, {QUOTED} int NOT NULL, "c) REFERENCES b(" bigint NOT NULL,
        "%s {{}} $1" timestamptz,
        FOREIGN KEY ({QUOTED}, "c) REFERENCES b(") REFERENCES "Customers" ("Tenant", "Id, x"))""",
    f"""INSERT INTO {QUOTED} SELECT row_number() OVER (), "Tenant", "Id, x",
        timestamptz '2020-01-01 00:00+00' + g * interval '1 hour'
        FROM "Customers", generate_series(1, 3) g""",
]


def _ask(url: str, *statements: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            found = connection.execute(statement)
        return found.fetchall() if found.description else []


def _keys(url: str, schema: str) -> dict[str, set[str]]:
    """Definitions of the keys of a schema's tables, without the schema's name."""
    place = _quoted(schema)
    rows = _ask(
        url,
        "SELECT r.relname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
        " JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace"
        f" WHERE quote_ident(nspname) = $q${place}$q$ AND contype IN ('p', 'f')"
        " AND NOT starts_with(relname, '_synthlake')",
    )
    found: dict[str, set[str]] = {}
    for table, text in rows:
        bare = text.replace(f"{place}.", "").partition(" DEFERRABLE")[0]
        found.setdefault(table, set()).add(bare)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("same", [False, True], ids=["another schema", "its own tables"])
def test_a_hostile_schema_is_learned_and_written_back(
    postgres_database: str, tmp_path: Path, same: bool
) -> None:
    url, source = postgres_database, "Shop; drop table x"
    _ask(url, *MADE)
    target = source if same else "Twin'; drop table x; --"
    before = _keys(url, source)
    spec: dict[str, Any] = {
        "source": {"url": url, "schema": source},
        "sink": {"url": url, "schema": target, "options": {"into_existing": same}},
        "runs": str(tmp_path / "runs"),
        "seed": 3,
        "evaluate": {"tier": "quick"},
        "gates": [{"metric": m, "at_most": 0} for m in ("schema", "primary_key", "orphans")],
    }
    result = run(spec, RunSettings(run_id="a/b; drop table x"))
    assert result.passed
    assert _keys(url, target) == before
    assert set(before) == {"Customers", HOSTILE}
    place = _quoted(target)
    customers, orders = f'{place}."Customers"', f"{place}.{QUOTED}"
    ((made,),) = _ask(url, f"SELECT count(*) FROM {customers}")
    assert made == 600
    ((children, orphans),) = _ask(
        url,
        f'SELECT count(*), count(*) FILTER (WHERE c."Tenant" IS NULL) FROM {orders} o'
        f' LEFT JOIN {customers} c ON c."Tenant" = o.{QUOTED}'
        ' AND c."Id, x" = o."c) REFERENCES b("',
    )
    assert children > 1_500
    assert orphans == 0
    assert _ask(url, "SELECT count(*) FROM public.x") == [(3,)]
    # what was read has changed where the twin is written over it
    again = run(spec, RunSettings(run_id="a/b; drop table x", if_published="reuse"))
    assert again.reused
