"""Names of tables as names of files, and back."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

_SAFE = frozenset(string.ascii_letters + string.digits + "_- ")
_LONGEST = 180  # octets; file systems stop at 255, and endings and staging need some


def encode(name: str) -> str:
    """A file's name, without ending, for a table or a run.

    All but letters, digits, ``_``, ``-`` and inner blanks become ``%XX``; what would be too long
    ends in a hash, and can then only be found by the manifest.
    """
    text = "".join(
        chr(octet) if chr(octet) in _SAFE else f"%{octet:02X}"
        for octet in name.encode("utf-8", "surrogatepass")
    )
    if text != text.strip(" ") or not text:
        text = text.replace(" ", "%20") or "%"
    if len(text) <= _LONGEST:
        return text
    return f"{text[:100]}%{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def decode(name: str) -> str:
    """The table of a file's name without ending; names of others than ours stay as they are."""
    if name == "%":
        return ""
    text = unquote_to_bytes(name.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")
    return text if encode(text) == name else name


def data_files(folder: Path, endings: Sequence[str]) -> list[Path]:
    """Files of a folder with one of the endings, hidden and temporary ones left out, sorted."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith((".", "_"))
        and path.name.lower().endswith(tuple(endings))
    )  # fmt: skip


def pattern_free(path: Path) -> str:
    """A path as a pattern of DuckDB that matches it alone."""
    return re.sub(r"[\[*?]", lambda match: f"[{match[0]}]", str(path.absolute()))
