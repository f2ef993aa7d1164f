"""An operator that works in the worker's own process."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from synthlake_airflow.links import ReportLink, RunLink
from synthlake_airflow.task import airflow_errors

IfFailed = Literal["fail", "continue"]
_TERMINATED = 143  # what a shell says of a process that was terminated


class LocalOperator(BaseOperator):
    """Works in the worker; a stopped task goes on where it was at the next try.

    Args:
        deferrable: not possible: the triggerer is one event loop for all tasks, and the worker is
            gone once a task defers.
        given: what every operator of Airflow takes.

    Raises:
        SpecError: ``deferrable`` is set.
    """

    template_ext: ClassVar[tuple[str, ...]] = ()  # else paths that end in it are read as templates
    operator_extra_links = (ReportLink(), RunLink())

    def __init__(self, *, deferrable: bool = False, **given: Any) -> None:
        if deferrable:
            from synthlake.api import errors

            raise errors.SpecError(
                f"{type(self).__name__} cannot defer: it works in the worker",
                hint="leave deferrable out; SynthlakeRunSensor waits for runs without a worker",
            )
        super().__init__(**given)
        self.links: dict[str, str] = {}
        self._stopped = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """Errors as those of Airflow, and a stopped task as one that may be tried again.

        Raises:
            AirflowFailException: the same call will fail again.
            AirflowException: another try may succeed.
            SystemExit: the task was stopped.
        """
        try:
            with airflow_errors():
                yield
        except Exception:
            if self._stopped:  # the interrupted engine tells it in its own words
                raise SystemExit(_TERMINATED) from None
            raise

    def on_kill(self) -> None:
        """Stop the processes of the run and the run itself; its finished steps stay.

        Raises:
            SystemExit: in the midst of the work, which ends by it.
        """
        self._stopped = True
        for child in multiprocessing.active_children():
            child.terminate()
        self.log.info("stopped; the next try goes on where this one was")
        if sys.exc_info()[0] is None:  # a timeout is on its way out already
            raise SystemExit(_TERMINATED)


def checked(name: str, value: str, known: tuple[str, ...]) -> Any:
    """A value that is one of a few words.

    Raises:
        SpecError: it is not.
    """
    if value not in known:
        from synthlake.api import errors

        raise errors.SpecError(f"{name} cannot be {value!r}", hint=f"it is {' or '.join(known)}")
    return value
