"""A PostgreSQL server of the tests' own, as awkward as servers are: ICU collation, a foreign zone.

Importable without any vendor; the binaries come from Debian's packages.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

USER, PASSWORD = "synthlake", "Passw0rd-nobody-may-see"
ZONE = "America/New_York"
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "timezone": ZONE,
}
_ATTEMPTS = 5  # another process may take the port between choosing and binding it


def binaries() -> Path:
    """Folder of the newest server's binaries; fails with what to install."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path is None:
        pytest.fail("there is no PostgreSQL server: apt-get install postgresql", pytrace=False)
    return Path(on_path).resolve().parent


@contextmanager
def server() -> Iterator[str]:
    """A running server; gives its SQLAlchemy URL, and leaves nothing behind."""
    home = Path(tempfile.mkdtemp(prefix="slpg-", dir="/tmp"))  # paths of sockets are short
    who = _unprivileged(home)
    data = home / "data"
    secret = home / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    try:
        _run(
            who, "initdb", "--pgdata", data, "--username", USER, "--pwfile", secret,
            "--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu",
            "--icu-locale", "en-US", "--auth-local", "trust", "--auth-host", "scram-sha-256",
            "--no-sync",
        )  # fmt: skip
        port = _start(who, home, data)
        try:
            yield f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _run(who, "pg_ctl", "stop", "--pgdata", data, "--mode", "immediate", "--silent")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged(home: Path) -> dict[str, Any]:
    """As whom to run: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(home, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _run(who: dict[str, Any], binary: str, *arguments: object) -> None:
    command = [str(binaries() / binary), *map(str, arguments)]
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    done = subprocess.run(
        command, cwd="/", env=environment, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **who,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{binary} failed: {done.stdout}")


def _start(who: dict[str, Any], home: Path, data: Path) -> int:
    for attempt in range(_ATTEMPTS):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        held = {**_SETTINGS, "listen_addresses": "127.0.0.1", "unix_socket_directories": str(home)}
        options = " ".join(f"-c {name}={value}" for name, value in held.items())
        try:
            _run(
                who, "pg_ctl", "start", "--wait", "--silent", "--pgdata", data,
                "--log", home / "log", "--options", f"-p {port} {options}",
            )  # fmt: skip
        except RuntimeError:
            if attempt + 1 == _ATTEMPTS:
                raise RuntimeError((home / "log").read_text()) from None
        else:
            return port
    raise AssertionError("unreachable")
