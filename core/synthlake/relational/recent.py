"""The last few results of pure functions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class Recent:
    """Holds the results that were asked for last.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[object, object] = OrderedDict()

    def get(self, key: object, make: Callable[[], _T]) -> _T:
        """A held result, or a new one."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]  # type: ignore[return-value]
        made = self._held[key] = make()
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return made
