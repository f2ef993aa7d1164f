"""The spec that `synthlake init` proposes for a source."""

from __future__ import annotations


def propose(source: str, sink: str = "parquet://twin") -> str:
    """A spec in YAML that says all that can be inferred, with counts as evidence.

    Privacy: the evidence holds counts and rates, never a cell's value.

    Raises:
        SourceError: the source cannot be read.
    """
    from synthlake.schema.draft import render
    from synthlake.schema.infer import infer
    from synthlake.source import open_source

    return render(infer(open_source(source)), source, sink)
