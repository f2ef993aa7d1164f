"""Synthesizers by name: settings are checked, third parties join by entry point."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.models.plugin import PACKAGE, installed

import synthlake as sl
from synthlake.errors import ArtifactError, LearnError, SchemaError, SpecError
from synthlake.models.registry import synthesizer_of
from synthlake.models.trees import Trees
from synthlake.pipeline.spec import SynthesisSpec
from synthlake.pipeline.spec_schema import spec_schema
from synthlake.schema import synthesizers
from synthlake.store.inspection import inspect

ROWS = 400


@pytest.fixture
def dummy(tmp_path: Path) -> Iterator[None]:
    folder = tmp_path / "site"
    folder.mkdir()
    with installed(folder):
        yield


def table() -> dict[str, pa.Table]:
    random = np.random.default_rng(2)
    return {"t": pa.table({"a": random.integers(0, 3, ROWS), "b": ["x", "y"] * (ROWS // 2)})}


def test_built_in_ones_are_there() -> None:
    assert synthesizers.names()[:2] == ("trees", "independent")
    assert synthesizer_of({"name": "trees", "min_leaf": 20}) == Trees(min_leaf=20)
    assert synthesizer_of({"min_leaf": "auto"}) == Trees()


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ({"name": "tres"}, "no synthesizer 'tres'", "'trees'"),
        ({"name": "trees", "min_leaff": 3}, "min_leaff is not a setting of trees", "'min_leaf'"),
        ({"name": "trees", "min_leaf": 0}, "min_leaf of trees", "a whole number from 1"),
        ({"name": "trees", "min_leaf": "many"}, "min_leaf of trees", "auto or a whole number"),
        ({"name": "trees", "min_leaf": 2.5}, "min_leaf of trees", "a whole number"),
        ({"name": "mixture", "classes": True}, "classes of mixture", "a whole number from 1"),
        ({"name": "auto", "budget_s": -1}, "budget_s of auto", "a number above 0"),
        ({"name": "auto", "candidates": "trees"}, "candidates of auto", "a list"),
        ({"name": "sdv.ctgan"}, "no synthesizer 'sdv.ctgan'", "synthlake_connectors.sdv.twin"),
        ({"name": 3}, "is not text", "trees"),
    ],
)
def test_settings_are_refused_by_name(given: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(SchemaError) as caught:
        synthesizers.parse(given)
    assert said in caught.value.message
    assert hint in caught.value.hint
    with pytest.raises(LearnError):
        synthesizer_of(given)


def test_the_published_schema_says_all_settings() -> None:
    held = spec_schema()["$defs"]["SynthesizerDocument"]["anyOf"]
    said = {branch["title"]: set(branch["properties"]) for branch in held}
    assert said["auto"] == {"name", "goal", "budget_s", "candidates"}
    assert said["mixture"] == {"name", "classes"}
    assert said["copula"] == said["independent"] == {"name"}
    assert {"name", "min_leaf"} <= said["trees"]


@pytest.mark.usefixtures("dummy")
def test_an_installed_one_is_used_by_name(tmp_path: Path) -> None:
    spec = SynthesisSpec.load({"source": "x", "synthesizer": {"name": "dummy", "rounds": 3}})
    assert spec.synthesizer.settings() == {"name": "dummy", "rounds": 3}
    artifact = sl.fit(table(), synthesizer=spec.synthesizer.settings(), seed=1)
    folder = artifact.save(tmp_path / "artifact")
    again = sl.load(folder)
    assert again.sample(seed=3).to_arrow()["t"].equals(artifact.sample(seed=3).to_arrow()["t"])
    said = [e.what for e in inspect(folder).entries]
    assert f"synthesizer: dummy of the package {PACKAGE}" in said
    assert said.count("cells of dummy") == 2


@pytest.mark.usefixtures("dummy")
@pytest.mark.parametrize(
    ("settings", "said", "hint"),
    [
        ({"round": 1}, "round is not a setting of dummy", "'rounds'"),
        ({"rounds": 0}, "rounds of dummy", "from 1"),
        ({"mode": "odd"}, "mode of dummy", "plain or fancy"),
        ({"slack": 2}, "slack of dummy", "a number from 0"),
    ],
)
def test_its_settings_are_checked(settings: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        SynthesisSpec.load({"source": "x", "synthesizer": {"name": "dummy", **settings}})
    assert said in caught.value.message
    assert hint in caught.value.hint
    with pytest.raises(SpecError, match=said):
        sl.fit(table(), synthesizer={"name": "dummy", **settings})


def test_an_artifact_needs_its_plugin(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    with installed(site):
        folder = sl.fit(table(), synthesizer="dummy").save(tmp_path / "artifact")
        assert sl.load(folder).schema["t"]
    with pytest.raises(ArtifactError, match="the synthesizer 'dummy', which is not") as caught:
        sl.load(folder)
    assert caught.value.hint == f"pip install {PACKAGE}"
    assert "synthlake_dummy" not in sys.modules
    assert any("dummy" in e.what for e in inspect(folder).entries), "inspect needs no plugin"


def test_what_is_no_synthesizer_is_refused(tmp_path: Path) -> None:
    with (
        installed(tmp_path, "synthlake_dummy:FittedDummy"),
        pytest.raises(SchemaError, match="not a dataclass with `fit`"),
    ):
        synthesizers.parse("dummy")


def test_no_plugin_takes_a_name_that_is_built_in(tmp_path: Path) -> None:
    with installed(tmp_path):
        info = tmp_path / "synthlake_dummy-1.0.dist-info" / "entry_points.txt"
        info.write_text("[synthlake.synthesizers]\ntrees = synthlake_dummy:Dummy\n")
        assert isinstance(synthesizer_of({"name": "trees"}), Trees)
