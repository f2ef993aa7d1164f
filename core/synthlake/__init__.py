"""Synthlake learns a database and writes a synthetic twin of it, where the data already lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthlake.api import (
        Artifact,
        Audit,
        Comparison,
        Report,
        Schema,
        Subset,
        Twin,
        audit,
        augment,
        compare,
        evaluate,
        fit,
        holdout,
        load,
        open,
        run,
        subset,
    )

__version__ = "0.1.0"
__all__ = [
    "Artifact",
    "Audit",
    "Comparison",
    "Report",
    "Schema",
    "Subset",
    "Twin",
    "audit",
    "augment",
    "compare",
    "evaluate",
    "fit",
    "holdout",
    "load",
    "open",
    "run",
    "subset",
]


def __getattr__(name: str) -> Any:
    # PEP 562: `import synthlake` alone loads nothing heavy
    if name in __all__:
        from synthlake import api

        return getattr(api, name)
    raise AttributeError(f"module 'synthlake' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
