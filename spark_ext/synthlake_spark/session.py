"""What must hold of a Spark session, classic or Connect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthlake.api import errors

OLDEST = (4, 0)


def checked(spark: Any) -> Any:
    """The session, if it can be worked with.

    Raises:
        SourceError: it is none, or too old.
    """
    version = getattr(spark, "version", None)
    if not isinstance(version, str) or not hasattr(spark, "sql"):
        raise errors.SourceError(
            f"a {type(spark).__name__} is not a Spark session", hint="give a SparkSession"
        )
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise errors.SourceError(
            f"this is Spark {version}", hint=f"Spark {OLDEST[0]}.{OLDEST[1]} or later is needed"
        )
    return spark


def one_session(frames: Mapping[str, Any]) -> Any:
    """The session of all frames.

    Raises:
        SourceError: something is not a Spark frame, or frames are of different sessions.
    """
    if not frames:
        raise errors.SourceError("there are no frames", hint="give {name: DataFrame}")
    sessions = {}
    for name, frame in frames.items():
        if not hasattr(frame, "sparkSession") or not hasattr(frame, "toArrow"):
            raise errors.SourceError(
                f"table {name} is a {type(frame).__name__}, not a Spark DataFrame",
                hint="give frames of one Spark session; what is in memory is for synthlake.open",
            )
        sessions[id(frame.sparkSession)] = checked(frame.sparkSession)
    if len(sessions) > 1:
        raise errors.SourceError(
            f"the frames are of {len(sessions)} sessions", hint="read them all by one session"
        )
    return next(iter(sessions.values()))
