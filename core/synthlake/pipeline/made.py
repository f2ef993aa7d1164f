"""What a plan says of columns that are not learned as they are."""

from __future__ import annotations

from synthlake.schema.model import Column, Schema


def made_notes(schema: Schema) -> list[str]:
    """Which columns are made and which are left empty, by name."""
    personal = [f"{name} ({c.kind})" for name, c in _learned(schema) if c.role == "personal"]
    empty = [
        f"{t.name}.{c.name}" for t in schema for c in t.columns
        if not (t.keep or t.skip) and c.role == "text" and c.action == "null"
    ]  # fmt: skip
    notes = []
    if personal:
        notes.append(f"personal data, made and never learned: {', '.join(personal)}")
    if empty:
        notes.append(f"text that is written as NULL: {', '.join(empty)}")
    return notes


def _learned(schema: Schema) -> list[tuple[str, Column]]:
    return [
        (f"{t.name}.{c.name}", c) for t in schema if not (t.keep or t.skip) for c in t.columns
        if c.action == "learn" and c.kind is not None
    ]  # fmt: skip
