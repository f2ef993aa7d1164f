"""The server that the tests of databases use is as awkward as it says."""

from __future__ import annotations

import psycopg
from tests.postgres import ZONE


def test_the_server_sorts_by_language_and_lives_elsewhere(postgres_database: str) -> None:
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT v FROM (VALUES ('_a'), ('-1'), ('a'), ('B')) AS t (v) ORDER BY v"
        ).fetchall()
        assert [row[0] for row in rows] != sorted(row[0] for row in rows)
        assert connection.execute("SHOW timezone").fetchone() == (ZONE,)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_each_database_is_empty(postgres_database: str) -> None:
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE a (b int)")
        counted = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert counted.fetchone() == (1,)
