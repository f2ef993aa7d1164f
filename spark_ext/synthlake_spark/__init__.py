"""Synthlake on Spark: learn frames where they are, make the twin there, write it as Delta.

twin = SparkSynthesizer().fit({"planes": planes, "flights": flights}, seed=7)
frames = twin.generate(scale=10, seed=1)
twin.write_delta(frames, "s3a://bucket/twin", run_id="2026-01")
"""

from typing import Any

from synthlake_spark.source import SparkSource
from synthlake_spark.synthesizer import SparkSynthesizer

__all__ = ["SparkSource", "SparkSynthesizer", "SparkTwin"]


def __getattr__(name: str) -> Any:
    if name == "SparkTwin":  # it needs pyspark
        from synthlake_spark.twin import SparkTwin

        return SparkTwin
    raise AttributeError(f"module 'synthlake_spark' has no attribute {name!r}")
