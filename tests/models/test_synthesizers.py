"""One suite over every registered synthesizer, a plugin's among them, and every hard table."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.models.plugin import installed

from synthlake.errors import LearnError
from synthlake.models.registry import synthesizer_of
from synthlake.ports import Codes, Feature, FittedSynthesizer, Redraw, Synthesizer, TrainingTable
from synthlake.schema.synthesizers import names
from synthlake.seed import Seed

K = 10
NAMES = [*names(), "dummy"]
ALONE = ("independent", "dummy")  # columns do not know of each other
# the tournament of all is in test_auto.py
SETTINGS = {"auto": {"candidates": ["copula", "independent"]}}
ROWS = 1_200


def table(columns: Mapping[str, Feature], context: Mapping[str, Feature] | None = None,
          group: NDArray[np.int64] | None = None) -> TrainingTable:  # fmt: skip
    rows = len(next(iter({**columns, **(context or {})}.values())).codes)
    return TrainingTable(columns, context or {}, np.arange(rows) if group is None else group, K)


def feature(codes: Any, size: int, ordered: bool = False) -> Feature:
    return Feature(np.asarray(codes, np.int32), size, ordered)


def by_name(name: str) -> Synthesizer:
    return synthesizer_of({"name": name, **SETTINGS.get(name, {})})


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


@pytest.fixture(scope="module", autouse=True)
def dummy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The plugin's synthesizer is one of them."""
    with installed(tmp_path_factory.mktemp("site")):
        yield


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
    return name, kind, data, by_name(name).fit(data, 5)


Case = tuple[str, str, TrainingTable, FittedSynthesizer]


def test_the_artifact_draws_the_same(case: Case) -> None:
    name, _, data, fitted = case
    context = {n: f.codes for n, f in data.context.items()}
    rows = len(data.group)
    held, tensors = fitted.to_artifact()
    again = by_name(name).from_artifact(held, tensors)
    assert same(made(fitted, list(data.columns), context, rows),
                made(again, list(data.columns), context, rows))  # fmt: skip
    refitted = by_name(name).fit(data, 5)
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
    for some in range(len(columns)):
        first = made(fitted, columns[:some], context, 400)
        assert same(first, {n: whole[n] for n in columns[:some]})
    if len(data.group) >= 500:
        other = made(fitted, columns, context, 400, seed=1)
        assert not same(other, whole), "the seed does nothing"


def test_single_rows_are_the_same_rows(case: Case) -> None:
    """Whatever is made with it, a row is the same: no sum depends on how many are summed."""
    _, _, data, fitted = case
    columns = list(data.columns)
    context = {n: np.resize(f.codes, 40) for n, f in data.context.items()}
    whole = made(fitted, columns, context, 40)
    for row in range(0, 40, 3):
        one = made(fitted, columns, {n: c[row : row + 1] for n, c in context.items()}, 1, start=row)
        assert all(one[n][0] == whole[n][row] for n in columns)


def test_fitting_leaves_its_data_alone(case: Case) -> None:
    name, _, data, _ = case
    before = copy.deepcopy(data)
    by_name(name).fit(data, 5)
    for old, new in ((before.columns, data.columns), (before.context, data.context)):
        assert all(np.array_equal(old[n].codes, new[n].codes) for n in old)
    assert np.array_equal(before.group, data.group)


def test_any_context_gives_codes(case: Case) -> None:
    """UNKNOWN and NULL in what is given, also where the data had none."""
    _, _, data, fitted = case
    for code in (-1, -2):
        context = {n: np.full(50, code, np.int32) for n in data.context}
        drawn = made(fitted, list(data.columns), context, 50)
        for name, column in data.columns.items():
            assert drawn[name].min(initial=0) >= -1
            assert drawn[name].max(initial=-1) < max(column.size, 1)


def test_draws_can_be_repeated(case: Case) -> None:
    """Some rows drawn again by other words: codes of the range, the same each time."""
    _, _, data, fitted = case
    context = {n: np.resize(f.codes, 300) for n, f in data.context.items()}
    rows = np.array([3, 50, 299])

    def settle(name: str, codes: Codes, redraw: Redraw) -> Codes:
        again = redraw(rows, 11)
        assert np.array_equal(again, redraw(rows, 11))
        assert np.array_equal(redraw(rows[1:], 11), again[1:])
        assert again.min() >= -1
        assert again.max() < max(data.columns[name].size, 1)
        assert np.array_equal(redraw(np.arange(300), 0), codes)
        return codes

    fitted.sample(
        list(data.columns), context, lambda c, n: Seed(0).words("t", c, 0, 300, n), settle
    )


AMPLE = [kind for kind, make in TABLES.items() if kind != "heavy" and len(make().group) >= 500]


@pytest.mark.parametrize("kind", AMPLE)
@pytest.mark.parametrize("name", NAMES)
def test_shares_are_kept(name: str, kind: str) -> None:
    """NULL and every category come as often as in the data; numbers within a small distance."""
    data = TABLES[kind]()
    fitted = by_name(name).fit(data, 5)
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
        drawn = made(by_name(name).fit(data, 1), ["b", "a", "n"], {}, 20_000)
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


