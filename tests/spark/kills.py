"""Workers that kill themselves in the middle of a write.

Functions of workers travel by value, so all that they use is in them. Scripts for Spark Connect get
this file as text.
"""

from __future__ import annotations

from typing import Any


def in_a_frame(make: Any, marker: str) -> Any:
    """A frame's function whose process dies behind its first batch, if no one has died before."""

    def once(numbers: Any) -> Any:
        import os
        import signal

        for batch in make(numbers):
            yield batch
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)

    return once


def in_a_file(write: Any, marker: str) -> Any:
    """A writer of part files whose process dies in an open file, if no one has died before."""

    def once(numbers: Any) -> Any:
        import os
        import signal

        from synthlake_spark import part_files

        groups = part_files._groups

        def dying(schema: Any, batches: Any) -> Any:
            yield from groups(schema, batches)
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

        part_files._groups = dying
        try:
            yield from write(numbers)
        finally:
            part_files._groups = groups

    return once
