"""Synthesizers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthlake.errors import LearnError
from synthlake.models.independent import Independent
from synthlake.models.trees import Trees
from synthlake.ports import Synthesizer

NAMES = ("trees", "independent")


def synthesizer_of(settings: Mapping[str, Any]) -> Synthesizer:
    """The synthesizer that settings name: ``{name, min_leaf}``.

    Raises:
        LearnError: there is none of that name.
    """
    name, least = settings.get("name", "trees"), settings.get("min_leaf") or "auto"
    if name == "independent":
        return Independent()
    if name == "trees":
        return Trees(min_leaf=None if least == "auto" else int(least))
    raise LearnError(f"there is no synthesizer {name!r}", hint=f"there are {', '.join(NAMES)}")