@pytest.mark.parametrize("name", NAMES)
def test_dependence_is_learned_by_all_but_the_floor(name: str) -> None:
    data = _mixed()
    context = {"x": np.resize(data.context["x"].codes, 20_000)}
    drawn = made(by_name(name).fit(data, 1), ["a", "n", "b"], context, 20_000)
    least, most = (-0.05, 0.05) if name in ALONE else (0.85, 1.0)
    assert least <= np.corrcoef(drawn["a"], drawn["n"])[0, 1] <= most


@pytest.mark.parametrize("name", NAMES)
def test_what_is_given_is_respected(name: str) -> None:
    """A column that follows from the context, category and number, and one that does not."""
    random = _random(7)
    rows = 4_000
    given_code, given_number = random.integers(0, 4, rows), random.integers(0, 60, rows)
    data = table(
        {"c": feature((given_code + (random.random(rows) < 0.05)) % 4, 4),
         "n": feature(np.clip(given_number + random.integers(-3, 4, rows), 0, 59), 60, True),
         "free": feature(random.integers(0, 3, rows), 3)},
        {"g": feature(given_code, 4), "h": feature(given_number, 60, True)},
    )  # fmt: skip
    context = {n: np.resize(f.codes, 20_000) for n, f in data.context.items()}
    drawn = made(by_name(name).fit(data, 1), ["c", "n", "free"], context, 20_000)
    hit = (drawn["c"] == context["g"]).mean()
    along = np.corrcoef(drawn["n"], context["h"])[0, 1]
    if name in ALONE:
        assert hit < 0.35
        assert abs(along) < 0.05
    else:
        assert hit > 0.6
        # the mixture has one class for each pair of both
        assert along > (0.7 if name == "mixture" else 0.85)
    assert abs(np.corrcoef(drawn["free"], context["h"])[0, 1]) < 0.05


@pytest.mark.parametrize("name", ["trees", "copula"])
def test_later_columns_see_what_was_settled(name: str) -> None:
    data = _mixed()
    fitted = by_name(name).fit(data, 1)
    seen: dict[str, Codes] = {}

    def settle(column: str, codes: Codes, redraw: Redraw) -> Codes:
        seen[column] = np.full_like(codes, 3) if column == "a" else codes
        return seen[column]

    context = {"x": np.resize(data.context["x"].codes, 5_000)}
    fitted.sample(["a", "n"], context, lambda c, n: Seed(0).words("t", c, 0, 5_000, n), settle)
    wanted = data.columns["n"].codes[data.columns["a"].codes == 3].mean()
    assert seen["n"].mean() == pytest.approx(wanted, abs=3)


@pytest.mark.parametrize("name", NAMES)
def test_canaries_are_not_drawn(name: str) -> None:
    """Categories, NULL and a far number of one entity, which has many rows."""
    random = _random(8)
    rows = 3_000
    group = np.where(np.arange(rows) < 200, 0, np.arange(rows))
    one = np.arange(rows) < 200
    data = table(
        {"c": feature(np.where(one, 9, random.integers(0, 5, rows)), 10),
         "z": feature(np.where(one, -1, random.integers(0, 5, rows)), 5),
         "n": feature(np.where(one, -1, random.integers(0, 40, rows)), 40, True)},
        {"x": feature(np.where(one, 3, random.integers(0, 3, rows)), 4)}, group,
    )  # fmt: skip
    context = {"x": np.full(20_000, 3, np.int32)}
    drawn = made(by_name(name).fit(data, 1), ["c", "z", "n"], context, 20_000)
    assert (drawn["c"] != 9).all()
    assert (drawn["z"] != -1).all()
    assert (drawn["n"] != -1).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_artifact_holds_arrays_and_plain_values(name: str) -> None:
    held, tensors = by_name(name).fit(_mixed(), 1).to_artifact()
    assert all(isinstance(t, np.ndarray) and t.dtype.kind in "iuf" for t in tensors.values())
    assert json.loads(json.dumps(held)) == held
    assert all(t.size < ROWS * 8 for t in tensors.values()), "as large as the data"


def test_entities_and_not_rows_give_support() -> None:
    """A category of 600 rows, all of one entity, is nobody else's business."""
    for name in NAMES:
        data = _heavy()
        drawn = made(by_name(name).fit(data, 1), ["a", "n"], {}, 5_000)
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
    known = codes >= 0
    for name in ("trees", "independent", "copula", "mixture"):
        drawn = made(by_name(name).fit(data, seed), ["a", "c"], {}, 300)["c"]
        assert drawn.min() >= -1
        assert drawn.max() < size
        if not ordered:
            for code in np.unique(drawn[drawn >= 0]):
                assert len(np.unique(group[codes == code])) >= K
        elif (drawn >= 0).any():
            assert len(np.unique(group[known])) >= K


def test_there_is_no_other() -> None:
    with pytest.raises(LearnError, match="no synthesizer 'nothing'"):
        synthesizer_of({"name": "nothing"})
