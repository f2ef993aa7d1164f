"""The side-by-side tables of docs/performance.md, from the JSON files of the results alone.

A table stands between ``<!-- bench NAME -->`` and ``<!-- end -->``. A block without results on this
machine is left as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scipy.stats import t as student

from . import scale
from .datasets import DATASETS

BLOCK = re.compile(r"(<!-- bench (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
TITLES = {
    "floor": "floor", "ours": "**ours**", "ours_tries": "**ours, tries: 8**",
    "sdv_gaussian_copula": "SDV GaussianCopula",
    "sdv_tvae": "SDV TVAE", "sdv_ctgan": "SDV CTGAN", "tabular_argn": "mostlyai TabularARGN",
    "ceiling": "ceiling",
}  # fmt: skip
Results = Mapping[str, Mapping[str, Any]]
Row = tuple[str, str, Callable[[float], str]]


def share(value: float) -> str:
    """A share or an AUC: three digits, no leading zero."""
    text = f"{value:.3f}".replace("0.", ".", 1)
    return "0" if text in (".000", "-.000") else text


def small(value: float) -> str:
    """A share that may be tiny."""
    return "0" if abs(value) < 5e-6 else f"{value:.5f}".rstrip("0").replace("0.", ".", 1)


def count(value: float) -> str:
    """A number without a fraction."""
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    """Seconds; of less than one, two digits."""
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2f}"


FIGURES: tuple[Row, ...] = (
    ("figures.c2st", "C2ST against unseen rows (.5 is best)", share),
    ("figures.memorised", "memorised (0 as unseen rows, 1 as copies)", share),
    ("figures.copies", "exact copies of training rows", small),
    ("figures.shapes", "shapes of columns (1 is best)", share),
    ("figures.pairs", "pairs", share),
    ("figures.triples", "triples", share),
    ("figures.tstr", "model for the target, trained on the rows", share),
    ("figures.broken", "broken dependencies", small),
    ("figures.broken_any", "rows that break any", small),
    ("figures.null_gap", "largest gap of a column's NULLs", small),
    ("figures.names", "identifying words that real rows have", share),
    ("made.fit_cpu_s", "learning, CPU-s", seconds),
    ("making_cpu_s", "making the rows, CPU-s", seconds),
    ("made.rows_per_cpu_s", "rows/CPU-s in memory", count),
    ("made.parquet_rows_per_cpu_s", "rows/CPU-s to Parquet", count),
    ("made.peak_mb", "peak memory, MB", count),
)


def rewrite(doc: Path, results: Path) -> None:
    """Put the tables of all results into a document; nothing else in it changes."""

    def block(found: re.Match[str]) -> str:
        text = _block(found[2], results)
        return found[0] if text is None else f"{found[1]}{text}\n{found[4]}"

    doc.write_text(BLOCK.sub(block, doc.read_text(encoding="utf-8")), encoding="utf-8")


def _block(name: str, results: Path) -> str | None:
    if name == scale.NAME:
        path = results / f"{name}.json"
        return scale.table(json.loads(path.read_text())) if path.exists() else None
    found = {
        system: json.loads((results / name / f"{system}.json").read_text())
        for system in TITLES
        if (results / name / f"{system}.json").exists()
    }
    return side_by_side(name, found) if found else None


def side_by_side(name: str, results: Results) -> str:
    """One table: figures down, systems across; below it how it was measured."""
    head = ["", *(TITLES[system] for system in results)]
    lines = [_line(head), _line(["---"] * len(head))]
    for path, title, style in (*FIGURES, *_special(results)):
        cells = [_cell(found["runs"], path, style) for found in results.values()]
        if any(cell != "–" for cell in cells):
            lines.append(_line([_titled(path, title, results), *cells]))
    types = [_types(found["runs"]) for found in results.values()]
    lines.append(_line(["columns of another type", *types]))
    return "\n".join([*lines, "", _notes(name, results)])


def _special(results: Results) -> list[Row]:
    """Rows that only some data sets have: views and contradictions."""
    rows: list[Row] = []
    known = [run["figures"] for f in results.values() for run in f["runs"] if "figures" in run]
    for kind, text, style in (
        ("views", "C2ST of the {}", share),
        ("contradictions", "rows with {}", small),
    ):
        names = dict.fromkeys(name for figures in known for name in figures.get(kind, {}))
        rows += [(f"figures.{kind}.{name}", text.format(name), style) for name in names]
    return rows


def _titled(path: str, title: str, results: Results) -> str:
    """A row's title with what the figure is held against."""
    beside = {"figures.copies": ("copies_base", "hold-out: {}", small),
              "figures.tstr": ("trtr", "on real rows: {}", share),
              "figures.broken": ("dependencies", "of {}", count)}  # fmt: skip
    if path not in beside:
        return title
    key, text, style = beside[path]
    values = [
        run["figures"][key]
        for system, found in results.items()
        for run in found["runs"]
        if system != "ceiling" and run.get("figures", {}).get(key) is not None
    ]
    return f"{title} ({text.format(style(values[0]))})" if values else title


