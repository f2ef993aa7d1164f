"""Figures of synthetic rows: by the independent judge where it is there, else by our own report."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import duckdb
import pyarrow.parquet as pq

from .datasets import JUDGE, Divided

Figures = dict[str, Any]


def judged(parts: Divided, folder: Path, *, unseen: bool = True) -> Figures:
    """All figures of the rows in a folder.

    Args:
        parts: of the data set.
        folder: holds the table, as one file or as a folder of parts.
        unseen: the held-out rows are the measure; False where they are what is judged.
    """
    found = (
        _by_judge(parts, folder, unseen) if JUDGE.exists() else _by_report(parts, folder, unseen)
    )
    found["null_gap"] = _null_gap(parts, folder)
    found["contradictions"] = {
        name: _share(parts, folder, predicate)
        for name, predicate in parts.dataset.contradictions.items()
    }
    if JUDGE.exists():
        found["views"] = {
            name: _view(parts, folder, columns, unseen)
            for name, columns in parts.dataset.views.items()
        }
    return found


def write_floor(parts: Divided, folder: Path) -> None:
    """Independent columns in the place of a system."""
    folder.mkdir(parents=True, exist_ok=True)
    if JUDGE.exists():
        _call("--floor", *_places(parts, folder, unseen=False))
        return
    import synthlake as sl

    key = list(parts.dataset.key)
    declared = {parts.dataset.table: {"primary_key": key}} if key else None
    floor = sl.fit(parts.train.parent, declared, synthesizer="independent", holdout=0.0)
    floor.sample(seed=0).write(folder)


def _places(parts: Divided, folder: Path, unseen: bool) -> list[str]:
    places = ["--real", parts.train.parent, "--synthetic", folder, "--metadata", parts.metadata]
    return [str(p) for p in [*places, *(["--holdout", parts.holdout.parent] if unseen else [])]]


def _call(*arguments: str) -> None:
    command = [sys.executable, str(JUDGE), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _by_judge(parts: Divided, folder: Path, unseen: bool) -> Figures:
    dataset = parts.dataset
    with tempfile.TemporaryDirectory(prefix="judged-") as scratch:
        out = Path(scratch) / "out.json"
        target = f"{dataset.table}.{dataset.target}"
        _call(*_places(parts, folder, unseen), "--target", target, "--json", str(out))
        whole = json.loads(out.read_text())
    found, utility = whole["tables"][dataset.table], whole["utility"]
    memorised, copies = found.get("memorised") or {}, found["copies"] or {}
    names = [share[0] for share in found["names"].values() if share[0] is not None]
    return {
        "judge": "a program that shares no code with Synthlake (beside the checkout)",
        "c2st": found["c2st"]["holdout" if unseen else "real"],
        "memorised": memorised.get("excess"),
        "memorised_error": memorised.get("error"),
        "copies": copies.get("rate"),
        "copies_base": copies.get("base_rate"),
        "shapes": found["shapes"]["mean"],
        "pairs": found["pairs"]["mean"],
        "triples": found["triples"],
        "names": fmean(names) if names else None,
        "broken": found["dependencies"]["share"],
        "broken_any": found["dependencies"]["rows_breaking_any"],
        "dependencies": found["dependencies"]["number"],
        "type_differences": found["schema_differences"],
        "utility": utility.get("metric"),
        "tstr": utility.get("TSTR"),
        "trtr": utility.get("TRTR"),
    }


def _by_report(parts: Divided, folder: Path, unseen: bool) -> Figures:
    """The same from ``synthlake.evaluate``; what it has no figure for is absent."""
    import synthlake as sl

    dataset = parts.dataset
    schema = {dataset.table: {"primary_key": list(dataset.key) or None}}
    report = sl.evaluate(
        parts.train.parent, folder, schema, holdout=parts.holdout.parent if unseen else None,
        tier="full", gates=(), target=f"{dataset.table}.{dataset.target}",
    )  # fmt: skip
    against = report
    if unseen:  # the report tells the twin from what it was learned from
        against = sl.evaluate(
            parts.holdout.parent, folder, schema, tier="quick", gates=(), metrics=("c2st.table",)
        )
    told = next((r.twin.interval for r in report.of("memorised") if r.twin.interval), None)
    copies, utility, types = (_detail(report, m) for m in ("copies", "tstr", "schema"))
    distance, pairs = _mean(report, "ks", "tvd"), _mean(report, "pairs")
    return {
        "judge": "synthlake.evaluate",
        "c2st": _mean(against, "c2st.table"),
        "memorised": _mean(report, "memorised"),
        "memorised_error": (told[1] - told[0]) / 2 / 1.96 if told else None,
        "copies": _mean(report, "copies"),
        "copies_base": copies.get("base_rate"),
        "shapes": None if distance is None else 1 - distance,
        "pairs": None if pairs is None else 1 - pairs,
        "type_differences": types.get("differences"),
        "utility": "skill",
        "tstr": utility.get("twin"),
        "trtr": utility.get("real"),
    }


def _mean(report: Any, *metrics: str) -> float | None:
    """Of a report's figures for some metrics."""
    values = [r.twin.value for m in metrics for r in report.of(m) if r.twin.value is not None]
    return fmean(values) if values else None


