"""Independent work on the processors that a process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_MOST = 8  # threads: each holds arrays of its own


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Results of independent work, in the order of the items, whatever thread did it.

    Args:
        work: must not depend on other items' work, nor change what it shares.
        items: what to work on; those that cost most should come last, as they are begun first.
    """
    threads = min(len(os.sched_getaffinity(0)), _MOST, len(items))
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads, thread_name_prefix="learn") as pool:
        tasks = [pool.submit(work, item) for item in reversed(items)]
        return [task.result() for task in reversed(tasks)]
