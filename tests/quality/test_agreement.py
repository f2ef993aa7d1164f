"""Figures of columns and pairs against the formulas of SDMetrics, computed by scipy and pandas.

Where ours differ on purpose (NULL is a value; many values of a pair are put into intervals; what is
thousands of standard deviations away is brought nearer) the formula is computed of the same values.
``bench.quality`` compares with the package itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy import stats

from synthlake.ports import Score
from synthlake.quality import moments
from synthlake.quality.bins import Bins, _pair_counts, bins_of
from synthlake.quality.dataset import DataSet
from synthlake.quality.metric import Comparison, Ground, Subject, metrics
from synthlake.quality.metrics.correlation import grids
from synthlake.quality.settings import EvaluationSettings
from synthlake.source import open_source

EPOCH = 719_163 * 86_400_000_000  # microseconds, in which times are compared
SAME: dict[str, Any] = {"abs": 1e-9, "rel": 0}
SCORED = ("ks", "tvd", "wasserstein", "pairs", "mutual_information", "pearson", "spearman")
TYPES = {
    "whole": pa.int32(), "real": pa.float64(), "other": pa.float64(), "few": pa.int64(),
    "letter": pa.string(), "word": pa.string(), "flag": pa.bool_(), "constant": pa.int16(),
    "day": pa.date32(),
}  # fmt: skip
_FRACTIONS = st.integers(-(10**6), 10**6).map(lambda n: n / 64)
_VALUES = {
    "whole": st.integers(-5, 40) | st.none(),
    "real": _FRACTIONS | st.sampled_from([None, np.nan, np.inf, -np.inf, 0.0, -0.0]),
    "other": _FRACTIONS,
    "few": st.sampled_from([1, 2, 3, 1_000_000, None]),
    "letter": st.sampled_from([*"abcdefgh", None]),
    "word": st.sampled_from(["", " ", "Ä", "x" * 9, "y", None]),
    "flag": st.sampled_from([True, False, None]),
    "constant": st.just(7),
    "day": st.integers(0, 400),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Few rows, so that nulls, constants and ties are everywhere."""
    rows = draw(st.integers(1, 40))
    return pa.table(
        {n: pa.array(draw(st.lists(_VALUES[n], min_size=rows, max_size=rows)), t, from_pandas=False)
         for n, t in TYPES.items()}
    )  # fmt: skip


class Compared:
    """Two tables, ours to be asked and as pandas columns of what is compared."""

    def __init__(self, real: pa.Table, twin: pa.Table) -> None:
        source, other = (open_source({"t": table}) for table in (real, twin))
        schema = source.schema()
        sides = [DataSet(label, s.engine(), s.schema(), schema)
                 for label, s in (("real", source), ("twin", other))]  # fmt: skip
        self.ground = Ground(schema, sides[0], EvaluationSettings(), sides[0], None)
        self.comparison = Comparison("twin", sides[0], sides[1], self.ground)
        self.fields = self.ground.fields("t")
        self.columns = [self._columns(table) for table in (real, twin)]

    def _columns(self, table: pa.Table) -> pd.DataFrame:
        out = {}
        for name, field in self.fields.items():
            values: list[Any] = table[name].to_pylist()
            if field.kind == "name":
                values = [None if v is None else len(v) for v in values]
            if field.kind == "time":
                values = [v.toordinal() * 86_400_000_000 - EPOCH for v in values]
            out[name] = pd.Series(values, dtype=object)
        return pd.DataFrame(out)

    def ours(self, metric: str) -> Iterator[tuple[Subject, Score]]:
        """What has a figure."""
        for subject, score in metrics()[metric].score(self.comparison):
            if score.value is not None:
                yield subject, score

    def sides(self, name: str) -> list[pd.Series[Any]]:
        return [side[name] for side in self.columns]

    def codes(self, name: str) -> list[pd.Series[Any]]:
        """A column in the intervals or values that pairs are counted in."""
        bins = bins_of(self.fields[name], self.ground.real.marginal(self.fields[name]))
        return [side.map(lambda v: _code(v, bins)) for side in self.sides(name)]


def _code(value: Any, bins: Bins) -> Any:
    """What stands for a value in a pair: its interval, or itself where there are few."""
    if value is None:
        return "NULL"
    if isinstance(value, float) and np.isnan(value):
        return "NaN"
    if bins.field.ordered:
        return int(np.searchsorted(bins.edges, float(value)))
    text = str(value).lower() if isinstance(value, bool) else value
    return text if text in bins.texts else "another"


