"""Independent work on several processors."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from synthlake.models import concurrent
from synthlake.models.concurrent import side_by_side
from synthlake.models.trees import Trees
from synthlake.ports import Feature, TrainingTable


def table(rows: int) -> TrainingTable:
    random = np.random.default_rng(3)
    a = random.integers(0, 30, rows)
    columns = {
        "a": a,
        "b": (a // 3 + random.integers(0, 4, rows)) % 12,
        "c": (a * 7 + random.integers(0, 40, rows)) % 80,
    }
    return TrainingTable(
        {n: Feature(c.astype(np.int32), int(c.max()) + 1, n == "c") for n, c in columns.items()},
        {}, np.arange(rows), 10, {},
    )  # fmt: skip


def test_threads_learn_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrent.os, "sched_getaffinity", lambda _: range(3))
    many = Trees().fit(table(6_000), 1).to_artifact()
    monkeypatch.setattr(concurrent.os, "sched_getaffinity", lambda _: range(1))
    one = Trees().fit(table(6_000), 1).to_artifact()
    assert many[0] == one[0]
    assert list(many[1]) == list(one[1])
    assert all(np.array_equal(many[1][name], held) for name, held in one[1].items())


def test_results_keep_their_order_and_work_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrent.os, "sched_getaffinity", lambda _: range(2))
    both = threading.Barrier(2, timeout=30)

    def work(item: int) -> int:
        both.wait()  # nobody passes alone
        return item * item

    assert side_by_side(work, range(6)) == [0, 1, 4, 9, 16, 25]
    assert side_by_side(str, [7]) == ["7"]
    assert side_by_side(str, []) == []


def test_an_error_of_one_is_the_error_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrent.os, "sched_getaffinity", lambda _: range(2))
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 / item, [1, 0, 2])
