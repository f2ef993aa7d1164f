"""Draws that are spread over rows which are alike: each is uniform and tells nothing of others."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthlake.models.stratified import spread

SHIFT = np.uint64(32)


def drawn(rows: int, times: int, *, within: bool = False) -> NDArray[np.float64]:
    """Both halves of words in [0, 1), shape (times, rows, 2); rows are of two leaves by turns."""
    random, leaf = np.random.default_rng(rows), np.arange(rows) % 2
    out = np.empty((times, rows, 2))
    for time in range(times):
        words = random.integers(0, 2**64, rows, np.uint64)
        made = spread(words, leaf, np.arange(rows) % 3 - 1 if within else None)
        out[time] = np.stack([made >> SHIFT, (made << SHIFT) >> SHIFT], axis=1) / 2**32
    return out


@pytest.mark.parametrize("rows", [2, 3, 5, 10, 50])
@pytest.mark.parametrize("within", [False, True])
def test_draws_of_every_row_are_uniform_however_few_rows_there_are(rows: int, within: bool) -> None:
    made, near = drawn(rows, 8_000, within=within), 5 / np.sqrt(8_000)
    assert made.mean(0) == pytest.approx(np.full((rows, 2), 0.5), abs=0.29 * near)
    below = (made[:, :, 0] < 0.25).mean(0)
    assert below == pytest.approx(np.full(rows, 0.25), abs=0.44 * near)
    # the place within a cell owes nothing to the cell
    both = (made < 0.5).all(2).mean(0)
    assert both == pytest.approx(np.full(rows, 0.25), abs=0.44 * near)


def test_shares_come_out_as_they_are() -> None:
    random = np.random.default_rng(1)
    made = spread(random.integers(0, 2**64, 1_000, np.uint64), np.repeat([3, 900], 500))
    for part in (made[:500], made[500:]):
        assert np.mean(part >> SHIFT < 0.3 * 2**32) == pytest.approx(0.3, abs=0.01)
