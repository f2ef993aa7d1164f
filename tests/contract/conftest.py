"""The hard database in every engine, and in memory to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.contract import hard
from tests.contract.engines import ENGINES, as_held

from synthlake.ports import Source
from synthlake.schema.model import Schema
from synthlake.source import open_source


@dataclass(frozen=True)
class Both:
    """The same tables in an engine and in memory.

    Attributes:
        engine: name of the engine.
        source: the engine's.
        memory: of Arrow tables, by DuckDB.
        schema: of both, with keys and modes.
    """

    engine: str
    source: Source
    memory: Source
    schema: Schema


def keyed(source: Source) -> Schema:
    return Schema({
        table.name: replace(
            table,
            primary_key=hard.PRIMARY.get(table.name, ()),
            foreign_keys=hard.FOREIGN.get(table.name, ()),
        )
        for table in sorted(source.schema(), key=lambda table: table.name)
    })  # fmt: skip


# A statement in Spark takes a second, however little it reads.
_PARAMS = [pytest.param(n, marks=pytest.mark.slow) if n == "spark" else n for n in ENGINES]


@pytest.fixture(params=_PARAMS)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine by its name."""
    name: str = request.param
    return name


@pytest.fixture
def both(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[Both]:
    """The hard database; its rows lie in another order in the engine than in memory."""
    given = as_held(engine, hard.tables())
    turned = {name: table.take(list(range(len(table)))[::-1]) for name, table in given.items()}
    source = ENGINES[engine](request, turned, tmp_path)
    memory = open_source(given)
    yield Both(engine, source, memory, keyed(memory))
    if (close := getattr(source, "close", None)) is not None:
        close()
