"""Versions of what learns, for provenance and for what a run id is bound to."""

from __future__ import annotations

from importlib import metadata

LEARNING = ("synthlake", "numpy", "pyarrow", "duckdb", "scikit-learn")


def version(package: str) -> str:
    """The installed version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def versions() -> dict[str, str]:
    """Versions of all packages that what is learned may depend on."""
    return {name: version(name) for name in LEARNING}
