"""Progress: bars on a terminal, lines elsewhere, and only now and then."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress

from synthlake.cli.progress import Bars
from synthlake.pipeline.lines import Lines
from synthlake.ports import Event


def test_lines_tell_begin_and_end_of_a_step() -> None:
    out = io.StringIO()
    lines = Lines(Console(file=out, markup=False, highlight=False).print)
    lines(Event("schema", "reading [bold]tables"))
    for done in range(1001):
        lines(Event("sample", "rows made", done, 1000))
    lines(Event("evaluate", "KS"))
    assert out.getvalue().splitlines() == [
        "schema: reading [bold]tables",
        "sample: 0/1,000 rows made",
        "sample: 1,000/1,000 rows made",
        "evaluate: KS",
    ]


def test_a_bar_a_step() -> None:
    with Progress(console=Console(file=io.StringIO())) as shown:
        bars = Bars(shown)
        bars(Event("fit", "learning", 1, 4))
        bars(Event("sample", "rows", 5, 10))
        first, second = shown.tasks
        assert (first.completed, first.total) == (4, 4)
        assert (second.completed, second.total) == (5, 10)
        bars(Event("draw", "no total"))
        assert shown.tasks[1].finished
