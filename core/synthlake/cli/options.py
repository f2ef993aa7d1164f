"""Commands that take a dataclass: one option or argument a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

T = TypeVar("T")


@dataclass(frozen=True)
class SampleOptions:
    """What `synthlake sample` is told."""

    artifact: Annotated[Path, typer.Argument(help="Folder of an artifact.")]
    out: Annotated[Path, typer.Option("--out", help="Folder of the twin.")]
    scale: Annotated[float, typer.Option(help="Of the source's roots.")] = 1.0
    rows: Annotated[
        list[str] | None, typer.Option(metavar="TABLE=N", help="Rows of a root table.")
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


def taking(options: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Turn a function of one dataclass into one with a parameter a field, as typer reads it."""

    def turned(function: Callable[[T], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            function(options(**given))

        hints = get_type_hints(options, include_extras=True)
        held = {f.name: f.default for f in fields(options)}  # type: ignore[arg-type]
        parameters = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if default is MISSING else default,
                annotation=hints[name],
            )
            for name, default in held.items()
        ]
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = hints
        return command

    return turned
