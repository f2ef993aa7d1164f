"""A table by which a number's place among ascending ones is found in a step or two.

Source: guide tables (Chen and Asau, J. Operational Research Society 25(3), 1974): where a search
begins is looked up by the first bits of what is sought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
_STEPS = 2  # that are tried before a search
_FINER = 2  # bits: entries for each end, at least


@dataclass(frozen=True)
class Guide:
    """The interval that a number falls into.

    Attributes:
        ends: shape (intervals,), ascending from 0; where each ends, exclusive.
        coarse: bits of a number that ``near`` leaves out.
        near: the interval of every so manieth number.
    """

    ends: Index
    coarse: int
    near: NDArray[np.int32]

    @classmethod
    def build(cls, ends: NDArray[Any]) -> Guide:
        """The guide of ascending whole numbers; 32 to 64 octets for each."""
        ends = ends.astype(np.int64)
        most = int(ends[-1]) if len(ends) else 0
        coarse = max(0, most.bit_length() - len(ends).bit_length() - _FINER)
        some = np.arange((most >> coarse) + 1, dtype=np.int64) << coarse
        return cls(ends, coarse, np.searchsorted(ends, some, side="right").astype(np.int32))

    def find(self, numbers: Index) -> NDArray[np.int32]:
        """The interval of each number; all are below the last end, and none below 0."""
        place = self.near.take(numbers >> self.coarse, mode="clip")
        late = np.flatnonzero(self.ends.take(place, mode="clip") <= numbers)
        for _ in range(_STEPS):
            if not len(late):
                return place
            place[late] += 1
            late = late[self.ends.take(place[late], mode="clip") <= numbers[late]]
        place[late] = np.searchsorted(self.ends, numbers[late], side="right")
        return place
