"""TPC-H: eight tables and 8.6 million rows learned, made again, and a hundred million made.

    cd tests && python -m bench.tpch [--scales 1 12] [--generator PROGRAM] [--again] [--doc]

Needs ``tpchgen-cli`` (PyPI; ``pip install tpchgen-cli``) on the path or by ``--generator``, and
says so where it is absent. Learns scale factor 1 by ``specs/tpch.yml``, makes twins of the scales
asked for by two workers, counts repeated keys and orphans by SQL, and deletes each twin. Results
lie in ``results/tpch.json`` below ``--place``, ``.bench`` by default; what is there is not done
again. The table is printed, and written into ``docs/performance.md`` with ``--doc``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml

from .datasets import PLACE, ROOT
from .environments import SYSTEMS
from .measuring import THREADS, machine

SPEC = Path(__file__).resolve().parent / "specs" / "tpch.yml"
DOC, MARKS = ROOT / "docs" / "performance.md", ("<!-- bench tpch -->", "<!-- end -->")
TOOL = "tpchgen-cli"
SIZE = 1  # scale factor that is learned
CHILDREN = ("partsupp", "orders", "lineitem")
BYTES_PER_SCALE = 300_000_000  # of a twin as Parquet; 230 MB were seen


class Plain(argparse.RawDescriptionHelpFormatter):
    """Text as it stands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what has no result yet, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--scales", nargs="+", type=float, default=[1.0, 12.0])
    parser.add_argument("--place", type=Path, default=PLACE)
    parser.add_argument("--generator", default=TOOL, help="the program that makes the data")
    parser.add_argument("--again", action="store_true", help="measure anew what was asked for")
    parser.add_argument("--doc", action="store_true", help=f"write the table into {DOC.name}")
    asked = parser.parse_args(arguments)
    place: Path = asked.place.resolve()
    if not make_data(place / "tpch" / "real", asked.generator):
        return 2
    results = place / "results" / "tpch.json"
    for name in ["learn", *(f"scale {scale:g}" for scale in asked.scales)]:
        found = json.loads(results.read_text()) if results.exists() else {"steps": {}}
        if name in found["steps"] and not asked.again:
            continue
        step = learned(place / "tpch") if name == "learn" else made(place / "tpch", name)
        found["steps"][name], found["machine"] = step, machine()
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(json.dumps(found, indent=1))
    text = table(json.loads(results.read_text()))
    print(text)
    if asked.doc:
        write(text)
    return 0


