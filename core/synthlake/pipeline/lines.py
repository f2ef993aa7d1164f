"""Events as lines of text, for logs and for terminals that cannot redraw."""

from __future__ import annotations

import time
from collections.abc import Callable

from synthlake.ports import Event

_EVERY_S = 5.0  # between lines of one step


class Lines:
    """A line when a step begins or ends, and now and then in between.

    Args:
        say: called with each line.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.step, self.said = "", 0.0

    def __call__(self, event: Event) -> None:
        """Tell an event, unless the step said something a moment ago."""
        now = time.monotonic()
        ended = bool(event.total) and event.done >= event.total
        if event.step == self.step and not ended and now - self.said < _EVERY_S:
            return
        self.step, self.said = event.step, now
        count = f" {event.done:,}/{event.total:,}" if event.total else ""
        self.say(f"{event.step}:{count} {event.message}".rstrip())
