"""Secrets by reference: ``env:NAME`` and ``file:PATH`` are looked up late and never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthlake.errors import SpecError

MASK = "***"
_REFERENCE = re.compile(r"^(env|file):(?!//)(.+)$")
_EMBEDDED = re.compile(r"\$\{(env|file):([^}]+)\}")
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):([^@\s]*)@")
_QUERY = re.compile(
    r"(?i)([?&;](?:[a-z_]*(?:password|passwd|pwd|token|secret|key|credential|sas|sig)[a-z_]*)=)"
    r"[^&;#\s]+"
)
_NAMED = re.compile(r"(?i)(password|passwd|pwd|token|secret|key|credential|sas)")


def resolve(text: str) -> str:
    """A text with ``env:NAME``, ``file:PATH`` or embedded ``${env:NAME}`` looked up.

    Raises:
        SpecError: the variable or file is not there. The message names the reference alone.
    """
    whole = _REFERENCE.match(text)
    if whole:
        return _look_up(whole[1], whole[2])
    return _EMBEDDED.sub(lambda found: _look_up(found[1], found[2]), text)


def resolve_all(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with every reference among their values looked up."""
    return {k: resolve(v) if isinstance(v, str) else v for k, v in options.items()}


def mask(text: str) -> str:
    """A URL or text without passwords and tokens; references stay, as they are no secrets."""
    shown = _PASSWORD.sub(lambda found: f"{found[1]}:{MASK}@", text)
    return _QUERY.sub(lambda found: found[1] + MASK, shown)


def mask_all(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for display: values of keys that sound secret are masked unless references."""

    def shown(key: str, value: Any) -> Any:
        if not isinstance(value, str) or _REFERENCE.match(value):
            return value
        return MASK if _NAMED.search(key) else mask(value)

    return {key: shown(key, value) for key, value in options.items()}


def _look_up(kind: str, name: str) -> str:
    if kind == "env":
        value = os.environ.get(name)
        if value is None:
            raise SpecError(
                f"the environment variable {name} is not set", hint=f"export {name}=..."
            )
        return value
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"the secret file {name} cannot be read", hint="check its path and permissions"
        ) from error
