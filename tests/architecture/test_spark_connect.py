"""The Spark extension works on Spark Connect: nothing in it needs a classic session."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLASSIC_ONLY = re.compile(
    r"sparkContext|SparkContext|\b_sc\b|\.rdd\b|\bRDD\b|_jvm|_jdf|_jsparkSession"
)


def found(text: str) -> list[str]:
    """What only classic sessions have; a docstring may name it."""
    code = re.sub(r'"""[\s\S]*?"""|#[^\n]*', "", text)
    return CLASSIC_ONLY.findall(code)


def test_nothing_needs_a_classic_session() -> None:
    files = sorted((ROOT / "spark_ext").rglob("*.py"))
    assert len(files) > 5
    used = {str(file.relative_to(ROOT)): found(file.read_text("utf-8")) for file in files}
    assert {name: words for name, words in used.items() if words} == {}


@pytest.mark.parametrize("code", ["spark.sparkContext", "frame.rdd.map", "spark._jvm.x", "f._jdf"])
def test_a_classic_call_would_be_seen(code: str) -> None:
    assert found(code)
