"""The rows of a real source that were not learned from."""

from __future__ import annotations

from pathlib import Path

from synthlake.errors import EvaluationError
from synthlake.pipeline import judge, learn
from synthlake.pipeline.learn import Given
from synthlake.pipeline.snapshot import local_path
from synthlake.pipeline.twin import Twin
from synthlake.pipeline.work import ARTIFACT
from synthlake.ports import Source
from synthlake.schema.model import Schema
from synthlake.source.flattened import rejoined
from synthlake.store import artifact as store
from synthlake.store.artifact import is_artifact


def held_out(real: Source, learned: object, schema: Given, share: float | None = None) -> Source:
    """The rows of a source that a twin was not learned from, tables that are kept as they are.

    Args:
        real: what the twin was learned from.
        learned: the twin, or the folder that it was published as.
        schema: as it was learned; None for that of the twin, or to infer it again.
        share: of root entities that were set aside, where the caller knows it.

    Raises:
        EvaluationError: nothing was set aside, as there were too few roots or the twin says nothing
            of it.
    """
    share = judge.share_of(learned) if share is None else share
    decided = learn.understand(real, schema or _schema(learned))
    parts = learn.divide(real, decided, share)
    if parts.holdout is None:
        raise EvaluationError(
            "no rows were set aside when the twin was learned",
            hint="learn with holdout=0.1 from 500 roots or more, and give the twin or its folder",
        )
    return rejoined(parts.holdout)


def _schema(learned: object) -> Schema | None:
    if isinstance(learned, Twin):
        return learned.model.schema
    place = local_path(str(learned)) if isinstance(learned, str | Path) else None
    folder = None if place is None else place / ARTIFACT
    if folder is None or not is_artifact(folder):
        return None
    from synthlake.relational import Model

    return Model.from_parts(store.load(folder).parts).schema
