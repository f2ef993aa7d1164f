"""What trees of ordered columns predict: ranks, and the company that values keep."""

from __future__ import annotations

import numpy as np
import pytest

from synthlake.models.embed import target_of
from synthlake.models.trees import Trees
from synthlake.ports import Codes, Feature, Redraw, TrainingTable
from synthlake.seed import Words

ROWS = 8_000


def _amounts() -> tuple[Feature, Feature]:
    """A flag, and amounts of 40: of each four, two go with the flag; ranks do not tell which."""
    random = np.random.default_rng(0)
    flag = random.integers(0, 2, ROWS).astype(np.int32)
    pair = random.integers(0, 2, ROWS)
    amount = 4 * random.integers(0, 10, ROWS) + np.where(flag, 3 * pair, 1 + pair)
    return Feature(flag, 2, False), Feature(amount.astype(np.int32), 40, True)


def test_amounts_are_told_from_their_neighbours() -> None:
    flag, amount = _amounts()
    target = target_of(amount, [flag], lone=True)
    assert len(target) == 3
    told = [abs(np.corrcoef(output, flag.codes)[0, 1]) for output in target]
    assert max(told[:2]) < 0.05
    assert told[2] > 0.99


def test_chance_adds_no_axis() -> None:
    random = np.random.default_rng(0)
    features = [Feature(random.integers(0, 9, ROWS).astype(np.int32), 9, False) for _ in range(12)]
    amount = Feature(random.integers(0, 300, ROWS).astype(np.int32), 300, True)
    assert len(target_of(amount, features, lone=True)) == 2


def test_rows_that_share_entities_add_no_axis() -> None:
    flag, amount = _amounts()
    assert len(target_of(amount, [flag], lone=False)) == 2


@pytest.mark.parametrize("missing", [0, 800])
def test_a_twin_keeps_the_company_of_amounts(missing: int) -> None:
    random = np.random.default_rng(1)
    flag, amount = _amounts()
    amount.codes[:missing] = -1
    noise = {
        f"noise {i}": Feature(random.integers(0, 300, ROWS).astype(np.int32), 300, True)
        for i in range(15)
    }
    columns = {**noise, "flag": flag, "amount": amount}
    data = TrainingTable(columns, {}, np.arange(ROWS), 10)
    drawn: dict[str, Codes] = {}

    def settle(name: str, codes: Codes, redraw: Redraw) -> Codes:
        drawn[name] = codes
        return codes

    def draw(name: str, number: int) -> Words:
        random = np.random.default_rng(sorted(columns).index(name))
        return random.integers(0, 2**64, ROWS, dtype=np.uint64)

    Trees(min_leaf=400).fit(data, 0).sample(list(columns), {}, draw, settle)
    there = drawn["amount"] >= 0
    assert abs(np.count_nonzero(~there) - missing) < 200
    low = np.isin(drawn["amount"][there] % 4, (1, 2))
    assert np.mean(low != drawn["flag"][there]) > 0.97
