"""What is to be made of an artifact: how much, into what, and the plan of it on a disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthlake.errors import SampleError
from synthlake.ports import OnEvent
from synthlake.schema.model import Schema
from synthlake.store import artifact as store
from synthlake.store.canonical import digest_json
from synthlake.store.tensors import digest_tensors, load_tensors, save_tensors

if TYPE_CHECKING:
    from synthlake.relational import Model, SamplePlan


@dataclass(frozen=True)
class Wanted:
    """How much is to be made.

    Attributes:
        seed: equal seeds give equal rows.
        scale: of the source's roots, or by root table.
        rows: by root table; wins over ``scale``.
        holdout: share of the source's roots that the artifact was not learned from.
        given: by root table: conditions as JSON values, each with its rows.
    """

    seed: int
    scale: float | Mapping[str, float] = 1.0
    rows: Mapping[str, int] = field(default_factory=dict)
    holdout: float = 0.0
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What a worker needs to make any part; small, so that it travels to other processes.

    Attributes:
        artifact: folder of the artifact.
        plan: file of the sample plan.
        sink: URL of where parts go to.
        run_id: of the run, for the sink's staging area.
        fingerprint: digest of artifact and plan, from which all rows follow.
        tables: that are made.
        shared: folder for what its workers work out once; empty for none.
    """

    artifact: str
    plan: str
    sink: str
    run_id: str
    fingerprint: str
    tables: tuple[str, ...]
    shared: str = ""


def selected(schema: Schema, tables: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the tables to make, in the order of the schema.

    Raises:
        SchemaError: there is no such table.
        SampleError: the table is skipped.
    """
    made = tuple(table.name for table in schema if not table.skip)
    for name in tables or ():
        if schema[name].skip:
            raise SampleError(
                f"{name} is skipped by the schema", hint="learn it, or leave it out of tables"
            )
    return made if tables is None else tuple(name for name in made if name in set(tables))


def make_plan(
    artifact: Path, wanted: Wanted, path: Path, on_event: OnEvent | None
) -> tuple[str, ...]:
    """Write the sample plan of an artifact into a file, once; returns its notes.

    Raises:
        ArtifactError: the artifact cannot be read.
        SampleError: so many rows cannot be made.
    """
    from synthlake.relational import Model, SamplePlan

    if path.is_file():
        return SamplePlan.from_parts(*load_tensors(path)).notes
    model = Model.from_parts(store.load(artifact).parts)
    plan = plan_of(model, wanted, on_event)
    save_tensors(path, *plan.to_parts())
    return plan.notes


def plan_of(model: Model, wanted: Wanted, on_event: OnEvent | None = None) -> SamplePlan:
    """The sample plan of a model.

    Raises:
        SampleError: such rows cannot be made.
    """
    from synthlake.relational import plan_sample

    return plan_sample(
        model, seed=wanted.seed, scale=wanted.scale, rows=dict(wanted.rows) or None,
        given=wanted.given, on_event=on_event,
    )  # fmt: skip


def fingerprint(artifact: str, plan: Path) -> str:
    """Digest of an artifact's id and a sample plan: equal ones make equal rows."""
    return digest_json([artifact, digest_tensors(*load_tensors(plan))])


def twin_manifest(
    job: Job, artifact: str, wanted: Wanted, notes: tuple[str, ...]
) -> dict[str, Any]:
    """What the manifest of a twin says; the sink adds rows and digests of its files.

    Args:
        job: that made it.
        artifact: id of the artifact.
        wanted: what was asked for.
        notes: of the plan.
    """
    given = {"given": dict(wanted.given)} if wanted.given else {}
    return {
        **given,
        "run_id": job.run_id,
        "seed": wanted.seed,
        "scale": wanted.scale if isinstance(wanted.scale, float | int) else dict(wanted.scale),
        "rows_asked": dict(wanted.rows),
        "holdout": wanted.holdout,
        "artifact": artifact,
        "plan": digest_tensors(*load_tensors(Path(job.plan))),
        "notes": list(notes),
    }
