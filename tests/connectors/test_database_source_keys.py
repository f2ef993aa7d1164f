"""Foreign keys of PostgreSQL, whatever their columns are called and wherever their tables are."""

from __future__ import annotations

import pytest
from tests.connectors.database_places import postgres_place

from synthlake.schema.model import ForeignKey
from synthlake.source import open_source


@pytest.mark.parametrize("name", ["a, b", 'c") REFERENCES x("d', "e.f", "(g)", '"', "h ON DELETE"])
def test_keys_of_any_name_are_reflected(postgres_database: str, name: str) -> None:
    place = postgres_place(postgres_database, "public")
    quoted = '"' + name.replace('"', '""') + '"'
    place.run(f"CREATE TABLE parent ({quoted} int, b int, PRIMARY KEY (b, {quoted}))")
    place.run(
        f"CREATE TABLE child (b int, {quoted} int,"
        f" FOREIGN KEY ({quoted}, b) REFERENCES parent ({quoted}, b))"
    )
    source = place.source()
    found = source.schema()["child"].foreign_keys
    source.close()  # type: ignore[attr-defined]
    assert found == (ForeignKey((name, "b"), "parent", (name, "b")),)


def test_a_key_to_a_table_on_the_search_path_is_found(postgres_database: str) -> None:
    place = postgres_place(postgres_database, "public")
    for schema in ("one", "two", "three"):
        place.run(f"CREATE SCHEMA {schema}")
    place.run(f"ALTER DATABASE {postgres_database.rpartition('/')[2]} SET search_path = one, two")
    place.run("CREATE TABLE two.parent (id int PRIMARY KEY)")
    place.run("CREATE TABLE three.child (a int REFERENCES two.parent)")
    named = {"p": {"schema": "two", "name": "parent"}, "c": {"schema": "three", "name": "child"}}
    source = open_source(postgres_database, options={"tables": named})
    found = source.schema()["c"].foreign_keys
    source.close()  # type: ignore[attr-defined]
    assert found == (ForeignKey(("a",), "p", ("id",)),)
