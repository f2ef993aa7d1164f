"""What trees of ordered columns predict: ranks, and the company that values keep."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthlake.models.embed import company, embedding, target_of
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


def _flagged(axes: NDArray[np.float64], flag: Feature) -> float:
    """How much the first axis has to do with the flag."""
    return float(abs(np.corrcoef(axes[0], flag.codes)[0, 1]))


def test_amounts_are_told_from_their_neighbours() -> None:
    flag, amount = _amounts()
    axes = company(amount, [flag], 10)
    assert len(axes) == 1
    assert _flagged(axes, flag) > 0.99
    ranks = target_of(amount, [flag], 10)
    assert max(_flagged(ranks[:1], flag), _flagged(ranks[1:], flag)) < 0.05


@pytest.mark.parametrize("copies", [1, 10])
@pytest.mark.parametrize("ordered", [False, True])
def test_chance_adds_no_axis(copies: int, ordered: bool) -> None:
    random = np.random.default_rng(0)
    features = [Feature(random.integers(0, 9, ROWS).astype(np.int32), 9, False) for _ in range(12)]
    same = Feature(random.integers(0, 20, ROWS).astype(np.int32), 20, ordered)
    amount = Feature(random.integers(0, 300, ROWS).astype(np.int32), 300, True)
    assert not len(company(amount, [*features, *[same] * copies], 10))


def test_few_rows_are_no_evidence() -> None:
    flag, amount = (Feature(f.codes[:1_000], f.size, f.ordered) for f in _amounts())
    assert not len(company(amount, [flag], 10))


@pytest.mark.parametrize("entities", [1, 9])
def test_fewer_than_k_entities_add_no_axis_and_take_none(entities: int) -> None:
    random = np.random.default_rng(1)
    flag, amount = _amounts()
    blank = Feature(random.integers(0, 20, ROWS).astype(np.int32), 20, False)
    amount.codes[:entities] = -1
    blank.codes[:entities] = -1
    assert not len(company(amount, [blank], 10))
    axes = company(amount, [blank, flag], 10)
    assert len(axes) == 1
    assert _flagged(axes, flag) > 0.98
    amount.codes[:10] = -1
    blank.codes[:10] = -1
    assert len(company(amount, [blank, flag], 10)) == 2


def _noise() -> dict[str, Feature]:
    """Fifteen columns that say nothing."""
    random = np.random.default_rng(1)
    codes = random.integers(0, 300, (15, ROWS)).astype(np.int32)
    return {f"noise {number}": Feature(row, 300, True) for number, row in enumerate(codes)}


def test_only_rows_of_entities_of_their_own_show_company() -> None:
    flag, amount = _amounts()

    def first_asked(group: NDArray[np.int64]) -> str:
        data = TrainingTable({"amount": amount}, {}, group, 10)
        step = Trees(min_leaf=400).step("amount", amount, {**_noise(), "flag": flag}, data, 0)
        column: str = step.asks[step.tree.feature[0]].column
        return column

    assert first_asked(np.arange(ROWS)) == "flag"
    assert first_asked(np.arange(ROWS) // 2) != "flag"


@pytest.mark.parametrize("missing", [0, 800])
def test_a_twin_keeps_the_company_of_amounts(missing: int) -> None:
    flag, amount = _amounts()
    amount.codes[:missing] = -1
    columns = {**_noise(), "flag": flag, "amount": amount}
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


def test_categories_are_not_told_apart_by_what_fewer_than_k_have() -> None:
    """One person alone has two rare values."""
    random = np.random.default_rng(2)
    kind = random.integers(0, 12, ROWS).astype(np.int32)
    kind[kind == 11] = np.where(np.arange(int((kind == 11).sum())) < 30, 11, 0)
    mark = random.integers(1, 9, ROWS).astype(np.int32)
    kind[0] = 11

    def moved(k: int) -> float:
        """How far the categories go if she has the rare value."""
        likeness = []
        for mark[0] in (1, 0):
            axes = embedding(kind, 12, [Feature(mark, 9, False)], k)
            likeness.append(axes @ axes.T)
        return float(np.abs(likeness[0] - likeness[1]).max())

    assert moved(10) < 0.1 * moved(0)
