"""Secrets stay references until they are used, and are never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from synthlake.source.secrets import resolve as look_up

MASK = "***"
_REFERENCE = re.compile(r"(?:env|file):(?!//).+")
_EMBEDDED = re.compile(r"\$\{((?:env|file):[^}]+)\}")
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):([^@\s]*)@")
_SECRET = "password|passwd|pwd|token|secret|key|credential|sas|sig"
_QUERY = re.compile(rf"(?i)([?&;][a-z_]*(?:{_SECRET})[a-z_]*=)[^&;#\s]+")
_NAMED = re.compile(rf"(?i){_SECRET}")


def resolve(text: str) -> str:
    """A URL that is ``env:NAME`` or ``file:PATH``, or holds ``${env:NAME}``, looked up.

    Raises:
        SourceError: the variable or file is not there. The message names the reference alone.
    """
    if _REFERENCE.fullmatch(text):
        return look_up(text)
    return _EMBEDDED.sub(lambda found: look_up(found[1]), text)


def mask(text: str) -> str:
    """A URL or text without passwords and tokens; references stay, as they are no secrets."""
    shown = _PASSWORD.sub(lambda found: f"{found[1]}:{MASK}@", text)
    return _QUERY.sub(lambda found: found[1] + MASK, shown)


def mask_all(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for display: values of keys that sound secret are masked unless references."""
    return {key: _shown(key, value) for key, value in options.items()}


def _shown(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return mask_all(value)
    if not isinstance(value, str) or _REFERENCE.fullmatch(value):
        return value
    return MASK if _NAMED.search(key) else mask(value)
