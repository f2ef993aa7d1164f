"""What commands with many options take, a dataclass each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer


@dataclass(frozen=True)
class SampleOptions:
    """What `synthlake sample` is told."""

    artifact: Annotated[Path, typer.Argument(help="Folder of an artifact.")]
    out: Annotated[Path, typer.Option("--out", help="Folder of the twin.")]
    scale: Annotated[
        list[str] | None,
        typer.Option(metavar="N|TABLE=N", help="Of the source's roots, or of one; 1 if not given."),
    ] = None
    rows: Annotated[
        list[str] | None, typer.Option(metavar="TABLE=N", help="Rows of a root table.")
    ] = None
    given: Annotated[
        str | None, typer.Option(metavar="FILE|JSON", help="Conditions, each with its rows.")
    ] = None
    tables: Annotated[list[str] | None, typer.Option(help="Only this table; repeatable.")] = None
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal rows.")] = 0
    format: Annotated[str, typer.Option(help="parquet, csv, jsonl, arrow or hdf5.")] = "parquet"
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; the result is the same for any.")
    ] = 1


@dataclass(frozen=True)
class EvaluateOptions:
    """What `synthlake evaluate` is told."""

    real: Annotated[str, typer.Option(help="The real data: a folder, a file or a URL.")]
    synthetic: Annotated[str, typer.Option(help="The synthetic data.")]
    holdout: Annotated[str | None, typer.Option(help="Real data that was not learned from.")] = None
    schema: Annotated[Path | None, typer.Option(help="A schema file, or a spec.")] = None
    tier: Annotated[str, typer.Option(help="quick, standard, full or deep.")] = "standard"
    html: Annotated[Path | None, typer.Option(help="Write the report there.")] = None
    json: Annotated[Path | None, typer.Option(help="Write its figures there.")] = None
    seed: Annotated[int, typer.Option(min=0, help="Of samples that models see.")] = 0
    known: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE=COLUMN,...",
            help="What an intruder knows of a table of which columns were replaced; tier full.",
        ),
    ] = None


@dataclass(frozen=True)
class AuditOptions:
    """What `synthlake audit` is told."""

    given: Annotated[Path, typer.Argument(metavar="SPEC|RUN", help="A spec, or a run's folder.")]
    table: Annotated[
        str | None, typer.Option(help="Root whose entities are attacked; by default the largest.")
    ] = None
    targets: Annotated[int, typer.Option(min=1, help="How many, the most exposed first.")] = 20
    shadows: Annotated[int, typer.Option(help="How often the synthesizer is fitted.")] = 32
    rows: Annotated[int, typer.Option(min=1, help="Of the sample that shadows halve.")] = 2_000
    budget: Annotated[
        str, typer.Option(metavar="10m|90s|1h", help="After which no shadow is begun.")
    ] = "10m"
    delta: Annotated[float, typer.Option(help="Of the differential privacy that is claimed.")] = 0.0
    seed: Annotated[int, typer.Option(min=0, help="Of all choices.")] = 0
    json: Annotated[Path | None, typer.Option(help="Write the figures there.")] = None
    html: Annotated[
        Path | None, typer.Option(help="Write the run's report there, with the audit in it.")
    ] = None
    max_auc: Annotated[
        float | None, typer.Option(help="Exit with 3 where the AUC is surely above it.")
    ] = None


@dataclass(frozen=True)
class RefitOptions:
    """What `synthlake refit` is told."""

    artifact: Annotated[Path, typer.Argument(help="Folder of an artifact; it stays as it is.")]
    source: Annotated[str, typer.Argument(help="Further rows: a folder, a file or a URL.")]
    out: Annotated[Path, typer.Option("--out", help="Folder of the new artifact.")]
    decay: Annotated[float, typer.Option(help="What an old row counts, above 0, at most 1.")] = 1.0
    seed: Annotated[int, typer.Option(min=0, help="Of samples that drift is compared with.")] = 0
    max_rows: Annotated[int, typer.Option(min=1, help="Of the sample of further rows.")] = 500_000
    json: Annotated[Path | None, typer.Option(help="Write the drift there.")] = None
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Say which categories are new or gone.")
    ] = False


@dataclass(frozen=True)
class SubsetOptions:
    """What `synthlake subset` is told."""

    source: Annotated[str, typer.Argument(help="A folder, a file or a URL.")]
    root: Annotated[list[str], typer.Option(help="Table whose rows are drawn; repeatable.")]
    out: Annotated[
        str, typer.Option("--out", help="Folder, or a URL such as csv://DIR or duckdb:///FILE.")
    ]
    fraction: Annotated[float | None, typer.Option(help="Of the roots' rows, up to 1.")] = None
    rows: Annotated[int | None, typer.Option(help="Of each root, in place of a fraction.")] = None
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds take equal rows.")] = 0
    others: Annotated[
        str,
        typer.Option(
            metavar="fraction|all|none", help="Of tables that have nothing to do with the roots."
        ),
    ] = "fraction"
    max_children: Annotated[
        int | None, typer.Option(help="Of one parent by one foreign key; all if not given.")
    ] = None
    schema: Annotated[Path | None, typer.Option(help="A schema file, or a spec.")] = None
