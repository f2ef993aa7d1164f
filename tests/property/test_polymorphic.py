"""References to one of several tables, in random databases with any dirt in types and ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.polymorphic import polymorphic_shapes
from tests.property.schemas import DatabaseShape, build, database_shapes
from tests.property.test_schemas import EXAMPLES, check

MADE = 0.5  # share of examples with such a reference


def shapes() -> st.SearchStrategy[DatabaseShape]:
    """Databases whose last table has such a reference, or two."""

    def with_some(shape: DatabaseShape, some: list) -> DatabaseShape:  # type: ignore[type-arg]
        last = replace(shape.tables[-1], polymorphic=tuple(some))
        return replace(shape, tables=(*shape.tables[:-1], last))

    return st.builds(
        with_some, database_shapes(), st.lists(polymorphic_shapes(), min_size=1, max_size=2)
    )


@pytest.mark.slow
def test_each_type_refers_to_its_own_table() -> None:
    ends: Counter[str] = Counter()

    @settings(
        max_examples=max(EXAMPLES // 4, 1), deadline=None, derandomize=EXAMPLES <= 300,
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
    @given(shapes())
    def one(shape: DatabaseShape) -> None:
        declared = build(shape).declared.values()
        if any(isinstance(fk["references"], dict) for t in declared for fk in t["foreign_keys"]):
            ends[check(shape)] += 1

    one()
    # what is refused is so for other keys and sizes of the database
    assert ends["made"] >= MADE * ends.total(), ends.most_common(20)
