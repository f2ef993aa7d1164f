"""Environments of systems that are not ours: made by uv from pinned requirements, once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

SYSTEMS = Path(__file__).resolve().parent / "systems"


def python_of(environment: str | None, place: Path) -> Path:
    """The Python of an environment, which is made if it is missing or its pins changed.

    Args:
        environment: name of a file of pins beside the systems; None for this process's own.
        place: folder that holds ``env/<environment>``.

    Raises:
        subprocess.CalledProcessError: it cannot be installed, as without a network.
    """
    if environment is None:
        return Path(sys.executable)
    pins, folder = SYSTEMS / f"{environment}.txt", place / "env" / environment
    stamp, wanted = folder / "pins.sha256", hashlib.sha256(pins.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(
            f"installing {environment} into {folder}: some 5 GB, as PyTorch brings CUDA", flush=True
        )
        uv, python = _uv(), str(folder / "bin" / "python")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", "3.11", folder], check=True)
        # Without the bounds that pyproject.toml sets for our own environment.
        install = ["--no-config", "--system-certs", "pip", "install", "--quiet", "--python", python]
        subprocess.run([uv, *install, "-r", str(pins)], check=True)
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv") or "uv"
