"""What trees of ordered columns predict: ranks, and the company that values keep."""

from __future__ import annotations

import numpy as np
import pytest

from synthlake.models.embed import target_of
from synthlake.models.trees import Trees
from synthlake.ports import Codes, Feature, Settle, TrainingTable

ROWS = 8_000


def _amounts(rows: int, seed: int = 0) -> tuple[Feature, Feature]:
    """A flag, and amounts of 40: even ones go with the flag, odd ones without."""
    random = np.random.default_rng(seed)
    flag = random.integers(0, 2, rows).astype(np.int32)
    amount = (2 * random.integers(0, 20, rows) + flag).astype(np.int32)
    return Feature(flag, 2, False), Feature(amount, 40, True)


def test_amounts_are_told_from_their_neighbours() -> None:
    flag, amount = _amounts(ROWS)
    target = target_of(amount, [flag], ROWS)
    assert len(target) == 3
    told = [abs(np.corrcoef(output, flag.codes)[0, 1]) for output in target]
    assert max(told[:2]) < 0.2
    assert told[2] > 0.99


def test_chance_adds_no_axis() -> None:
    random = np.random.default_rng(0)
    features = [Feature(random.integers(0, 9, ROWS).astype(np.int32), 9, False) for _ in range(12)]
    amount = Feature(random.integers(0, 300, ROWS).astype(np.int32), 300, True)
    assert len(target_of(amount, features, ROWS)) == 2


def test_rows_of_few_entities_are_no_evidence() -> None:
    flag, amount = _amounts(ROWS)
    assert len(target_of(amount, [flag], 20)) == 2


@pytest.mark.parametrize("missing", [0, 800])
def test_a_twin_keeps_the_company_of_amounts(missing: int) -> None:
    flag, amount = _amounts(ROWS)
    amount.codes[:missing] = -1
    data = TrainingTable({"flag": flag, "amount": amount}, {}, np.arange(ROWS), 10)
    drawn: dict[str, Codes] = {}

    def settle(name: str, codes: Codes, redraw: object) -> Codes:
        drawn[name] = codes
        return codes

    def draw(name: str, number: int) -> np.ndarray:
        return np.random.default_rng(len(name)).integers(0, 2**64, ROWS, dtype=np.uint64)

    accept: Settle = settle
    Trees(min_leaf=250).fit(data, 0).sample(["flag", "amount"], {}, draw, accept)
    there = drawn["amount"] >= 0
    assert abs(np.count_nonzero(~there) - missing) < 200
    assert np.mean(drawn["amount"][there] % 2 == drawn["flag"][there]) > 0.99