def _ranked(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Numbers with NULL below and NaN above all others."""
    most = np.finfo(float).max  # infinities are brought below it, so that NULL and NaN are apart
    known = [None if v is None else float(np.clip(v, -most / 2, most / 2)) for v in column]
    return np.array([-most if v is None else most if np.isnan(v) else v for v in known])


def _finite(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if v is None or not np.isfinite(v) else float(v) for v in column])


def ks_complement(real: np.ndarray[Any, Any], twin: np.ndarray[Any, Any]) -> float:
    """SDMetrics' KSComplement."""
    return float(1 - stats.ks_2samp(real, twin, method="asymp").statistic)


def contingency_similarity(real: pd.DataFrame, twin: pd.DataFrame) -> float:
    """SDMetrics' ContingencySimilarity; of one column its TVComplement."""
    shares: list[Any] = [side.value_counts(normalize=True, dropna=False) for side in (real, twin)]
    gaps = shares[0].subtract(shares[1], fill_value=0)
    return 1 - float(np.abs(gaps).sum()) / 2


def normalised_information(table: pd.DataFrame) -> float:
    """Mutual information by the smaller entropy."""
    single = [stats.entropy(table[c].value_counts()) for c in table]
    joint = stats.entropy(table.value_counts())
    return float((sum(single) - joint) / min(single)) if min(single) > 1e-12 else 0.0


# to shrink tables of nine columns takes minutes and says little more
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
CHECKS: dict[str, Any] = {
    "deadline": None,
    "phases": PHASES,
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=200, **CHECKS)
@given(tables(), tables())
def test_figures_are_those_of_scipy_and_pandas(real: pa.Table, twin: pa.Table) -> None:
    compared = Compared(real, twin)
    seen = dict.fromkeys(SCORED, 0)
    for name in SCORED:
        for subject, score in compared.ours(name):
            wanted = WANTED[name](compared, *subject.columns)
            if wanted is not None:
                assert score.value == pytest.approx(wanted, **SAME), (name, subject)
                seen[name] += 1
    assert seen["ks"] >= 5
    assert seen["tvd"] >= 1
    assert seen["pairs"] == len(TYPES) * (len(TYPES) - 1) // 2


def _ks(compared: Compared, name: str) -> float:
    return 1 - ks_complement(*(_ranked(side) for side in compared.sides(name)))


def _tvd(compared: Compared, name: str) -> float:
    return 1 - contingency_similarity(*(side.to_frame() for side in compared.sides(name)))


def _wasserstein(compared: Compared, name: str) -> float:
    known = [side[~np.isnan(side)] for side in map(_finite, compared.sides(name))]
    if not len(known[0]):
        return 0.0
    spread = known[0].std()
    return float(stats.wasserstein_distance(*known) / spread) if spread else 0.0


def _pairs(compared: Compared, one: str, two: str) -> float:
    tables = zip(compared.codes(one), compared.codes(two), strict=True)
    return 1 - contingency_similarity(*(pd.DataFrame({"a": a, "b": b}) for a, b in tables))


def _information(compared: Compared, one: str, two: str) -> float:
    tables = zip(compared.codes(one), compared.codes(two), strict=True)
    a, b = (normalised_information(pd.DataFrame({"a": a, "b": b})) for a, b in tables)
    return abs(a - b)


def _correlation(
    columns: tuple[list[pd.Series[Any]], list[pd.Series[Any]]], by_rank: bool
) -> float | None:
    """SDMetrics' CorrelationSimilarity, not halved; None where a side is constant."""
    found = []
    for one, two in zip(*columns, strict=True):
        a, b = _finite(one), _finite(two)
        known = ~np.isnan(a) & ~np.isnan(b)
        if known.sum() < 2 or not a[known].std() or not b[known].std():
            return None
        correlate: Any = stats.spearmanr if by_rank else stats.pearsonr
        found.append(float(correlate(a[known], b[known])[0]))
    return abs(found[0] - found[1])


def _pearson(compared: Compared, one: str, two: str) -> float | None:
    """Of numbers within the grid: 4,096 standard deviations of the real ones, and some more."""

    def within(name: str) -> list[pd.Series[Any]]:
        sides = [_finite(side) for side in compared.sides(name)]
        spread = float(np.nanstd(sides[0])) if compared.fields[name].floating else 0.0
        if spread:
            most, middle = 2.0 ** (12 + np.ceil(np.log2(spread))), np.nanmean(sides[0])
            sides = [side.clip(middle - most, middle + most) for side in sides]
        return [pd.Series(side) for side in sides]

    return _correlation((within(one), within(two)), by_rank=False)


def _spearman(compared: Compared, one: str, two: str) -> float | None:
    """Of ranks among all known rows of a pair, ties within an interval."""

    def numbers(name: str) -> list[pd.Series[Any]]:
        return [s.map(lambda v: None if isinstance(v, str) else v) for s in compared.codes(name)]

    return _correlation((numbers(one), numbers(two)), by_rank=True)


WANTED: dict[str, Any] = {
    "ks": _ks, "tvd": _tvd, "wasserstein": _wasserstein, "pairs": _pairs,
    "mutual_information": _information, "pearson": _pearson, "spearman": _spearman,
}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=25, **CHECKS)
@given(tables())
def test_databases_count_what_is_streamed(table: pa.Table) -> None:
    """The statements for other engines give the very same integers."""
    compared = Compared(table, table)
    real, bins = compared.ground.real, compared.ground.bins("t")
    pairs = list(combinations(TYPES, 2))
    streamed = _pair_counts(real, "t", bins, pairs)
    used = grids(compared.comparison, "t")
    if len(used) < 2:
        return
    chosen = list(combinations([g.field.name for g in used], 2))
    by_stream = moments.pearson(real, "t", used, chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthlake.quality.bins.streams", lambda data: False)
        patch.setattr("synthlake.quality.moments.streams", lambda data: False)
        grouped = _pair_counts(real, "t", bins, pairs)
        by_sums = moments.pearson(real, "t", used, chosen)
    assert streamed.keys() == grouped.keys()
    assert all((streamed[pair] == grouped[pair]).all() for pair in streamed)
    np.testing.assert_equal(by_stream, by_sums)
