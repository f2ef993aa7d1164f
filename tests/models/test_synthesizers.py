"""One suite over every registered synthesizer and every hard table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synthlake.errors import LearnError
from synthlake.models.registry import synthesizer_of
from synthlake.ports import Codes, Feature, FittedSynthesizer, Redraw, TrainingTable
from synthlake.schema.synthesizers import names
from synthlake.seed import Seed

K = 10
NAMES = [n for n in names() if n != "auto"]
ROWS = 1_200


def table(columns: Mapping[str, Feature], context: Mapping[str, Feature] | None = None,
          group: NDArray[np.int64] | None = None) -> TrainingTable:  # fmt: skip
    rows = len(next(iter({**columns, **(context or {})}.values())).codes)
    return TrainingTable(columns, context or {}, np.arange(rows) if group is None else group, K)


def feature(codes: Any, size: int, ordered: bool = False) -> Feature:
    return Feature(np.asarray(codes, np.int32), size, ordered)


def _random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _mixed() -> TrainingTable:
    random = _random(1)
    a = random.integers(0, 4, ROWS)
    number = np.clip(random.normal(20 * a, 8), 0, 99).astype(int)
    b = np.where(random.random(ROWS) < 0.2, -1, (a + random.integers(0, 2, ROWS)) % 5)
    return table({"a": feature(a, 4), "n": feature(number, 100, True), "b": feature(b, 5)},
                 {"x": feature(random.integers(0, 7, ROWS), 7, True)})  # fmt: skip


def _heavy() -> TrainingTable:
    """One entity has half of the rows."""
    random = _random(2)
    group = np.where(np.arange(ROWS) < ROWS // 2, 0, np.arange(ROWS) // 3)
    a, n = random.integers(0, 6, ROWS), random.integers(0, 40, ROWS)
    a[: ROWS // 2] = 5
    return table({"a": feature(a, 6), "n": feature(n, 40, True)}, group=group)


def _tables() -> dict[str, Callable[[], TrainingTable]]:
    random = _random(3)
    wide = np.concatenate([np.arange(2_000), random.zipf(1.3, 4 * ROWS) % 2_000])
    spike = np.where(random.random(ROWS) < 0.6, 0, random.integers(0, 300, ROWS))
    return {
        "mixed": _mixed,
        "no columns": lambda: table({}, {"x": feature([0] * 20, 1)}),
        "all NULL": lambda: table({"a": feature([-1] * 90, 0), "n": feature([-1] * 90, 0, True)}),
        "all NULL of some": lambda: table(
            {"a": feature([-1] * 90, 3), "n": feature([-1] * 90, 9, True)}
        ),
        "one row": lambda: table({"a": feature([0], 1), "n": feature([3], 9, True)}),
        "no features": lambda: table({"a": feature([0, 1] * 60, 2)}),
        "constant": lambda: table({"a": feature([0] * 90, 1), "n": feature([0] * 90, 1, True),
                                   "b": feature([0, 1] * 45, 2)}),
        "unknown": lambda: table(
            {"a": feature([-2] * 40 + [0, 1] * 30, 2), "b": feature([-2] * 100, 3)}
        ),
        "2,000 categories": lambda: table(
            {"a": feature(wide % 3, 3), "b": feature(wide, 2_000), "c": feature(wide % 2, 2)}
        ),
        "heavy": _heavy,
        "spike": lambda: table(
            {"g": feature(np.arange(ROWS) % 3, 3), "n": feature(spike, 300, True)}
        ),
    }  # fmt: skip


TABLES = _tables()


def made(
    fitted: FittedSynthesizer, columns: list[str], context: Mapping[str, Codes], rows: int,
    seed: int = 0, start: int = 0,
) -> dict[str, Codes]:  # fmt: skip
    out: dict[str, Codes] = {}

    def settle(name: str, codes: Codes, redraw: Redraw) -> Codes:
        out[name] = codes
        return codes

    fitted.sample(columns, context, lambda c, n: Seed(seed).words("t", c, start, rows, n), settle)
    return out


def same(a: Mapping[str, Codes], b: Mapping[str, Codes]) -> bool:
    return list(a) == list(b) and all(np.array_equal(a[n], b[n]) for n in a)


@pytest.fixture(scope="module", params=[(n, t) for n in NAMES for t in TABLES], ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[str, str, TrainingTable, FittedSynthesizer]:
    name, kind = request.param
    data = TABLES[kind]()
    return name, kind, data, synthesizer_of({"name": name}).fit(data, 5)


Case = tuple[str, str, TrainingTable, FittedSynthesizer]


def test_the_artifact_draws_the_same(case: Case) -> None:
    name, _, data, fitted = case
    context = {n: f.codes for n, f in data.context.items()}
    rows = len(data.group)
    held, tensors = fitted.to_artifact()
    again = synthesizer_of({"name": name}).from_artifact(held, tensors)
    assert same(made(fitted, list(data.columns), context, rows),
                made(again, list(data.columns), context, rows))  # fmt: skip
    refitted = synthesizer_of({"name": name}).fit(data, 5)
    assert same(made(refitted, list(data.columns), context, rows),
                made(fitted, list(data.columns), context, rows))  # fmt: skip


def test_codes_are_in_range_and_have_support(case: Case) -> None:
    _, _, data, fitted = case
    context = {n: np.resize(f.codes, 5_000) for n, f in data.context.items()}
    drawn = made(fitted, list(data.columns), context, 5_000)
    assert list(drawn) == list(data.columns)
    for name, column in data.columns.items():
        codes = drawn[name]
        assert codes.dtype == np.int32
        assert len(codes) == 5_000
        assert codes.min() >= -1
        assert codes.max() < max(column.size, 1)
        if not column.ordered:
            for code in np.unique(codes[codes >= 0]):
                assert len(np.unique(data.group[column.codes == code])) >= K
        if len(data.group) >= K and not (column.codes == -1).any() and (column.codes >= 0).any():
            assert codes.min() >= 0, "NULL where there was none"


def test_rows_are_functions_of_words(case: Case) -> None:
    """The first columns, and any part of the rows, come out the same."""
    _, _, data, fitted = case
    columns = list(data.columns)
    context = {n: np.resize(f.codes, 400) for n, f in data.context.items()}
    whole = made(fitted, columns, context, 400)
    part = made(fitted, columns, {n: c[100:163] for n, c in context.items()}, 63, start=100)
    assert all(np.array_equal(part[n], whole[n][100:163]) for n in columns)
    first = made(fitted, columns[:1], context, 400)
    assert same(first, {n: whole[n] for n in columns[:1]})


AMPLE = [kind for kind, make in TABLES.items() if kind != "heavy" and len(make().group) >= 500]


@pytest.mark.parametrize("kind", AMPLE)
@pytest.mark.parametrize("name", NAMES)
def test_shares_are_kept(name: str, kind: str) -> None:
    """NULL and every category come as often as in the data; numbers within a small distance."""
    data = TABLES[kind]()
    fitted = synthesizer_of({"name": name}).fit(data, 5)
    rows = 40_000
    context = {n: np.resize(f.codes, rows) for n, f in data.context.items()}
    drawn = made(fitted, list(data.columns), context, rows)
    for place, column in data.columns.items():
        known = column.codes[column.codes >= -1]
        real = np.bincount(known + 1, minlength=column.size + 1) / len(known)
        twin = np.bincount(drawn[place] + 1, minlength=column.size + 1) / rows
        rare = np.bincount(known + 1, minlength=column.size + 1) < K
        if column.ordered:
            assert np.abs(np.cumsum(real) - np.cumsum(twin)).max() < 0.03, place
        else:
            gap = np.where(rare, 0.0, np.abs(real / real[~rare].sum() - twin)).sum() / 2
            assert gap < 0.04 + 0.5 * np.sqrt(column.size / rows), place


def test_unknown_codes_do_not_inflate_null() -> None:
    codes = np.array([-1] * 100 + [0] * 200 + [-2] * 700)
    other = feature(np.arange(1_000) % 7, 7)
    for name in NAMES:
        data = table({"b": other, "a": feature(codes, 3), "n": feature(codes, 3, True)})
        drawn = made(synthesizer_of({"name": name}).fit(data, 1), ["b", "a", "n"], {}, 20_000)
        assert (drawn["a"] == -1).mean() == pytest.approx(0.1, abs=0.02)
        assert (drawn["n"] == -1).mean() == pytest.approx(0.1, abs=0.02)


def test_a_spike_is_not_drawn_where_it_is_rare() -> None:
    """Half of the rows never have the most frequent value of all."""
    random = _random(4)
    rows = 8_000
    side = np.arange(rows) % 2
    number = np.where(
        side == 1, random.integers(1, 60, rows), np.where(random.random(rows) < 0.95, 0, 30)
    )
    number[(side == 1) & (np.arange(rows) % 400 == 1)] = 0  # 20 exceptions
    data = table({"s": feature(side, 2), "n": feature(number, 60, True)})
    drawn = made(synthesizer_of({"name": "trees"}).fit(data, 1), ["s", "n"], {}, 40_000)
    assert (drawn["n"][drawn["s"] == 1] == 0).mean() < 0.02
    assert (drawn["n"][drawn["s"] == 0] == 0).mean() > 0.92


def test_rare_categories_neither_vanish_nor_grow() -> None:
    random = _random(5)
    rows = 30_000
    rare = random.choice(400, rows, p=np.r_[np.full(300, 0.0005), np.full(100, 0.0085)])
    data = table({"x": feature(random.integers(0, 30, rows), 30), "y": feature(rare % 20, 20),
                  "r": feature(rare, 400)})  # fmt: skip
    drawn = made(synthesizer_of({"name": "trees"}).fit(data, 1), ["x", "y", "r"], {}, rows)
    kept = np.bincount(rare, minlength=400) >= K
    counts = np.bincount(drawn["r"], minlength=400)
    assert (counts[kept] > 0).mean() > 0.98
    assert counts[:300].sum() / rows == pytest.approx((rare < 300).mean(), abs=0.01)


def test_dependence_is_learned_and_independent_is_not() -> None:
    data = _mixed()
    context = {"x": np.resize(data.context["x"].codes, 20_000)}
    for name, least, most in (("trees", 0.85, 1.0), ("independent", -0.05, 0.05)):
        drawn = made(synthesizer_of({"name": name}).fit(data, 1), ["a", "n", "b"], context, 20_000)
        assert least <= np.corrcoef(drawn["a"], drawn["n"])[0, 1] <= most


def test_entities_and_not_rows_give_support() -> None:
    """A category of 600 rows, all of one entity, is nobody else's business."""
    for name in NAMES:
        data = _heavy()
        drawn = made(synthesizer_of({"name": name}).fit(data, 1), ["a", "n"], {}, 5_000)
        few = [c for c in range(6) if len(np.unique(data.group[data.columns["a"].codes == c])) < K]
        assert not np.isin(drawn["a"], few).any()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 12), st.booleans(), st.integers(0, 9))
def test_any_small_table(rows: int, size: int, share: int, ordered: bool, seed: int) -> None:
    """Whatever the table: drawn codes are of k entities or between such, NULL only if k have it."""
    random = _random(seed)
    codes = random.integers(-2, size, rows)
    group = random.integers(0, share * 3, rows)
    data = table({"a": feature(random.integers(0, 2, rows), 2), "c": feature(codes, size, ordered)},
                 group=group)  # fmt: skip
    drawn = made(synthesizer_of({"name": "trees"}).fit(data, seed), ["a", "c"], {}, 300)["c"]
    assert drawn.min() >= -1
    assert drawn.max() < size
    known = codes >= 0
    if not ordered:
        for code in np.unique(drawn[drawn >= 0]):
            assert len(np.unique(group[codes == code])) >= K
    elif (drawn >= 0).any():
        assert len(np.unique(group[known])) >= K


def test_there_is_no_other() -> None:
    with pytest.raises(LearnError, match="no synthesizer 'nothing'"):
        synthesizer_of({"name": "nothing"})
