"""Learns Spark DataFrames where they are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthlake.api import OnEvent, Schema, errors, fit
from synthlake_spark.source import SparkSource

if TYPE_CHECKING:
    from synthlake_spark.twin import SparkTwin


class SparkSynthesizer:
    """Learns frames by Spark SQL; only counts and an intact sample leave Spark.

    The artifact is the one that the same data gives in any other engine.

    Args:
        schema: whole or in part, as everywhere: a ``Schema``, the ``tables:`` subtree as a mapping,
            or the path of a schema file; the rest is inferred.
        settings: ``k``, ``holdout`` (share of root entities that is not learned from),
            ``max_rows`` (of the sample) and ``synthesizer`` (a name, or name and settings); as in
            ``synthlake.fit``.

    Raises:
        MissingExtraError: pyspark is not installed.
    """

    def __init__(
        self, schema: Schema | Mapping[str, Any] | str | Path | None = None, **settings: Any
    ) -> None:
        if find_spec("pyspark") is None:
            raise errors.MissingExtraError("pyspark", "spark")
        self._schema = Schema.load(schema) if isinstance(schema, str | Path) else schema
        self._settings = settings

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        return f"SparkSynthesizer({said})"

    def fit(
        self,
        frames: Mapping[str, Any] | SparkSource,
        *,
        seed: int = 0,
        on_event: OnEvent | None = None,
    ) -> SparkTwin:
        """Learn frames of one session.

        Args:
            frames: by table, or a ``SparkSource``, such as one of Delta tables.
            seed: of learning.
            on_event: told about progress.

        Raises:
            SourceError: the frames cannot be read, or give other rows each time.
            SchemaError: the schema contradicts itself or the frames.
            LearnError: the data cannot be learned as asked.
            QueryError: Spark refused a statement.

        Privacy: counts, values with their counts, and at most ``max_rows`` rows of each tree of
            tables leave Spark, for this process alone.
        Cost: a few statements a column; each reads the frames or what is cached of them. Frames
            are read once more before and after, to see that their rows are still the same.
        """
        from synthlake_spark.twin import SparkTwin

        source = frames if isinstance(frames, SparkSource) else SparkSource(frames)
        try:
            before = source.state()
            artifact = fit(source, self._schema, seed=seed, on_event=on_event, **self._settings)
            _check_state(before, source.state())
        finally:
            if source is not frames:
                source.close()
        return SparkTwin(source.engine().spark, artifact)


def _check_state(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse what was learned of rows that were not the same in every statement."""
    changed = [name for name in before if after[name] != before[name]]
    if changed:
        raise errors.SourceError(
            f"the rows of {', '.join(changed)} changed while they were learned",
            hint="give frames that make the same rows each time they are read: frame.persist(), a"
            " checkpoint, or tables with a version by SparkSource.from_tables",
        )
