"""Hints for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 20


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the known name that looks most like ``name``, and what is known.

    Args:
        name: what was given.
        known: what there is.
    """
    names = list(known)
    if not names:
        return "there are none"
    folded = {held.casefold(): held for held in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    listed = ", ".join(names[:_LISTED])
    if len(names) > _LISTED:
        listed += f" and {len(names) - _LISTED} more"
    said = f"known are {listed}"
    return f"did you mean {folded[close[0]]!r}? {said}" if close else said
