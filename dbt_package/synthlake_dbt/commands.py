"""``synthlake dbt plan | run | package``: the twin of a dbt project, in its warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from synthlake.api import RunSettings, if_published_of, taking
from synthlake_dbt.project import Asked, Project, read_project
from synthlake_dbt.spec import Synthesis, synthesis_of

app = typer.Typer(
    help="Synthesise the tables that a dbt project declares by meta.synthlake.",
    no_args_is_help=True,
)


@dataclass(frozen=True)
class PlanOptions:
    """What `synthlake dbt plan` is told; the first seven as dbt takes them."""

    ctx: typer.Context
    project_dir: Annotated[Path, typer.Option(help="Folder of dbt_project.yml.")] = Path()
    profiles_dir: Annotated[Path | None, typer.Option(help="Folder of profiles.yml.")] = None
    profile: Annotated[str | None, typer.Option(help="In place of the project's.")] = None
    target: Annotated[str | None, typer.Option("--target", "-t", help="Of the profile.")] = None
    select: Annotated[
        list[str] | None,
        typer.Option("--select", "-s", help="What dbt's --select takes; repeatable."),
    ] = None
    exclude: Annotated[
        list[str] | None, typer.Option(help="What dbt's --exclude takes; repeatable.")
    ] = None
    variables: Annotated[str | None, typer.Option("--vars", help="What dbt's --vars takes.")] = None

    def asked(self) -> Asked:
        """Which project, and what of it."""
        return Asked(
            project_dir=self.project_dir,
            profiles_dir=self.profiles_dir,
            profile=self.profile,
            target=self.target,
            select=_words(self.select),
            exclude=_words(self.exclude),
            variables=self.variables,
        )


@dataclass(frozen=True)
class WriteOptions(PlanOptions):
    """What `synthlake dbt plan` is told."""

    write: Annotated[
        bool, typer.Option("--write", help="Write the twin's tables as sources of the project.")
    ] = False


@dataclass(frozen=True)
class RunOptions(PlanOptions):
    """What `synthlake dbt run` is told."""

    run_id: Annotated[str | None, typer.Option(help="Name of the run, to resume it by.")] = None
    seed: Annotated[int | None, typer.Option(help="In place of the project's.")] = None
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; the result is the same for any.")
    ] = 1
    if_published: Annotated[
        str,
        typer.Option(
            metavar="fail|reuse|replace",
            help="If the run id was published for another spec or other data.",
        ),
    ] = "fail"


@app.command()
@taking(WriteOptions)
def plan(asked: WriteOptions) -> None:
    """Say what a run would do; with --write, add the twin's tables to the project as sources."""
    shell, project, synthesis = _prepared(asked)
    shell.plan(synthesis.spec)
    if asked.write:
        from synthlake_dbt.twins import write_twins

        shell.say(f"wrote    {write_twins(project, synthesis)}")


@app.command()
@taking(RunOptions)
def run(asked: RunOptions) -> None:
    """Learn the declared tables, and publish their twin to a schema of the same warehouse."""
    shell, _, synthesis = _prepared(asked)
    when = if_published_of(asked.if_published)
    shell.run(
        synthesis.spec,
        RunSettings(asked.run_id, asked.seed, workers=asked.workers, if_published=when),
    )
    shell.say(f"schema   {synthesis.schema}")


@app.command()
def package(ctx: typer.Context) -> None:
    """Print the folder of the dbt package, for `packages: [{local: ...}]`."""
    here = Path(__file__).resolve().parent
    installed = here / "package"
    ctx.obj.say(str(installed if installed.is_dir() else here.parent))


def _prepared(asked: PlanOptions) -> tuple[Any, Project, Synthesis]:
    shell = asked.ctx.obj
    project = read_project(asked.asked())
    synthesis = synthesis_of(project)
    shell.say(f"project  {project.name}, target {project.target} ({project.adapter})")
    shell.say(*(f"note: {note}" for note in synthesis.notes))
    return shell, project, synthesis


def _words(given: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(given or ())
