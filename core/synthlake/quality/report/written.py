"""Text files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

from synthlake.errors import SinkError


def write_text(target: Path, content: str) -> Path:
    """Write a file by replacing it at once.

    Raises:
        SinkError: it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.part")
        partial.write_text(content, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        raise SinkError(
            f"the report cannot be written to {target}: {error.strerror}",
            hint="give a path in a folder that can be written to",
        ) from None
    return target
