"""The attack by shadow models tells members where it can, and bounds epsilon."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from synthlake.quality.attacks.epsilon import Trials, clopper_pearson, cross_fitted, lower_bound
from synthlake.quality.attacks.shadows import (
    Figures,
    Observed,
    chance,
    figures,
    scored,
    shuffled,
)
from synthlake.quality.attacks.sight import Seen, Sight
from synthlake.quality.classifier import auc
from synthlake.quality.layout import Field
from synthlake.seed import Seed

TWINS, TARGETS = 32, 20
SEED = Seed(0, "test")


def observed(random: np.random.Generator, shift: float) -> Observed:
    """Features that are ``shift`` deviations larger for members; of very different targets."""
    member = random.random((TWINS, TARGETS)) < 0.5
    features = random.normal(0, 1, (TWINS, TARGETS, 6))
    features[:, :, 0] += shift * member
    features = features * 10.0 ** random.integers(-3, 3, (1, TARGETS, 1))
    features = features + random.normal(0, 100, (1, TARGETS, 1))
    return Observed(features, np.array([0, 1, 2, 2, 2, 3]), np.full(6, 1e-6), member)


def test_exact_intervals() -> None:
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 0.3085), abs=5e-5)
    assert clopper_pearson(5, 10) == pytest.approx((0.1871, 0.8129), abs=5e-5)
    assert clopper_pearson(10, 10)[1] == 1.0


def test_a_perfect_attack_bounds_epsilon_as_far_as_its_trials_go() -> None:
    member = np.arange(200) % 2 == 0
    trials = Trials(member, member, np.arange(200))
    end = 0.025 ** (1 / 100)
    assert lower_bound(trials) == pytest.approx(math.log(end / (1 - end)))
    assert lower_bound(trials, delta=0.1) == pytest.approx(math.log((end - 0.1) / (1 - end)))
    assert lower_bound(Trials(~member, member, np.arange(200))) == 0.0


def found_in(seen: Observed) -> Figures:
    return figures(seen, chance(seen, SEED, 99), SEED)


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0])
def test_the_bound_is_below_the_epsilon_of_randomised_response(epsilon: float) -> None:
    """Where epsilon is known, the bound exceeds it in at most one of twenty, and comes near it."""
    random = np.random.default_rng(3)
    right = math.exp(epsilon) / (1 + math.exp(epsilon))
    found = []
    for _ in range(300):
        member = random.random(640) < 0.5
        told = np.where(random.random(640) < right, member, ~member)
        found.append(lower_bound(Trials(told, member, np.arange(640))))
    assert np.mean(np.array(found) > epsilon) <= 0.05
    assert np.mean(found) > 0.4 * epsilon


def test_trials_of_a_run_that_are_alike_count_as_fewer() -> None:
    random = np.random.default_rng(0)
    member = random.random((40, 10)) < 0.5
    lucky = np.repeat(random.random(40) < 0.5, 10).reshape(40, 10)  # right in all of a run or none
    told = np.where(lucky, member, ~member).ravel()
    owners = np.repeat(np.arange(40), 10)
    alike = lower_bound(Trials(told, member.ravel(), owners))
    apart = lower_bound(Trials(told, member.ravel(), np.arange(400)))
    assert alike <= apart


def test_members_are_told_whatever_the_scale_of_a_target() -> None:
    random = np.random.default_rng(1)
    seen = observed(random, 2.5)
    assert auc(scored(seen).ravel(), seen.member.ravel().astype(np.int64)) > 0.9
    found = found_in(seen)
    assert found.flagged
    assert found.epsilon > 1
    assert found.rates[0.01][0] > 0.2
    for value, low, high in (found.auc, *found.rates.values()):
        assert low <= value <= high
    assert found_in(seen).to_json() == found.to_json()


def test_a_few_who_are_told_for_sure_are_found_though_the_area_is_small() -> None:
    """As of a maker that copies a tenth of its rows."""
    random = np.random.default_rng(6)
    seen = observed(random, 0.0)
    copied = seen.member & (random.random(seen.member.shape) < 0.15)
    seen.features[:, :, 0] += 8 * seen.features[:, :, 0].std(axis=0) * copied
    found = found_in(seen)
    assert found.flagged
    assert found.auc[0] < 0.65
    assert found.rates[0.01][1] > 0.02


@pytest.mark.slow
def test_nothing_is_told_where_there_is_nothing() -> None:
    random = np.random.default_rng(2)
    found = [found_in(observed(random, 0.0)) for _ in range(25)]
    assert sum(f.flagged for f in found) <= 1
    assert np.mean([f.p <= 0.2 for f in found]) <= 0.4
    assert np.mean([f.auc[0] for f in found]) == pytest.approx(0.49, abs=0.02)
    assert sum(f.epsilon > 0 for f in found) <= 2


def test_the_attack_is_fair_where_nothing_is_seen() -> None:
    """Who was in the other twins says nothing of the tested ones: of features alike, exactly so."""
    random = np.random.default_rng(5)
    areas = []
    for _ in range(60):
        member = random.random((8, TARGETS)) < 0.5
        flat = Observed(np.zeros((8, TARGETS, 1)), np.array([0]), np.full(1, 0.01), member)
        assert (scored(flat) == 0).all()
        features = random.normal(0, 1, (8, TARGETS, 1))
        seen = Observed(features, np.array([0]), np.full(1, 0.01), member)
        areas.append(auc(scored(seen).ravel(), member.ravel().astype(np.int64)))
    assert np.mean(areas) == pytest.approx(0.5, abs=3 * np.std(areas) / math.sqrt(60))


def test_exchanged_members_are_chance() -> None:
    random = np.random.default_rng(4)
    seen = observed(random, 3.0)
    mixed = shuffled(seen.member, SEED)
    assert (mixed.sum(axis=0) == seen.member.sum(axis=0)).all()
    exchanged = Observed(seen.features, seen.groups, seen.floors, mixed)
    assert not found_in(exchanged).flagged


def test_a_threshold_is_not_chosen_on_the_trials_that_it_is_counted_on() -> None:
    random = np.random.default_rng(5)
    member = random.random(640) < 0.5
    owners = np.repeat(np.arange(32), 20)
    found = [cross_fitted(random.normal(0, 1, 640), member, owners, 0.0) for _ in range(60)]
    assert np.mean(np.array(found) > 0) <= 0.05


def people(rows: int, seed: int) -> Seen:
    random = np.random.default_rng(seed)
    frame = {
        "pay": random.normal(0, 1, rows),
        "town": np.array([f"t{i}" for i in random.integers(0, 5, rows)], dtype=object),
    }
    frame["pay"][0] = 40.0
    return Seen(frame, np.arange(rows) * 7)


def seeing(pool: Seen) -> Sight:
    fields = [
        Field("t", "pay", pa.float64(), "number", False, False),
        Field("t", "town", pa.string(), "category", False, False),
    ]
    return Sight({"t": fields}, {"t": pool}, SEED)


def test_the_most_exposed_is_the_outlier() -> None:
    ids, far = seeing(people(200, 0)).exposed(3)
    assert ids[0] == 0
    assert far[0] > 10 * far[1] > 0
    assert (np.diff(far) <= 0).all()


def test_what_is_seen_of_a_target_by_hand() -> None:
    pool = people(200, 0)
    sight = seeing(pool)
    chosen = np.array([0, 7])
    itself = sight.look({"t": pool}, chosen)
    assert itself[:, 0] == pytest.approx(-math.log(1e-3))  # an equal row is there
    other = sight.look({"t": people(150, 1)}, chosen)
    assert other[1, 0] < itself[1, 0]
    groups, floors = sight.shape(100)
    assert itself.shape == (2, len(groups)) == (2, len(floors))
    town = pool.frame["town"]
    assert itself[1, 3] == pytest.approx(np.mean(town == town[1]))
    assert np.isnan(sight.look({"t": Seen({n: c[:0] for n, c in pool.frame.items()},
                                          pool.owners[:0])}, chosen)[:, 0]).all()  # fmt: skip
