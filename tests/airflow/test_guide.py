"""The guide shows the example as it is, which other tests run."""

from __future__ import annotations

import re

import pytest
from tests.airflow.home import ROOT

GUIDE = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("language", "file"), [("python", "nyc_twin.py"), ("yaml", "nyc_twin.yml")]
)
def test_the_guide_shows_the_example(language: str, file: str) -> None:
    (shown,) = re.findall(rf"^```{language} shape\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert shown == (ROOT / "examples" / "airflow" / file).read_text(encoding="utf-8")
