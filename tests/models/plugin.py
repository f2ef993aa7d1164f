"""Installs the dummy synthesizer for a while, as a package with an entry point."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = "synthlake-dummy"


@contextmanager
def installed(folder: Path, entry: str = "synthlake_dummy:Dummy") -> Iterator[None]:
    """The package is there within, and gone after."""
    (folder / "synthlake_dummy.py").write_text((HERE / "dummy.py").read_text(encoding="utf-8"))
    info = folder / "synthlake_dummy-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[synthlake.synthesizers]\ndummy = {entry}\n")
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("synthlake_dummy", None)