def make_data(folder: Path, generator: str) -> bool:
    """The eight tables as Parquet; False, with a word of why, where nothing makes them."""
    if (folder / "lineitem.parquet").exists():
        return True
    program = shutil.which(generator)
    if program is None:
        print(f"{generator} is not there: pip install {TOOL}, or --generator PATH", file=sys.stderr)
        return False
    fresh = folder.with_name("fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    command = [program, "parquet", "-s", str(SIZE), "--output-dir", str(fresh), "--quiet"]
    subprocess.run(command, check=True)
    fresh.rename(folder)
    return True


def learned(folder: Path) -> Mapping[str, Any]:
    """The artifact of the tables."""
    spec = yaml.safe_load(SPEC.read_text())
    spec["source"] = f"parquet://{folder / 'real'}"
    path = folder / "tpch.yml"
    path.write_text(yaml.safe_dump(spec))
    shutil.rmtree(folder / "tpch.artifact", ignore_errors=True)
    found = run("learn", path, folder / "tpch.artifact")
    return {**found, "rows": counted(folder / "real")}


def made(folder: Path, name: str) -> Mapping[str, Any]:
    """A twin, with what its keys are worth; it is deleted."""
    scale, twin = float(name.split()[1]), folder / f"twin{os.getpid()}"
    free = shutil.disk_usage(folder).free
    if free < 2 * scale * BYTES_PER_SCALE:
        raise SystemExit(f"{name}: {free / 1e9:.0f} GB are free, and twice the twin is needed")
    try:
        found = run("make", folder / "tpch.artifact", twin, scale)
        size = sum(file.stat().st_size for file in twin.rglob("*.parquet"))
        return {**found, "bytes": size, **broken(twin)}
    finally:
        shutil.rmtree(twin, ignore_errors=True)


def run(step: str, source: Path, target: Path, scale: float = 1.0) -> Mapping[str, Any]:
    """One step in a process of its own."""
    print(f"tpch: {step} {target.name} {scale:g}", flush=True)
    command = [sys.executable, str(SYSTEMS / "ours_tpch.py"), step, str(source), str(target)]
    done = subprocess.run(
        [*command, str(scale)], env={**os.environ, **THREADS}, stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    found: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def files(folder: Path, name: str) -> str:
    """A table's files for DuckDB."""
    whole = folder / f"{name}.parquet"
    return f"read_parquet('{whole if whole.exists() else folder / name / '*.parquet'}')"


def counted(folder: Path) -> dict[str, int]:
    """Rows by table."""
    names = yaml.safe_load(SPEC.read_text())["tables"]
    with duckdb.connect() as connection:
        return {name: first(connection, f"SELECT count(*) FROM {files(folder, name)}")
                for name in names}  # fmt: skip


def broken(folder: Path) -> dict[str, dict[str, int]]:
    """Repeated primary keys and orphans, by SQL that knows the spec and the files alone."""
    tables = yaml.safe_load(SPEC.read_text())["tables"]
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = 2; SET memory_limit = '3GB';"
                           f" SET temp_directory = '{folder.parent / 'spilled'}'")  # fmt: skip
        repeated = {name: first(connection, query) for name, query in keys(folder, tables)}
        orphans = {name: first(connection, query) for name, query in references(folder, tables)}
    return {"repeated": repeated, "orphans": orphans}


def keys(folder: Path, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """By table: rows that have a primary key which another row has."""
    for name, entry in tables.items():
        columns = ", ".join(entry["primary_key"])
        inner = f"SELECT count(*) AS n FROM {files(folder, name)} GROUP BY {columns} HAVING n > 1"
        yield name, f"SELECT coalesce(sum(n), 0) FROM ({inner})"


def references(folder: Path, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """By foreign key: rows that refer to no row, NULLs among them, as TPC-H has none."""
    for name, entry in tables.items():
        for fk in entry.get("foreign_keys", ()):
            parent = fk["references"]
            to = fk.get("to", tables[parent]["primary_key"])
            match = " AND ".join(f"c.{c} = p.{t}" for c, t in zip(fk["columns"], to, strict=True))
            sources = f"{files(folder, name)} c ANTI JOIN {files(folder, parent)} p ON {match}"
            label = f"{name}({', '.join(fk['columns'])})"
            yield label, f"SELECT count(*) FROM {sources}"


def first(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    ((number,),) = connection.execute(query).fetchall()
    return int(number)


def table(result: Mapping[str, Any]) -> str:
    """The steps as a table."""
    heads = (
        "step", "rows", "wall, s", "CPU-s", "rows/CPU-s", "child rows/CPU-s",
        "peak memory of all processes, MB", "repeated keys", "orphans", "Parquet, MB",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, step in result["steps"].items():
        rows, children = sum(step["rows"].values()), sum(step["rows"][c] for c in CHILDREN)
        cells = [f"{rows:,}", f"{step['wall_s']:,.0f}", f"{step['cpu_s']:,.0f}"]
        cells += [f"{rows / step['cpu_s']:,.0f}", f"{children / step['cpu_s']:,.0f}"]
        cells += [f"{step['peak_mb']:,.0f}"]
        if name == "learn":
            cells[4], label, counts = "", "learned", ["", "", ""]
        else:
            label = f"made, {name}"
            counts = [f"{sum(step[k].values()):,}" for k in ("repeated", "orphans")]
            counts += [f"{step['bytes'] / 1e6:,.0f}"]
        lines.append(f"| {' | '.join([label, *cells, *counts])} |")
    about = [result["machine"][key] for key in ("commit", "date", "cpu", "cores")]
    return "\n".join([*lines, "", "Commit {}, {}, {}, {} cores.".format(*about)])


def write(text: str) -> None:
    """Put the table between its marks in the page."""
    page = DOC.read_text()
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    DOC.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    sys.exit(main())
