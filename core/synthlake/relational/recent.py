"""The last few results of pure functions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


def _one(_: object) -> int:
    return 1


class Recent:
    """Holds the results that were asked for last.

    Args:
        most: how many, or how much they may weigh together; the last one is held in any case.
        weigh: what a result weighs; each counts as one by default.
    """

    def __init__(self, most: int, weigh: Callable[[Any], int] = _one) -> None:
        self._most, self._weigh, self._weight = most, weigh, 0
        self._held: OrderedDict[object, object] = OrderedDict()

    def get(self, key: object, make: Callable[[], _T]) -> _T:
        """A held result, or a new one."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]  # type: ignore[return-value]
        made = make()
        if key in self._held:  # another thread was faster
            return made
        self._held[key] = made
        self._weight += self._weigh(made)
        while self._weight > self._most and len(self._held) > 1:
            self._weight -= self._weigh(self._held.popitem(last=False)[1])
        return made