def _detail(report: Any, metric: str) -> Any:
    return next((row.twin.detail for row in report.of(metric)), {})


def _rows(folder: Path, table: str) -> str:
    """What DuckDB reads: one file or a folder of parts."""
    parts = folder / table
    return str(parts / "*.parquet") if parts.is_dir() else str(folder / f"{table}.parquet")


def _share(parts: Divided, folder: Path, predicate: str) -> float | None:
    """Share of rows for which a predicate is true."""
    with duckdb.connect() as connection:
        rows = connection.read_parquet(_rows(folder, parts.dataset.table))
        counted = rows.aggregate(f"avg(CASE WHEN {predicate} THEN 1.0 ELSE 0.0 END)").fetchall()
    share: float | None = counted[0][0]
    return share


def _null_gap(parts: Divided, folder: Path) -> float | None:
    """Largest difference of any column's share of NULL from that of the training rows."""
    columns = pq.read_schema(parts.train).names
    shares = []
    with duckdb.connect() as connection:
        for place in (str(parts.train), _rows(folder, parts.dataset.table)):
            rows = connection.read_parquet(place)
            counted = ", ".join(f'1 - count("{name}") / count(*)' for name in columns)
            shares.append(rows.aggregate(counted).fetchall()[0])
    if None in shares[1]:  # no rows
        return None
    return max(abs(a - b) for a, b in zip(*shares, strict=True))


def _view(parts: Divided, folder: Path, columns: Sequence[str], unseen: bool) -> float | None:
    """C2ST of some columns alone."""
    table = parts.dataset.table
    with tempfile.TemporaryDirectory(prefix="view-") as scratch, duckdb.connect() as connection:
        place = Path(scratch)
        described = {"tables": {table: {"primary_key": None, "foreign_keys": []}}}
        (place / "metadata.json").write_text(json.dumps(described))
        for side, rows in (
            ("train", str(parts.train)), ("holdout", str(parts.holdout)),
            ("made", _rows(folder, table)),
        ):  # fmt: skip
            (place / side).mkdir()
            chosen = connection.read_parquet(rows).project(", ".join(f'"{c}"' for c in columns))
            chosen.write_parquet(str(place / side / f"{table}.parquet"))
        out = place / "out.json"
        call = ["--real", place / ("holdout" if unseen else "train"), "--synthetic", place / "made"]
        _call(*map(str, [*call, "--metadata", place / "metadata.json", "--json", out]))
        found: float | None = json.loads(out.read_text())["tables"][table]["c2st"]["real"]
    return found
