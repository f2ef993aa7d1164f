"""A dbt project as dbt reads it: its manifest, what is selected, the target it runs on."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthlake.api import errors


@dataclass(frozen=True)
class Asked:
    """Which project, and what of it; as on the command line of dbt.

    Attributes:
        project_dir: folder of ``dbt_project.yml``.
        profiles_dir: folder of ``profiles.yml``; None for where dbt looks.
        profile: in place of the project's.
        target: in place of the profile's.
        select: what dbt's ``--select`` takes; empty for every table that is declared.
        exclude: what dbt's ``--exclude`` takes.
        variables: what dbt's ``--vars`` takes.
    """

    project_dir: Path
    profiles_dir: Path | None = None
    profile: str | None = None
    target: str | None = None
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    variables: str | None = None


@dataclass(frozen=True)
class Project:
    """What dbt says of a project.

    Attributes:
        name: of the project.
        folder: of ``dbt_project.yml``.
        target_path: where dbt writes to.
        models: the first folder of models, in ``folder``.
        manifest: as dbt writes it.
        selected: unique ids; None if nothing was asked for.
        settings: ``vars: {synthlake: ...}``, also those of the project alone and of ``--vars``.
        target: name of the target.
        adapter: type of the target, such as ``duckdb``.
        credentials: of the target, with its secrets.
    """

    name: str
    folder: Path
    target_path: Path
    models: str
    manifest: Mapping[str, Any] = field(repr=False)
    selected: frozenset[str] | None
    settings: Mapping[str, Any]
    target: str
    adapter: str
    credentials: Mapping[str, Any] = field(repr=False)


def read_project(asked: Asked) -> Project:
    """Parse a project and resolve its target, by dbt itself.

    Raises:
        SpecError: there is no project, or dbt refuses it.
        MissingExtraError: dbt is not installed.

    Cost: a process of dbt, some seconds.
    """
    folder = asked.project_dir.expanduser().absolute()
    if not (folder / "dbt_project.yml").is_file():
        raise errors.SpecError(
            f"{asked.project_dir} holds no dbt_project.yml", hint="name the folder by --project-dir"
        )
    if importlib.util.find_spec("dbt") is None or importlib.util.find_spec("dbt.cli") is None:
        raise errors.MissingExtraError("dbt-core", "dbt")
    found = _ask(asked, folder)
    return Project(
        name=found["project"],
        folder=folder,
        target_path=Path(found["target_path"]),
        models=found["models"],
        manifest=found["manifest"],
        selected=None if found["selected"] is None else frozenset(found["selected"]),
        settings=settings_of(found["settings"]),
        target=found["target"],
        adapter=found["adapter"],
        credentials=found["credentials"],
    )


def _ask(asked: Asked, folder: Path) -> dict[str, Any]:
    question = {
        "common": _common(asked, folder),
        "selection": [*_repeated("--select", asked.select), *_repeated("--exclude", asked.exclude)],
        "project": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-m", "synthlake_dbt.session"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout) if done.returncode == 0 and done.stdout else {"failed": "parse"}
    if "failed" in found:
        raise _refused(found, folder)
    return dict(found)


def settings_of(layers: Sequence[Any]) -> dict[str, Any]:
    """What each layer of ``vars.synthlake`` adds to those before.

    Raises:
        SpecError: one is no mapping.
    """
    found: dict[str, Any] = {}
    for layer in layers:
        if not isinstance(layer, Mapping | None):
            raise errors.SpecError(
                "vars.synthlake is not a mapping", hint="such as `vars: {synthlake: {seed: 7}}`"
            )
        found.update(layer or {})
    return found


def _common(asked: Asked, folder: Path) -> list[str]:
    given = {
        "--project-dir": str(folder),
        "--profiles-dir": str(asked.profiles_dir) if asked.profiles_dir else None,
        "--profile": asked.profile,
        "--target": asked.target,
        "--vars": asked.variables,
    }
    return [word for name, value in given.items() if value is not None for word in (name, value)]


def _repeated(option: str, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _refused(found: Mapping[str, Any], folder: Path) -> errors.SpecError:
    said = found.get("said") or f"{found.get('kind', 'it')} was raised, or its process ended"
    return errors.SpecError(
        f"dbt {found['failed']} failed on {folder}: {said}",
        hint=f"`dbt debug --project-dir {folder}` tells more",
    )
