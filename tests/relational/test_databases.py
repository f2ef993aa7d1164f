"""Small databases with awkward keys, learned and sampled: keys unique, references whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.relational.databases import Fitted, enrolments, fit, loans, rates, repeats, rows_of

import synthlake as sl
from synthlake.errors import SampleError

SCALES = (0.02, 1.0, 3.0)


@pytest.mark.parametrize("scale", SCALES)
def test_chain_of_own_parents(shipped: Fitted, scale: float) -> None:
    real, artifact = shipped
    twin = artifact.sample(scale, seed=3).to_arrow()
    for name, columns in [
        ("customers", "customer"),
        ("orders", "order"),
        ("lines", "order number"),
        ("shipments", "shipment"),
    ]:
        assert repeats(twin[name], columns) == 0
        assert twin[name].num_rows == pytest.approx(real[name].num_rows * scale, rel=0.05, abs=12)
    assert rates(twin, "orders", "customer", "customers") == (0, 0)
    assert rates(twin, "lines", "order", "orders") == (0, 0)


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_orphans_of_a_parent_whose_key_is_data(shipped: Fitted, scale: float) -> None:
    real, artifact = shipped
    twin = artifact.sample(scale, seed=3).to_arrow()
    null, orphans = rates(twin, "shipments", "order number", "lines")
    assert null == 0
    assert orphans == pytest.approx(rates(real, "shipments", "order number", "lines")[1], abs=0.01)
    lost = {k[0] for k in set(rows_of(twin["shipments"], "order number")) - set(
        rows_of(twin["lines"], "order number"))}  # fmt: skip
    assert not lost & set(twin["orders"]["order"].to_pylist()), "a missing line has a real order"


def test_orphans_of_an_own_parent_whose_key_is_data() -> None:
    tables, declared = loans_of_lines()
    real, artifact = fit((tables, declared))
    twin = artifact.sample(seed=3).to_arrow()
    found = rates(twin, "shipments", "order number", "lines")
    assert found == pytest.approx(rates(real, "shipments", "order number", "lines"), abs=0.01)
    assert repeats(twin["lines"], "order number") == 0


def loans_of_lines() -> tuple[dict, dict]:  # type: ignore[type-arg]
    """The chain with shipments made together with their line."""
    from tests.relational.databases import chain

    tables, declared = chain()
    declared["shipments"]["foreign_keys"][0]["mode"] = "own"
    return tables, declared


@pytest.mark.parametrize("scale", SCALES)
def test_several_keys_to_one_parent(played: Fitted, scale: float) -> None:
    real, artifact = played
    twin = artifact.sample(scale, seed=3).to_arrow()
    for columns in ("home", "away"):
        assert rates(twin, "games", columns, "teams", "team") == (0, 0)
    null, orphans = rates(twin, "games", "referee", "teams", "team")
    assert orphans == 0
    if scale >= 1:
        assert null == pytest.approx(rates(real, "games", "referee", "teams", "team")[0], abs=0.01)
        found = rates(twin, "players", "team", "teams")
        assert found == pytest.approx(rates(real, "players", "team", "teams"), abs=0.01)
        for name in real:
            assert twin[name].num_rows == pytest.approx(real[name].num_rows * scale, rel=0.02)


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
def test_a_key_of_two_references_repeats_no_pair(enrolled: Fitted, scale: float) -> None:
    real, artifact = enrolled
    sample = artifact.sample(scale, seed=3)
    twin = sample.to_arrow()
    assert repeats(twin["enrolments"], "student course") == 0
    assert rates(twin, "enrolments", "student", "students") == (0, 0)
    assert rates(twin, "enrolments", "course", "courses") == (0, 0)
    if scale >= 1:
        wanted = real["enrolments"].num_rows * scale
        assert twin["enrolments"].num_rows == pytest.approx(wanted, rel=0.02)
        assert not sample.notes


def test_families_are_cut_to_what_the_key_tells_apart(enrolled: Fitted) -> None:
    _, artifact = enrolled
    sample = artifact.sample(rows={"courses": 3}, seed=3)
    twin = sample.to_arrow()
    assert repeats(twin["enrolments"], "student course") == 0
    taken = [row[0] for row in rows_of(twin["enrolments"], "student")]
    assert max(taken.count(student) for student in set(taken)) == 3
    assert any("enrolments cannot grow" in note and "3 rows" in note for note in sample.notes)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_a_key_of_two_references_and_a_category(scale: float) -> None:
    _, artifact = fit(enrolments(term=True))
    twin = artifact.sample(scale, seed=3).to_arrow()
    assert repeats(twin["enrolments"], "student course term") == 0


def test_a_key_of_references_without_own_parent_names_the_way_out() -> None:
    from synthlake.errors import LearnError

    tables, declared = enrolments()
    for held in declared["enrolments"]["foreign_keys"]:
        held["mode"] = "match"
    with pytest.raises(LearnError, match=r"enrolments \(student, course\).*\n.*mode: own"):
        fit((tables, declared))


@pytest.mark.parametrize("scale", [0.001, 0.01, 1.0, 10.0])
def test_parents_without_children(lent: Fitted, scale: float) -> None:
    real, artifact = lent
    twin = artifact.sample(scale, seed=3).to_arrow()
    assert repeats(twin["loans"], "loan") == 0
    if scale < 1:
        return
    assert twin["loans"].num_rows == pytest.approx(900 * scale, rel=0.02)
    for columns, parent in (("branch", "branches"), ("broker", "brokers")):
        found, wanted = (rates(d, "loans", columns, parent) for d in (twin, real))
        assert found == pytest.approx(wanted, abs=0.01)


def test_no_match_parent_leaves_null(lent: Fitted) -> None:
    _, artifact = lent
    twin = artifact.sample(rows={"brokers": 0}, seed=3).to_arrow()
    assert twin["brokers"].num_rows == 0
    assert twin["loans"].num_rows > 800
    assert rates(twin, "loans", "broker", "brokers") == (1.0, 0.0)


def test_no_own_parent_leaves_no_children(lent: Fitted) -> None:
    _, artifact = lent
    twin = artifact.sample(rows={"branches": 0}, seed=3).to_arrow()
    assert twin["branches"].num_rows == twin["loans"].num_rows == 0


def test_no_parent_for_a_reference_that_allows_no_null() -> None:
    import pyarrow as pa

    tables, declared = loans(lost=False)
    known = tables["loans"]["broker"].fill_null(1)
    known = pa.chunked_array([pa.array([min(b, 299) for b in known.to_pylist()])])
    strict = pa.field("broker", pa.int64(), nullable=False)
    tables["loans"] = tables["loans"].set_column(2, strict, known)
    _, artifact = fit((tables, declared))
    with pytest.raises(SampleError, match=r"loans\(broker\) -> brokers.*no NULL"):
        artifact.sample(rows={"brokers": 0})


def test_rows_of_a_child_are_refused_with_the_name_of_its_root(shipped: Fitted) -> None:
    _, artifact = shipped
    with pytest.raises(SampleError, match=r"lines .*\n.*root, customers"):
        artifact.sample(rows={"lines": 10})


def test_a_subset_of_tables_has_the_rows_of_the_whole(shipped: Fitted) -> None:
    _, artifact = shipped
    whole, part = artifact.sample(seed=3), artifact.sample(seed=3, tables=["shipments"])
    assert list(part) == ["shipments"]
    assert part["shipments"].to_arrow().equals(whole["shipments"].to_arrow())


def test_a_stored_model_keeps_numbers_of_children_apart(tmp_path: Path) -> None:
    """A child that is made after another, but comes before it by name."""
    random = np.random.default_rng(0)
    owner = np.repeat(np.arange(300), random.integers(0, 3, 300))
    data = {
        "p": pa.table({"id": np.arange(300), "x": random.integers(0, 4, 300)}),
        "b": pa.table({"id": np.arange(len(owner)), "p_id": owner}),
        "a": pa.table({
            "id": np.arange(2_500), "b_id": random.integers(0, len(owner), 2_500),
            "p_id": random.integers(0, 300, 2_500),
        }),
    }  # fmt: skip
    fk = {"columns": ["p_id"], "references": "p"}
    schema = {
        "a": {"foreign_keys": [{"columns": ["b_id"], "references": "b", "mode": "match"},
                               {**fk, "mode": "match"}]},
        "b": {"foreign_keys": [{**fk, "mode": "own"}]},
    }  # fmt: skip
    artifact = sl.fit(data, schema)
    artifact.save(tmp_path / "a")
    stored, held = (a.sample().to_arrow() for a in (sl.load(tmp_path / "a"), artifact))
    assert stored == held
