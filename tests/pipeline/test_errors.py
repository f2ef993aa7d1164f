"""Errors come back from worker processes as they were raised there."""

from __future__ import annotations

import pickle

import pytest

from synthlake import errors
from synthlake.errors import MissingExtraError, QueryError, SynthlakeError

RAISED = [
    QueryError("no such column", sql='SELECT "x"', hint="look again"),
    MissingExtraError("pandas", "pandas"),
    *(
        kind("what happened", hint="what to do")
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, SynthlakeError)
        and kind not in (QueryError, MissingExtraError)
    ),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_between_processes(error: SynthlakeError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (back.message, back.hint, str(back)) == (error.message, error.hint, str(error))
    assert vars(back) == vars(error)


def test_a_very_long_statement_is_said_in_part_and_kept_whole() -> None:
    sql = "SELECT " + ", ".join(f'"c{n}"' for n in range(5_000))
    error = QueryError("out of memory", sql=sql)
    assert error.sql == sql
    assert len(str(error)) < 5_000
    assert "more characters" in str(error)
