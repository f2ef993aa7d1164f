"""How much memory this process may still take, and whether a run has to be refused for it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from synthlake.errors import LearnError
from synthlake.pipeline.estimate import BASE_MB, Size, estimate, fitting_rows

if TYPE_CHECKING:
    from synthlake.relational import Model

_MB = 1_000_000
_MEMINFO = Path("/proc/meminfo")
_CGROUPS = (  # limit, usage, statistics, name of what can be dropped: versions 2 and 1
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat",
     "total_inactive_file"),
)  # fmt: skip
_CGROUP = Path("/sys/fs/cgroup")


def free_mb() -> int | None:
    """Memory that the machine and the container's limit leave, in MB; None where nobody says."""
    found = [held for held in (_of_machine(), *map(_of_cgroup, _CGROUPS)) if held is not None]
    return min(found) // _MB if found else None


def too_little(sizes: Sequence[Size], max_rows: int) -> tuple[str, str] | None:
    """Why tables cannot be learned for want of memory, and the way out; None if they can.

    Args:
        sizes: of the tables that are learned.
        max_rows: most rows that are learned from.
    """
    free = free_mb()
    needed = estimate(sizes, max_rows, "quick").memory_mb
    if free is None or needed <= max(free, BASE_MB):
        return None
    fewer = fitting_rows(sizes, max_rows, needed, free)
    said = f"learning needs some {needed:,} MB of memory, and {free:,} MB are free"
    way = f"set max_rows to {fewer:,} or less" if fewer else "give it more memory"
    return said, f"{way}; columns that nobody needs can have `action: skip`"


def check_memory(sizes: Sequence[Size], max_rows: int) -> None:
    """Refuse before anything is drawn what would not fit.

    Raises:
        LearnError: the tables need more memory than there is.
    """
    found = too_little(sizes, max_rows)
    if found is not None:
        raise LearnError(found[0], hint=found[1])


def forget_draws(model: Model) -> None:
    """Let go of what a model keeps to draw faster: of wide tables, more than the model itself."""
    from synthlake.models.registry import trees_of

    for table in model.tables.values():
        later = table.sequence.later if table.sequence is not None else None
        for trees in (trees_of(table.synthesizer), later):
            for step in trees.steps if trees is not None else ():
                step.leaves.forget()


def give_back() -> None:
    """Return to the system what this process has freed, and its allocators keep for later.

    What learning a wide table leaves behind would be the floor of all that the report needs.

    Cost: some 50 milliseconds a gigabyte. Without glibc, what malloc keeps stays.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _of_machine() -> int | None:
    for line in _lines(_MEMINFO):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_cgroup(names: tuple[str, str, str, str]) -> int | None:
    limit, usage, statistics, droppable = names
    most, used = _number(_CGROUP / limit), _number(_CGROUP / usage)
    if most is None or used is None:
        return None
    dropped = [int(x.split()[1]) for x in _lines(_CGROUP / statistics) if x.startswith(droppable)]
    return max(most - used + sum(dropped[:1]), 0)


def _number(path: Path) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None  # "max" is no limit


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
