"""Option values that stand elsewhere: ``env:NAME`` and ``file:PATH``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synthlake.errors import SourceError, SourceMissingError
from synthlake.source.names import nearest


def resolve(value: str) -> str:
    """The text that ``env:NAME`` or ``file:PATH`` stands for; other text as it is.

    Privacy: call this where the value is used and nowhere earlier; the result is in no message.

    Raises:
        SourceError: the variable is not set.
        SourceMissingError: the file is not there or cannot be read.
    """
    kind, _, name = value.partition(":")
    if kind == "env":
        if name not in os.environ:
            raise SourceError(
                f"the environment variable {name} is not set", hint=f"set it, or change {value}"
            )
        return os.environ[name]
    if kind != "file":
        return value
    try:
        return Path(name).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        pass
    raise SourceMissingError(f"the file of {value} cannot be read", hint="write the secret there")


def resolved(options: Mapping[str, Any], known: Iterable[str], what: str) -> dict[str, Any]:
    """Options with their secrets in place.

    Raises:
        SourceError: an option is not known.
    """
    for name in options:
        if name not in known:
            raise SourceError(f"{what} has no option {name!r}", hint=nearest(name, known))
    return {k: resolve(v) if isinstance(v, str) else v for k, v in options.items()}
