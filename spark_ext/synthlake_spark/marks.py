"""What a run writes into each commit, so that it knows its own again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from synthlake.api import errors

_KEY = "synthlake"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class Mark:
    """The run behind a commit.

    Attributes:
        run_id: as it was given.
        digest: of artifact, plan and schema: equal ones make equal rows.
    """

    run_id: str
    digest: str

    def text(self) -> str:
        """As user metadata of a commit."""
        return json.dumps({_KEY: {"run_id": self.run_id, "digest": self.digest}}, sort_keys=True)

    def check(self, found: Mark, where: str) -> None:
        """Refuse a run id that stands for other content already.

        Raises:
            SinkError: it does.
        """
        if found.run_id == self.run_id and found.digest != self.digest:
            raise errors.SinkError(
                f"run {self.run_id} was written with other content: {where}",
                hint="give another run_id; the same one stands for the same artifact, plan and"
                " schema, and while it is not published, for one writer",
            )

    def check_own(self, found: Mark, where: str) -> None:
        """Refuse what another run has left where this one stages, such as under a folded name.

        Raises:
            SinkError: it is not of this run, or of other content.
        """
        self.check(found, where)
        if found != self:
            raise errors.SinkError(
                f"run {found.run_id} stages in the place of run {self.run_id}",
                hint="give another run_id; catalogs fold the case of names",
            )


def latest(texts: Iterable[str | None]) -> Mark | None:
    """The first mark among user metadata of commits, newest first; None if none is ours."""
    for text in texts:
        found = _read(text)
        if found is not None:
            return found
    return None


def _read(text: str | None) -> Mark | None:
    try:
        held: Any = json.loads(text or "")
        return Mark(str(held[_KEY]["run_id"]), str(held[_KEY]["digest"]))
    except (ValueError, KeyError, TypeError):
        return None


def plain_name(name: str) -> str:
    """A name that every file system, catalog and URI takes; odd ones end in a hash."""
    if _PLAIN.fullmatch(name):
        return name
    kept = re.sub(r"[^A-Za-z0-9_-]", "_", name).lstrip("_-")[:80]
    return f"{kept or 'x'}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
