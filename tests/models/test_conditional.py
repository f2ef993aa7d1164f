"""What a guide is told of a column: drawing admitted codes alone, and how likely they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.models.plugin import installed
from tests.models.test_synthesizers import NAMES, TABLES, by_name, feature, table

from synthlake.models.conditional import LeafRows
from synthlake.models.registry import guided_of, synthesizer_of
from synthlake.ports import (
    Admission,
    Codes,
    Distribution,
    FittedSynthesizer,
    Redraw,
    TrainingTable,
)
from synthlake.seed import Seed, Words

ROWS = 40_000
GUIDED = ("trees", "independent", "auto")  # the last one where it chose one of the others


@dataclass
class Listener:
    """Draws as the model would, and remembers each column's distribution."""

    heard: dict[str, Distribution] = field(default_factory=dict)

    def draw(self, column: str, given: Distribution, words: Words) -> Codes:
        self.heard[column] = given
        return given.draw(words)

    def chosen(self, column: str) -> NDArray[np.int64] | None:
        return None

    def alone(self, column: str) -> bool:
        return False


def heard(fitted: FittedSynthesizer, data: TrainingTable) -> tuple[Listener, dict[str, Codes]]:
    listener, out = Listener(), {}

    def settle(name: str, codes: Codes, redraw: Redraw) -> Codes:
        out[name] = codes
        return codes

    context = {n: np.resize(f.codes, ROWS) for n, f in data.context.items()}
    guided = guided_of(fitted)
    assert guided is not None
    guided.sample_guided(list(data.columns), context, words, settle, listener)
    return listener, out


def words(column: str, number: int) -> Words:
    return Seed(0).words("t", column, 0, ROWS, number)


@pytest.fixture(scope="module", autouse=True)
def dummy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The plugin's synthesizer is one of them."""
    with installed(tmp_path_factory.mktemp("site")):
        yield


@pytest.fixture(scope="module", params=[(n, t) for n in GUIDED for t in TABLES], ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[TrainingTable, FittedSynthesizer]:
    name, kind = request.param
    data = TABLES[kind]()
    settings = {"candidates": ["trees", "independent"]} if name == "auto" else {}
    return data, synthesizer_of({"name": name, **settings}).fit(data, 5)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in GUIDED])
def test_others_say_that_they_take_no_guide(name: str) -> None:
    assert guided_of(by_name(name).fit(TABLES["mixed"](), 5)) is None


def test_a_guide_that_does_nothing_changes_nothing(
    case: tuple[TrainingTable, FittedSynthesizer],
) -> None:
    data, fitted = case
    _, guided = heard(fitted, data)
    plain: dict[str, Codes] = {}

    def settle(name: str, codes: Codes, redraw: Redraw) -> Codes:
        plain[name] = codes
        return codes

    context: Mapping[str, Codes] = {n: np.resize(f.codes, ROWS) for n, f in data.context.items()}
    fitted.sample(list(data.columns), context, words, settle)
    assert list(plain) == list(guided)
    for name, codes in plain.items():
        assert np.array_equal(codes, guided[name])


def test_admitted_codes_are_drawn_in_their_shares(
    case: tuple[TrainingTable, FittedSynthesizer],
) -> None:
    """Restricted draws are the unrestricted ones with all others left out."""
    data, fitted = case
    listener, drawn = heard(fitted, data)
    for name, column in data.columns.items():
        codes = drawn[name]
        some = np.unique(codes)[::2]
        shares = np.zeros(column.size + 1)
        shares[some] = 1.0
        within, likely = listener.heard[name].within(Admission(shares))
        inside = np.isin(codes, some)
        assert likely.min() >= 0
        assert likely.max() <= 1
        assert likely.mean() == pytest.approx(inside.mean(), abs=0.012)
        again = within.draw(Seed(1).words("t", name, 0, ROWS, 0))
        possible = likely > 0
        assert np.isin(again[possible], some).all()
        expected = np.bincount(codes[inside] + 1, minlength=column.size + 1) / max(inside.sum(), 1)
        got = np.bincount(again[possible] + 1, likely[possible], column.size + 1)
        assert np.abs(np.cumsum(expected) - np.cumsum(got / got.sum())).max() < 0.03


def test_likelihoods_are_those_of_draws(case: tuple[TrainingTable, FittedSynthesizer]) -> None:
    data, fitted = case
    listener, drawn = heard(fitted, data)
    for name, column in data.columns.items():
        for code in np.unique(drawn[name])[:6]:
            likely = listener.heard[name].likelihood(np.full(ROWS, code, np.int32))
            assert likely.mean() == pytest.approx((drawn[name] == code).mean(), abs=0.012)
        rows = listener.heard[name]
        assert isinstance(rows, LeafRows)
        one = LeafRows(rows.leaves, rows.node[:1])
        if column.size < 100:
            total = sum(one.likelihood(np.array([c], np.int32))[0] for c in range(-1, column.size))
            assert total == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 300), st.integers(1, 40), st.booleans(), st.integers(0, 99))
def test_any_shares_of_any_small_table(rows: int, size: int, ordered: bool, seed: int) -> None:
    """Whatever share of a code is admitted: what has none is never drawn."""
    random = np.random.default_rng(seed)
    codes = random.integers(-2, size, rows)
    data = table({"a": feature(random.integers(0, 3, rows), 3), "c": feature(codes, size, ordered)})
    listener, drawn = heard(synthesizer_of({"name": "trees"}).fit(data, seed), data)
    shares = np.where(random.random(size + 1) < 0.5, 0.0, random.random(size + 1))
    within, likely = listener.heard["c"].within(Admission(shares))
    found = within.draw(words("c", 3))
    assert found.min() >= -1
    assert found.max() < size
    assert (shares[found[likely > 0]] > 0).all()
    assert likely.mean() == pytest.approx(shares[drawn["c"]].mean(), abs=0.012)
