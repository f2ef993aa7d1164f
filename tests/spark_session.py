"""Spark of the tests' own, awkward as clusters are: a foreign session zone, few tasks, real Delta.

A process holds either a classic session or a Spark Connect client, never both. So tests have the
classic session in their own process, and run scripts against a real Connect server in others.
Importable without any vendor.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ZONE = "America/New_York"
MASTER = "local[2,4]"  # a task may fail three times, as one whose worker is killed does
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.session.timeZone": ZONE,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # small data: what the optimising compiler costs it never earns; without it the room for code
    # would be 48 MB, which the code of a thousand queries overflows
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m -XX:+UseSerialGC"
    ),
}
_ATTEMPTS = 3  # a download of jars may break; what has arrived is kept
_START_S = 300
_FAILED = "Spark did not start; its message is above. It needs Java 17 and Maven Central (Delta)"


@contextmanager
def session(**settings: str) -> Iterator[Any]:
    """A classic session with Delta's jars; settings come on top of ``SETTINGS``."""
    from delta import configure_spark_with_delta_pip
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    _check_java()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    home = Path(tempfile.mkdtemp(prefix="slspark-"))
    builder = SparkSession.builder.master(MASTER).appName("synthlake-tests")
    for name, value in {**_settings(home), **settings}.items():
        builder = builder.config(name, value)
    builder = configure_spark_with_delta_pip(builder)
    started = None
    for _ in range(_ATTEMPTS):
        try:
            started = builder.getOrCreate()
            break
        except PySparkRuntimeError:
            continue
    try:
        if started is None:
            pytest.fail(_FAILED, pytrace=False)
        yield started
        started.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class Connect:
    """A Spark Connect server: ``SparkSession.builder.remote(url)``.

    Attributes:
        url: such as ``sc://127.0.0.1:15002``.
    """

    url: str

    def run(self, script: str, *arguments: object, **environment: str) -> str:
        """What a script prints that runs in a process of its own.

        In it, ``SparkSession.builder.getOrCreate()`` is a session on the server, and modules of
        the tests can be imported. Fails with what it says if it fails.
        """
        known = {**os.environ, **environment, "SPARK_REMOTE": self.url, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            env=known, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        if done.returncode:
            pytest.fail(f"the script failed: {done.stdout}\n{done.stderr}", pytrace=False)
        return done.stdout


@contextmanager
def connect_server() -> Iterator[Connect]:
    """A real Spark Connect server with the same jars and settings."""
    _check_java()
    home = Path(tempfile.mkdtemp(prefix="slconnect-"))
    try:
        for attempt in range(_ATTEMPTS):
            server = _launch(home, home / f"log{attempt}")
            try:
                url = _address(server, home / f"log{attempt}")
                if url:
                    yield Connect(url)
                    return
            finally:
                server.terminate()
                server.wait()
        pytest.fail(f"{(home / 'log0').read_text()[-3000:]}\n{_FAILED}", pytrace=False)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _launch(home: Path, log: Path) -> subprocess.Popen[bytes]:
    import pyspark

    held = {
        **_settings(home),
        **_delta_packages(),
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
        "spark.log.level": "INFO",  # its port is said there
    }
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", MASTER,
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
    ]  # fmt: skip
    for name, value in held.items():
        command += ["--conf", f"{name}={value}"]
    known = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1"}
    known.pop("SPARK_REMOTE", None)
    with log.open("wb") as out:
        return subprocess.Popen(
            [*command, "spark-internal"], env=known, cwd=home, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server listens, once it says so; empty if it ended."""
    limit = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < limit:
        found = re.search(r"Connect server started at: \S*:(\d+)", log.read_text(errors="replace"))
        if found:
            return f"sc://127.0.0.1:{found[1]}"
        time.sleep(0.2)
    return ""


def _settings(home: Path) -> dict[str, str]:
    return {**SETTINGS, "spark.sql.warehouse.dir": str(home / "warehouse")}


def _delta_packages() -> Mapping[str, str]:
    """The packages that delta-spark itself would ask for."""
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    builder = configure_spark_with_delta_pip(SparkSession.Builder())
    return {name: str(value) for name, value in builder._options.items()}


def _check_java() -> None:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.fail("there is no Java: apt-get install openjdk-17-jre-headless", pytrace=False)
