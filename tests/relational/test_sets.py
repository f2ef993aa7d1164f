"""Families have sets of values, each value as often as their rows expect it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthlake.relational.sets import Rest, as_sets, handed_out

FAMILIES, ROWS, CODES = 1_500, 6, 30


class Drawn:
    """Rows of one of three leaves each, of which some codes are frequent."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.shares = random.dirichlet(np.full(CODES, 0.3), 3)
        self.leaf = random.integers(0, 3, FAMILIES * ROWS)
        self.family = np.repeat(np.arange(FAMILIES), ROWS)
        self.codes = self(np.arange(len(self.leaf)), 0)

    def __call__(self, rows: NDArray[np.int64], number: int) -> NDArray[np.int32]:
        at = np.random.default_rng(number).random(len(self.leaf))[rows, None]
        found = (np.cumsum(self.shares, axis=1)[self.leaf[rows]] < at).sum(1)
        return np.minimum(found, CODES - 1).astype(np.int32)

    def expected(self) -> NDArray[np.float64]:
        """How often each code is in a set, if none is there twice."""
        each = np.zeros((FAMILIES, CODES))
        np.add.at(each, self.family, self.shares[self.leaf])
        return np.minimum(each, 1).sum(0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_codes_are_as_frequent_as_rows_expect(seed: int) -> None:
    drawn = Drawn(seed)
    made = as_sets(drawn.codes, drawn.family, drawn, 5)
    assert (made >= 0).all()
    assert len(np.unique(drawn.family * CODES + made)) == len(made)
    wanted, found = drawn.expected(), np.bincount(made, minlength=CODES)
    often = wanted > 300
    assert np.abs(found - wanted)[often].max() < 0.12 * wanted[often].max()
    again = np.bincount(_until_free(drawn), minlength=CODES)  # the other way, for comparison
    assert np.abs(found - wanted).sum() < 0.6 * np.abs(again - wanted).sum()


def test_a_code_that_stands_for_many_may_be_there_often() -> None:
    drawn = Drawn(3)
    many = int(np.bincount(drawn.codes).argmax())
    made = as_sets(drawn.codes, drawn.family, drawn, 5, Rest(many))
    pairs = np.unique(drawn.family * CODES + made, return_counts=True)
    assert set(pairs[0][pairs[1] > 1] % CODES) == {many}
    assert (made == many).sum() == pytest.approx((drawn.codes == many).sum(), rel=0.1)


def test_families_that_expect_too_few_codes_have_those_of_rows_near_them() -> None:
    family, codes = np.repeat(np.arange(40), 3), np.tile(np.array([0, 1], np.int32), 60)
    codes[::7] = 2
    made = as_sets(codes, family, lambda rows, _: codes[rows], 1)
    assert (made >= 0).all()
    assert len(np.unique(family * 3 + made)) == len(made)


def test_rows_that_rules_speak_of_have_what_they_expect_or_none() -> None:
    random = np.random.default_rng(2)
    family, leaf = np.repeat(np.arange(300), 6), random.integers(0, 2, 1_800)

    def draw(rows: NDArray[np.int64], number: int) -> NDArray[np.int32]:
        at = np.random.default_rng(number).integers(0, 5, len(leaf))[rows]
        return (at + 5 * leaf[rows]).astype(np.int32)

    codes = draw(np.arange(len(leaf)), 0)
    made = as_sets(codes, family, draw, 5, strict=True)
    there = made >= 0
    assert (made[there] // 5 == leaf[there]).all()
    assert there.mean() > 0.7
    assert len(np.unique(family[there] * 10 + made[there])) == there.sum()


def test_seats_keep_codes_that_no_row_has_yet() -> None:
    """Draws that tell what rows expect may be of codes beyond those that there are."""
    group, size = np.repeat(np.arange(30), 3), 20
    drawn = np.random.default_rng(0).integers(0, size, (25, 90))
    chosen = np.sort(group * size + drawn[0] % 18)
    made = handed_out(drawn, group, chosen, size, 1)
    assert (np.sort(group * size + made) == chosen).all()


def _until_free(drawn: Drawn) -> NDArray[np.int32]:
    """Rows draw until they find a code that no row of their family has."""
    made = drawn.codes.copy()
    for number in range(1, 60):
        first = np.unique(drawn.family * CODES + made, return_index=True)[1]
        bad = np.setdiff1d(np.arange(len(made)), first)
        made[bad] = drawn(bad, 1_000 + number)
    return made
