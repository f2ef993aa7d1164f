"""The emitted SQL, one file a dialect and a kind of statement; each is also executed.

A file that is missing is written, and the test fails once so that somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from tests.contract.engines import ENGINES

from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql import columns, references
from synthlake.sql.closure import Cycle
from synthlake.sql.columns import Stored
from synthlake.sql.descent import Above, Descent, Rows
from synthlake.sql.draw import Pull, drawn
from synthlake.sql.keys import compared, parts, reference
from synthlake.sql.measure import stored_rows
from synthlake.sql.membership import Among, among, distinct
from synthlake.sql.split import part, roots
from synthlake.sql.tables import Tables
from synthlake.sql.tally import orphans
from synthlake.sql.trees import Cut, families, threshold

GOLDEN = Path(__file__).parent.parent / "golden"
DIALECTS = {"duckdb": "duckdb", "postgres": "postgres", "sqlite": "sqlite"}
"""By name of a golden folder, which is the dialect's, the engine that executes it."""
MEASURED, DRAWN = '"__measured"', '"__drawn"'

Emit = Callable[[Tables, Stored], str]
PRICE, SKU, ID, YEAR = 4, 3, 0, 2  # columns of ``item`` by position


def _column(emit: Callable[..., str], number: int, *more: int) -> Emit:
    return lambda tables, stored: emit(stored, number, tables.schema["item"].columns[number], *more)


def _pull(tables: Tables) -> list[Pull]:
    item = tables.schema["item"]
    return [Pull(item, item.foreign_keys[0], DRAWN)]


def _among(tables: Tables, table: Table) -> Above:
    """Whether the parent is anywhere, as if all were taken."""

    def found(number: int, fk: ForeignKey) -> Among:
        parent = compared(tables, parts(tables, tables.schema[fk.references], fk.to))
        own = compared(tables, reference(tables, table, fk))
        return among(f"d{number}", own, distinct(parent, tables.read(fk.references)))

    return found


def _descendants(tables: Tables) -> str:
    order, family = tables.schema["order"], frozenset(["customer", "order"])
    below = Descent(tables, {"customer": 16**14}, family, "subset 7 ", 3)
    rows = below.rows(order, _among(tables, order))
    return f"SELECT t.* FROM {rows.read} WHERE {rows.test}"


def _steps(tables: Tables) -> str:
    customer = tables.schema["customer"]
    itself = ForeignKey(("id",), "customer", ("id",))
    schema = tables.schema.with_table(customer.with_keys(foreign_keys=(itself,)))
    cycle = Cycle.of(Tables(tables.engine, schema), ["customer"])
    assert cycle is not None
    every, (target,) = tables.read("customer"), cycle.of_table(customer)
    steps = [
        cycle.seed(customer, target, Rows(every, "1 = 1")),
        cycle.edge(customer, itself, target, Rows(every, "")),
    ]
    return " UNION ALL ".join(steps)


STATEMENTS: dict[str, Emit] = {
    "subset_descendants": lambda t, _: _descendants(t),
    "subset_steps": lambda t, _: _steps(t),
    "subset_orphans": lambda t, _: orphans(
        t, t, t.schema["item"], t.schema["item"].foreign_keys[0]
    ),
    "stored_root": lambda t, _: stored_rows(t, t.schema["customer"]),
    "stored_child": lambda t, _: stored_rows(t, t.schema["order"]),
    "stored_grandchild": lambda t, _: stored_rows(t, t.schema["item"]),
    "stored_without_key": lambda t, _: stored_rows(t, t.schema["note"]),
    "profile": lambda t, s: columns.profile(s, list(enumerate(t.schema["item"].columns))),
    "counts": _column(columns.counts, ID),
    "counts_of_floats": _column(columns.counts, PRICE),
    "cuts": _column(columns.cuts, ID, 4200),
    "shapes": lambda _, s: columns.shapes(s, SKU),
    "degrees": lambda t, _: references.degrees(
        t, t.schema["item"], t.schema["item"].foreign_keys[0]
    ),
    "agreements": lambda t, s: references.agreements(
        s, t.schema["item"], t.schema["item"].foreign_keys[1], [YEAR, PRICE]
    ),
    "agreements_of_many": lambda t, s: references.agreements(
        replace(s, rows=2_000_000), t.schema["item"], t.schema["item"].foreign_keys[0], [SKU]
    ),
    "distinct_keys": lambda t, _: references.distinct_keys(t, t.schema["order"]),
    "split_part": lambda t, _: part(t, t.schema["order"], 16**14, ">="),
    "split_roots": lambda t, _: roots(t, t.schema["customer"]),
    "families": lambda t, _: families(t, t.schema["order"], frozenset(["customer"])),
    "threshold": lambda t, _: threshold(t, ["order", "item"], frozenset(["order"]), 100),
    "drawn_whole": lambda t, _: drawn(t, t.schema["item"], None, []),
    "drawn_with_orphans": lambda t, _: drawn(t, t.schema["item"], None, [], t),
    "drawn_families": lambda t, _: drawn(
        t, t.schema["order"], Cut(frozenset(["order"]), 16**14), _pull(t)
    ),
}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stored(
    dialect: str,
    request: pytest.FixtureRequest,
    shop_rows: Callable[..., dict[str, pa.Table]],
    shop_schema: Callable[[Source], Schema],
    tmp_path: Path,
) -> Iterator[Stored]:
    plain = {name: plainly(table) for name, table in shop_rows().items()}
    source = ENGINES[DIALECTS[dialect]](request, plain, tmp_path)
    schema = shop_schema(source)
    tables = Tables(source.engine(), schema)
    item = schema["item"]
    for name, sql in (
        (MEASURED, stored_rows(tables, item)),
        (DRAWN, drawn(tables, item, None, [])),
    ):
        source.engine().query(tables.primitives.materialise(name, sql))
    yield Stored(tables, MEASURED, 4200, 700)
    source.close()  # type: ignore[attr-defined]


def plainly(table: pa.Table) -> pa.Table:
    """Dictionaries as their values: databases have none."""
    fields = [
        (f.name, f.type.value_type if isinstance(f.type, pa.DictionaryType) else f.type)
        for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def test_statements_are_as_they_were_and_run(dialect: str, stored: Stored) -> None:
    written = []
    for name, emit in STATEMENTS.items():
        sql = emit(stored.tables, stored)
        assert stored.tables.engine.query(sql).num_rows > 0, name
        path = GOLDEN / dialect / f"{name}.sql"
        if path.exists():
            assert sql + "\n" == path.read_text(), name
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(sql + "\n")
            written.append(name)
    assert not written, f"these files were missing and are written: look at {written}"


def test_no_file_is_left_over(dialect: str) -> None:
    assert {path.stem for path in (GOLDEN / dialect).iterdir()} == set(STATEMENTS)
