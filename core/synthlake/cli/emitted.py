"""The judge's counting, written as SQL."""

from __future__ import annotations

from pathlib import Path

from synthlake.cli.options import EvaluateOptions
from synthlake.cli.render import output, say
from synthlake.errors import SpecError
from synthlake.schema.document import SchemaDocument

_OUT = Path("quality-sql")


def check_emission(asked: EvaluateOptions) -> None:
    """Whether options go together.

    Raises:
        SpecError: there is nothing to judge, or SQL is not asked for by name.
    """
    if asked.emit_sql is not None and asked.synthetic is not None:
        raise SpecError(
            "--emit-sql judges nothing, so that --synthetic has no meaning",
            hint="leave it out; --synthetic-in says in which schema the synthetic tables are",
        )
    if asked.emit_sql is None and asked.out is not None:
        raise SpecError("--out is the folder of --emit-sql", hint="reports go to --html and --json")
    if asked.emit_sql is None and asked.synthetic is None:
        raise SpecError(
            "there is no synthetic data to judge",
            hint="name it by --synthetic, or ask for the SQL alone by --emit-sql DIALECT",
        )


def emit(asked: EvaluateOptions, dialect: str, declared: SchemaDocument | None) -> None:
    """Write the scripts and say what was written."""
    from synthlake.api import quality_sql

    emitted = quality_sql(
        asked.real, dialect, declared, real_in=asked.real_in, synthetic_in=asked.synthetic_in,
        seed=asked.seed,
    )  # fmt: skip
    folder = asked.out or _OUT
    files = emitted.save(folder)
    for path, table in zip(files, emitted.tables, strict=False):
        say(output(), f"{path.name}  {table}")
    say(output(), f"scripts  {folder}", f"read     {files[-1]}")
