"""A real S3 server on this machine: moto's, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

_SERVER = """
from moto.server import ThreadedMotoServer
import sys
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(f"port {server.get_host_and_port()[1]}", flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def s3(*buckets: str) -> Iterator[str]:
    """Endpoint of a server that has some buckets.

    It is no thread of the caller, as delta-rs holds Python's lock while it waits for an answer.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        said = next(line for line in server.stdout if line.startswith("port "))
        url = f"http://127.0.0.1:{int(said.split()[1])}"
        for bucket in buckets:
            request = urllib.request.Request(f"{url}/{bucket}", method="PUT")
            with urllib.request.urlopen(request) as answer:
                assert answer.status == 200
        try:
            yield url
        finally:
            server.kill()
