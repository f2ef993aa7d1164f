"""Commands. Each parses its arguments and calls one function of the API or the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthlake.cli.guard import GATE_FAILED
from synthlake.cli.options import (
    AuditOptions,
    EvaluateOptions,
    RefitOptions,
    SampleOptions,
    SubsetOptions,
)
from synthlake.cli.plugged import WithPlugins
from synthlake.cli.progress import progress
from synthlake.cli.render import output, say, show_inspection
from synthlake.cli.shell import Shell
from synthlake.cli.sized import known_of, rows_of, scale_of
from synthlake.cli.variadic import Variadic
from synthlake.errors import SpecError
from synthlake.options import taking

app = typer.Typer(
    cls=WithPlugins,
    help="Learn a database and write a synthetic twin of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec in YAML or JSON.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes; the result is the same for any.")]
ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Write constraints that repeat values of cells.")
]
Folder = Annotated[
    str | None, typer.Option("--out", help="Folder or URL, in place of the spec's sink.")
]
IfPublishedOption = Annotated[
    str,
    typer.Option(
        metavar="fail|reuse|replace",
        help="If the run id was published for another spec or other data.",
    ),
]


def _version(asked: bool) -> None:
    if asked:
        from synthlake import __version__

        typer.echo(f"synthlake {__version__}")
        raise typer.Exit


@app.callback()
def start(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Learn a database and write a synthetic twin of it."""
    ctx.obj = Shell()


@app.command()
def init(
    source: Annotated[str, typer.Argument(help="A folder, a file or a URL.")],
    out: Annotated[Path, typer.Option(help="The spec to write.")] = Path("synthlake.yml"),
    show_values: ShowValues = False,
) -> None:
    """Write a spec with what can be inferred from a source, and the evidence."""
    from synthlake.pipeline.propose import propose

    if out.exists():
        raise SpecError(f"{out} is there already", hint="name another file by --out, or delete it")
    text = propose(source, show_values=show_values)
    out.write_text(text, encoding="utf-8")
    console = output()
    say(console, f"wrote {out}", f"read it, then: synthlake plan {out}")


@app.command()
def profile(
    source: Annotated[str, typer.Argument(help="A folder, a file or a URL.")],
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Only this table; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    show_values: ShowValues = False,
) -> None:
    """Show what can be inferred from a source, and the constraints that its data suggests."""
    from synthlake.cli.profiled import show_profile
    from synthlake.pipeline.document import to_json
    from synthlake.pipeline.profile import profile as profiled

    found = profiled(source, table or None)
    if as_json:
        typer.echo(to_json(found.to_json(show_values=show_values)), nl=False)
    else:
        show_profile(found, output(), show_values=show_values)


@app.command()
def plan(spec: SpecFile) -> None:
    """Say what a run would do: order, modes, memory, time, and what cannot be."""
    Shell().plan(spec)


@app.command()
def run(
    spec: SpecFile,
    run_id: Annotated[str | None, typer.Option(help="Name of the run, to resume it by.")] = None,
    seed: Annotated[int | None, typer.Option(help="In place of the spec's.")] = None,
    out: Folder = None,
    workers: Workers = 1,
    if_published: IfPublishedOption = "fail",
) -> None:
    """Learn, sample, judge and publish; a stopped run goes on where it was."""
    from synthlake.pipeline.run import RunSettings, if_published_of

    Shell().run(spec, RunSettings(run_id, seed, out, workers, if_published_of(if_published)))


@app.command()
def fit(
    spec: SpecFile,
    artifact: Annotated[Path, typer.Option("--artifact", help="Folder of the artifact.")],
) -> None:
    """Learn what a spec names, and write the artifact."""
    from synthlake.cli.planned import with_plan
    from synthlake.pipeline.run import fit as fit_spec

    console = output()
    with progress() as on_event:
        identity = fit_spec(spec, artifact, with_plan(on_event, console))
    say(console, f"artifact {artifact}", f"id       {identity}")


@app.command()
def inspect(artifact: Annotated[Path, typer.Argument(help="Folder of an artifact.")]) -> None:
    """List all that an artifact holds."""
    from synthlake.store.inspection import inspect as inspected

    show_inspection(inspected(artifact), output())


@app.command()
@taking(RefitOptions)
def refit(asked: RefitOptions) -> None:
    """Take further rows into an artifact without the old ones, as a new artifact; say the drift."""
    from synthlake.api import load
    from synthlake.cli.drifted import check_out, show_drift
    from synthlake.pipeline.document import to_json

    check_out(asked.artifact, asked.out)
    loaded = load(asked.artifact)
    with progress() as on_event:
        made = loaded.refit(
            asked.source, decay=asked.decay, seed=asked.seed, max_rows=asked.max_rows,
            on_event=on_event,
        )  # fmt: skip
        made.save(asked.out)
    console = output()
    assert made.drift is not None
    show_drift(made.drift, console, show_values=asked.show_values)
    if asked.json is not None:
        text = to_json(made.drift.to_json(show_values=asked.show_values))
        asked.json.write_text(text, encoding="utf-8")
        say(console, f"figures  {asked.json}")
    say(console, f"artifact {asked.out}", f"id       {made.id}", f"parent   {loaded.id}")


