"""Ours beside its peers on real tables; ``make bench`` runs it and writes docs/performance.md.

    cd tests && python -m bench.peers [--datasets NAME...] [--only SYSTEM...] [--again] [--seeds 5]

Every system learns the training rows (four fifths) in a process of its own, with two threads, and
makes as many rows; these are judged against the held-out fifth. Results are JSON files in
``.bench/results/<dataset>/<system>.json``; what is there is not done again without ``--again``.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from . import scale, tables
from .datasets import DATASETS, PLACE, ROOT, SHARED, Dataset, Divided, divided
from .environments import python_of
from .judging import judged, write_floor
from .measuring import FailedSystemError, machine, make


@dataclass(frozen=True)
class Contender:
    """A row maker: its script, the environment it runs in (None: ours) and whether seeds repeat."""

    name: str
    environment: str | None = None
    repeated: bool = False


CONTENDERS = {
    c.name: c
    for c in (
        Contender("ours", repeated=True),
        Contender("ours_tries", repeated=True),
        Contender("sdv_gaussian_copula", "sdv"),
        Contender("sdv_tvae", "sdv"),
        Contender("sdv_ctgan", "sdv"),
        Contender("tabular_argn", "mostlyai"),
    )
}
ENDS = ("floor", "ceiling")


@dataclass(frozen=True)
class Place:
    """The folder of all that is made."""

    folder: Path = PLACE

    def twin(self, dataset: str, system: str, seed: int) -> Path:
        return self.folder / "twins" / dataset / system / str(seed)

    def result(self, dataset: str, system: str) -> Path:
        return self.folder / "results" / dataset / f"{system}.json"


def compare(
    dataset: Dataset, systems: Iterable[str], seeds: int, *, again: bool = False,
    place: Place | None = None,
) -> None:  # fmt: skip
    """Results of systems on a data set, one JSON each."""
    place = place or Place()
    parts = divided(dataset, place.folder)
    for system in systems:
        path = place.result(dataset.name, system)
        repeated = system in CONTENDERS and CONTENDERS[system].repeated
        wanted = range(seeds if repeated else 1)
        runs = [] if again or not path.exists() else json.loads(path.read_text())["runs"]
        for seed in wanted[len(runs) :]:
            print(f"{dataset.name}: {system}, seed {seed}", flush=True)
            twin = place.twin(dataset.name, system, seed)
            run = measured(parts, system, seed, twin, again)
            runs.append({"seed": seed, "commit": machine()["commit"], **run})
            save(path, dataset, parts, runs)


def measured(parts: Divided, system: str, seed: int, twin: Path, again: bool) -> dict[str, Any]:
    """One system with one seed: made (unless it is there), then judged."""
    if system == "ceiling":
        return {"figures": judged(parts, parts.holdout.parent, unseen=False)}
    if system == "floor":
        write_floor(parts, twin)
        return {"figures": judged(parts, twin)}
    noted = twin.with_suffix(".json")
    if again or not noted.exists():
        shutil.rmtree(twin, ignore_errors=True)
        try:
            python = python_of(CONTENDERS[system].environment, twin.parents[3])
            noted.parent.mkdir(parents=True, exist_ok=True)
            noted.write_text(json.dumps(make(system, python, parts, seed, twin)))
        except (FailedSystemError, CalledProcessError) as error:
            print(f"  failed: {error}", flush=True)
            return {"failed": str(error)}
    return {"made": json.loads(noted.read_text()), "figures": judged(parts, twin)}


def save(path: Path, dataset: Dataset, parts: Divided, runs: Sequence[dict[str, Any]]) -> None:
    """The runs of one system, with what they were run on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"dataset": dataset.name, "rows": parts.rows, "machine": machine(), "runs": list(runs)}
    path.write_text(json.dumps(about, indent=1))


def chosen(asked: Sequence[str] | None) -> list[str]:
    """Data sets that are asked for, else all that this machine has."""
    for name in asked or ():
        if name != scale.NAME and not DATASETS[name].here:
            raise SystemExit(f"{name}: {DATASETS[name].path} is not there")
    if asked:
        return list(asked)
    if not (SHARED / "data").exists():
        print(f"{SHARED} is not there: only data that a package brings is compared")
    return [*(d.name for d in DATASETS.values() if d.here), scale.NAME]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, then write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", nargs="+", choices=[*DATASETS, scale.NAME])
    parser.add_argument("--only", nargs="+", choices=[*CONTENDERS, *ENDS], metavar="SYSTEM",
                        help=", ".join([*CONTENDERS, *ENDS]))  # fmt: skip
    parser.add_argument("--again", action="store_true", help="also what was done before")
    parser.add_argument("--seeds", type=int, default=5, help="runs of ours (peers: one)")
    parser.add_argument("--doc", type=Path, default=ROOT / "docs" / "performance.md")
    asked = parser.parse_args(arguments)
    if not asked.doc.exists():
        parser.error(f"{asked.doc} is not there")
    systems = asked.only or [*ENDS, *CONTENDERS]
    try:
        for name in chosen(asked.datasets):
            if name != scale.NAME:
                compare(DATASETS[name], systems, asked.seeds, again=asked.again)
            elif "ours" in systems:
                scale.measure(PLACE, again=asked.again)
    finally:  # what was measured before a stop counts
        tables.rewrite(asked.doc, PLACE / "results")
        print(f"wrote the tables of {asked.doc}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
