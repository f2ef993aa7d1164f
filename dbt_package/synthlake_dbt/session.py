"""Asks dbt what only dbt knows, in a process of its own: ``python -m synthlake_dbt.session``.

Reads a question as JSON from stdin and writes the answer as JSON to stdout. A process of its own,
as dbt keeps state for a whole process: settings, log handlers, open databases.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = ("model", "seed", "snapshot", "source")


def main() -> None:
    """Answer the question on stdin."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what dbt prints is no answer
    with answers:
        json.dump(answer(json.load(sys.stdin)), answers, default=str)


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Parse a project, select from it and resolve its target.

    Args:
        asked: ``common``: arguments of every command; ``selection``: those of ``dbt ls``, empty
            for no selection; ``project``: the folder.

    Privacy: the answer holds the credentials of the target. It goes through a pipe, to no file.
    """
    from dbt.cli.main import dbtRunner

    parsed = dbtRunner().invoke(["--quiet", "parse", *asked["common"]])
    if not parsed.success:
        return _failure(parsed.exception, "parse")
    # the manifest itself, as a file is not always written, and another dbt may write it meanwhile
    manifest = parsed.result.writable_manifest().to_dict(omit_none=False)
    found = {"selected": None, "manifest": manifest, **_resolved(asked)}
    if asked["selection"]:
        shown = ["--output", "json", "--output-keys", "unique_id"]
        kinds = [word for kind in KINDS for word in ("--resource-type", kind)]
        listed = dbtRunner(manifest=parsed.result).invoke(
            ["--quiet", "ls", *asked["common"], *shown, *kinds, *asked["selection"]]
        )
        if not listed.success:
            return _failure(listed.exception, "ls")
        found["selected"] = [json.loads(line)["unique_id"] for line in listed.result or ()]
    return found


def _resolved(asked: Mapping[str, Any]) -> dict[str, Any]:
    from dbt.config.runtime import load_profile, load_project
    from dbt.flags import get_flags

    flags = get_flags()  # of `parse`: the environment may name a profile and a target as well
    given = flags.VARS or {}
    profile = load_profile(asked["project"], given, flags.PROFILE, flags.TARGET)
    project = load_project(asked["project"], False, profile, given)
    named = project.vars.to_dict()
    return {
        "project": project.project_name,
        "target_path": str(Path(project.project_root) / project.target_path),
        "models": (project.model_paths or ["models"])[0],
        "settings": [
            named.get("synthlake"),
            (named.get(project.project_name) or {}).get("synthlake"),
            given.get("synthlake"),
        ],
        "target": profile.target_name,
        "adapter": profile.credentials.type,
        "credentials": profile.credentials.to_dict(omit_none=True),
    }  # fmt: skip


def _failure(error: BaseException | None, command: str) -> dict[str, Any]:
    # what dbt says of a profile may quote a value in it
    told = "" if "Profile" in type(error).__name__ or "Credential" in str(error) else str(error)
    return {"failed": command, "kind": type(error).__name__, "said": told.strip()}


if __name__ == "__main__":
    main()