@app.command(cls=Variadic)
@taking(SampleOptions)
def sample(asked: SampleOptions) -> None:
    """Write a twin of any size from an artifact."""
    from synthlake.api import load
    from synthlake.pipeline.conditions import read_conditions
    from synthlake.sink import open_sink

    open_sink(f"{asked.format}://{asked.out}")  # an unknown format is told before any work
    given = read_conditions(asked.given)
    rows, scale = rows_of(asked.rows or []), scale_of(asked.scale or [])
    loaded = load(asked.artifact)
    with progress() as on_event:
        twin = loaded.sample(
            scale, rows=rows, given=given, tables=asked.tables or None, seed=asked.seed,
            on_event=on_event,
        )  # fmt: skip
        folder = twin.write(
            asked.out, format=asked.format, workers=asked.workers, on_event=on_event
        )
    console = output()
    say(console, *(f"note: {note}" for note in twin.notes))
    say(console, *(f"{table.name}: {table.rows:,} rows" for table in twin.values()))
    say(console, f"twin {folder}")


@app.command()
@taking(EvaluateOptions)
def evaluate(asked: EvaluateOptions) -> None:
    """Judge synthetic data against real data."""
    from synthlake.api import Schema
    from synthlake.api import evaluate as judged
    from synthlake.pipeline.judge import tier_of, write_json
    from synthlake.quality.report.grouped import MATCHES

    known = known_of(asked.known or ())
    declared = None if asked.schema is None else Schema.load(asked.schema)
    tier = tier_of(asked.tier)
    with progress() as on_event:
        report = judged(
            asked.real, asked.synthetic, declared, holdout=asked.holdout, on_event=on_event,
            tier=tier, seed=asked.seed, matches=known,
            metrics=MATCHES if known else (),
        )  # fmt: skip
    console = output()
    say(console, report.summary().rstrip())
    if asked.html is not None:
        report.save(asked.html)
        say(console, f"report   {asked.html}")
    if asked.json is not None:
        write_json(report, asked.json)
        say(console, f"figures  {asked.json}")
    say(console, f"verdict  {report.decision}")
    if report.decision == "FAIL":
        raise typer.Exit(GATE_FAILED)


@app.command()
@taking(AuditOptions)
def audit(asked: AuditOptions) -> None:
    """Fit a synthesizer again and again, and attack it: would it tell who was learned from?"""
    from synthlake.cli.audited import show_audit, surely_above, write_audit
    from synthlake.pipeline.audit import AuditSettings, seconds_of
    from synthlake.pipeline.audited import audit_run

    settings = AuditSettings(
        asked.table, asked.targets, asked.shadows, asked.rows, seconds_of(asked.budget),
        asked.delta, asked.seed,
    )  # fmt: skip
    with progress() as on_event:
        done = audit_run(asked.given, settings, on_event)
    show_audit(done.audit, output())
    write_audit(done, output(), asked.json, asked.html)
    if surely_above(done.audit, asked.max_auc):
        raise typer.Exit(GATE_FAILED)


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Two or more: folders with a report.json, or such files.")
    ],
    html: Annotated[Path | None, typer.Option(help="Write the comparison there.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write its figures there.")] = None,
) -> None:
    """Lay the reports of several runs side by side."""
    from synthlake.api import compare as compared

    found, console = compared(runs), output()
    say(console, found.summary().rstrip())
    for what, path in (("compared", html), ("figures ", json)):
        if path is not None:
            found.save(path)
            say(console, f"{what} {path}")


@app.command()
@taking(SubsetOptions)
def subset(asked: SubsetOptions) -> None:
    """Copy some real rows, intact in their references. They are real: this is no twin."""
    from synthlake.api import Schema, mask
    from synthlake.cli.subsetted import show_subset
    from synthlake.pipeline.subset import wanted_of, write_subset

    wanted = wanted_of(
        asked.root,
        {
            "fraction": asked.fraction, "rows": asked.rows, "seed": asked.seed,
            "others": asked.others, "max_children": asked.max_children,
        },
    )  # fmt: skip
    declared = None if asked.schema is None else Schema.load(asked.schema)
    with progress() as on_event:
        taken = write_subset(asked.source, asked.out, declared, wanted, on_event)
    console = output()
    show_subset(taken, console)
    say(console, f"subset {mask(asked.out)}")
