"""Whether ids lie in the tables that types name, and what is then inferred of a source."""

from __future__ import annotations

from dataclasses import replace

from synthlake.errors import SchemaError
from synthlake.ports import Source
from synthlake.schema.flattening import flatten
from synthlake.schema.infer import Inference, infer
from synthlake.schema.pairs import Pair, declaring, named_pairs
from synthlake.schema.probe import Inclusion, Probe
from synthlake.schema.references import MIN_INCLUDED
from synthlake.source.flattened import flattened


def with_pairs(source: Source, inference: Inference) -> tuple[Source, Inference]:
    """A source and what is inferred of it, with the polymorphic references that it shows.

    Taken are columns ``X_type`` and ``X_id`` of which every type of ten rows or more is the name of
    a table, whose key has three quarters of the type's ids or more.

    Returns:
        The source with flat columns, and its inference; both as they were where there are none.

    Privacy: evidence holds counts; a type is declared only if it is the name of a table.
    Cost: one join a target, and the inference a second time.
    """
    pairs, said = list[Pair](), dict[str, str]()
    for pair in named_pairs(source, inference.schema):
        evidence = _evidence(source, inference, pair)
        if evidence:
            pairs.append(pair)
            said[pair.path] = evidence
    if not pairs:
        return source, inference
    flat = flatten(declaring(inference.schema, pairs), source.schema())
    read = flattened(source, flat.schema)
    try:
        found = infer(read, flat.document)
    except SchemaError:  # as where they would close a cycle that nothing else breaks
        return source, inference
    return read, replace(found, evidence={**found.evidence, **said})


def _evidence(source: Source, inference: Inference, pair: Pair) -> str:
    """How many ids lie in the tables that their types name; empty where too few do."""
    flat = flatten(declaring(inference.schema, [pair]), source.schema())
    probe, read = Probe(flattened(source, flat.schema).engine()), flat.schema[pair.table]
    entry = flat.document.tables[pair.table]
    keys = [fk.resolved(pair.table, inference.schema) for fk in entry.foreign_keys or ()]
    parts = {part for held in read.polymorphic for part in held.parts}
    found = [
        probe.inclusion(read, inference.schema[fk.references], fk)
        for fk in keys
        if {*fk.columns} <= parts
    ]
    if not all(held.share >= MIN_INCLUDED for held in found):
        return ""
    return f"all {len(found)} types name tables: {'; '.join(map(_said, found))}"


def _said(held: Inclusion) -> str:
    return f"{held.found} of {held.keys} distinct keys are there"
