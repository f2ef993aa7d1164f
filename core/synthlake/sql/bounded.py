"""Statements that end after a time, so that one that would run for ever holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from synthlake.ports import QueryEngine


def at_most(engine: QueryEngine, seconds: float) -> AbstractContextManager[None]:
    """Statements of an engine within are refused after a time, where the engine can end them."""
    bound = getattr(engine, "at_most", None)
    found: AbstractContextManager[None] = nullcontext() if bound is None else bound(seconds)
    return found


@contextmanager
def interrupted(interrupt: Callable[[], object], seconds: float) -> Iterator[None]:
    """Calls ``interrupt`` from another thread if what is within takes longer.

    Args:
        interrupt: ends the statement of a session that runs; does nothing where none does.
        seconds: until then.
    """
    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it no longer touches the session, which may be closed next