def _value(run: Mapping[str, Any], path: str) -> float | None:
    if path == "making_cpu_s":
        rate = _value(run, "made.rows_per_cpu_s")
        return run["made"]["rows"] / rate if rate else None
    first, *rest = path.split(".", 2)
    held: Any = run.get(first, {})
    for key in rest:
        held = held.get(key) if isinstance(held, Mapping) else None
    return held if isinstance(held, int | float) else None


def _cell(runs: Sequence[Mapping[str, Any]], path: str, style: Callable[[float], str]) -> str:
    """A mean with its 95 % interval over runs, or one run's figure with its standard error."""
    values = [v for run in runs if (v := _value(run, path)) is not None]
    if not values:
        return "failed" if path == "figures.c2st" and "failed" in runs[0] else "–"
    if len(values) > 1:
        half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
        return f"{style(fmean(values))} ± {style(half)}"
    error = _value(runs[0], "figures.memorised_error") if path == "figures.memorised" else None
    return style(values[0]) + (f" (s.e. {share(error)})" if error is not None else "")


def _types(runs: Sequence[Mapping[str, Any]]) -> str:
    known = [run["figures"] for run in runs if "figures" in run]
    if not known:
        return "–"
    differing = known[0].get("type_differences")
    return count(len(differing)) if differing is not None else "–"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(name: str, results: Results) -> str:
    """Rows, judge, seeds, caps, versions, date and machine."""
    train, holdout = next(iter(results.values()))["rows"]
    known = [run["figures"] for f in results.values() for run in f["runs"] if "figures" in run]
    judges = " and ".join(sorted({figures["judge"] for figures in known})) or "nobody"
    about = DATASETS[name].about if name in DATASETS else name
    machines = [found["machine"] for found in results.values()]
    days = sorted({m["date"] for m in machines})
    on = {f"{m['cpu']}, {m['cores']} cores, {m['memory']}" for m in machines}
    notes = [
        f"{about}; {train:,} training rows, {holdout:,} held out; judged by {judges}.",
        *filter(None, (_note(system, found) for system, found in results.items())),
        f"Measured {' to '.join(dict.fromkeys((days[0], days[-1])))} on {'; '.join(sorted(on))}.",
    ]
    return "\n".join(f"- {note}" for note in notes)


def _note(system: str, found: Mapping[str, Any]) -> str:
    """What a reader must know of one system's figures."""
    runs = found["runs"]
    title = TITLES[system].replace("*", "")
    if "failed" in runs[0]:
        return f"{title} failed: `{runs[0]['failed'].replace('`', '')}`."
    if "made" not in runs[0]:
        return ""
    made = runs[0]["made"]
    versions = ", ".join(f"{p} {v}" for p, v in list(made["versions"].items())[:2])
    if system.startswith("ours"):
        repeated = "one seed"
        if len(runs) > 1:
            repeated = f"mean of {len(runs)} seeds of fit and sample with 95 % intervals"
        commits = ", ".join(dict.fromkeys(run["commit"] for run in runs))
        times = "ten times" if system == "ours" else "twice"
        return f"{title}: {versions}, commit {commits}, {repeated}; rates from {times} the rows."
    epochs = made["trained"].get("epochs")
    trained = f", {epochs:g} epochs" if epochs else ""
    cap = "" if made["cap"] == "none" else f", training capped at {made['cap']}"
    return f"{title}: {versions}, one seed{cap}{trained}."
