"""The spec that `synthlake init` writes: the inference, with its evidence as comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from synthlake.schema.file import dump_polymorphic
from synthlake.schema.infer import Inference
from synthlake.schema.model import Column, ForeignKey, Table

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_PLAIN_URL = re.compile(r"^[A-Za-z_./][A-Za-z0-9_./:-]*(?<!:)$")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_COMMENT_AT = 56
_FEW_ROWS = 100  # ten values of ten rows
_MANY_CHILDREN, _REFERENCE_ROWS = 100, 5_000

_HEAD = """\
# Written by `synthlake init`. Every line is a guess by the counts beside it: sign it off or change
# it; what you delete is inferred again. `synthlake plan` says what would happen, `run` does it.
"""
_TAIL = """\
synthesizer: trees # for every table that does not say
holdout: {share: 0.1} # of root entities, never learned from: gives the report its ceiling
scale: 1.0 # of the source's roots
seed: 7
evaluate: {tier: standard}
"""


@dataclass(frozen=True)
class Suggestions:
    """Constraints that a user may accept by taking the `#` away.

    Attributes:
        lines: each in YAML, and its evidence.
        evidence: of all of them.
    """

    lines: Sequence[tuple[str, str]]
    evidence: str


def render(
    inference: Inference, source_url: str, sink_url: str = "parquet://twin",
    suggested: Mapping[str, Suggestions] | None = None,
) -> str:  # fmt: skip
    """A complete spec in YAML, whose `tables:` declare the whole inferred schema.

    Args:
        inference: what was found.
        source_url: of the data.
        sink_url: of the twin.
        suggested: constraints by table, written as comments.

    Privacy: comments hold counts and rates; a cell's value only if a suggestion has one.
    """
    lines = ["version: 1", f"source: {_scalar(source_url)}", f"sink: {_scalar(sink_url)}"]
    lines.append("tables:" if inference.schema.tables else "tables: {}")
    for table in inference.schema:
        lines += _table(table, inference)
        lines += _suggested((suggested or {}).get(table.name))
    return _HEAD + "\n".join(lines) + "\n" + _TAIL


def proposals(inference: Inference) -> Mapping[str, str]:
    """Why a table may be public reference data to keep, by table. Proposed, never taken."""
    found = {}
    for table in inference.schema:
        reason = "" if table.keep or table.skip else _reference_data(table, inference)
        if reason:
            found[table.name] = reason
    return found


def _reference_data(table: Table, inference: Inference) -> str:
    children = inference.schema.children(table.name)
    if not children or table.foreign_keys or any(c.role == "personal" for c in table.columns):
        return ""
    rows = inference.rows[table.name]
    most = max(inference.rows.get(child.name, 0) for child, _ in children)
    if rows < _FEW_ROWS:
        return f"{rows} rows are too few to learn"
    if rows <= _REFERENCE_ROWS and most >= _MANY_CHILDREN * rows:
        return f"{rows} rows that {most} rows of another table refer to"
    return ""


def _table(table: Table, inference: Inference) -> Iterator[str]:
    said = inference.evidence
    yield _line(f"  {_scalar(table.name)}:", said.get(table.name, ""))
    if table.skip:
        yield "    skip: true"
        return
    if table.keep:
        yield "    keep: true"
    yield from _advice(table, inference)
    key = said.get(f"{table.name}.primary_key", "")
    yield _line(f"    primary_key: {_list(table.primary_key)}", key)
    yield from _references(table, said)
    yield "    columns:"
    for column in table.written.columns:
        evidence = said.get(f"{table.name}.columns.{column.name}", "")
        yield _line(f"      {_scalar(column.name)}: {_column(column)}", evidence)
    if table.synthesizer:
        pairs = ", ".join(f"{k}: {_scalar(v)}" for k, v in table.synthesizer.items())
        yield f"    synthesizer: {{{pairs}}}"


def _suggested(found: Suggestions | None) -> Iterator[str]:
    if found is None or not (found.lines or found.evidence):
        return
    head = _line("    # constraints:", found.evidence)
    yield head if found.lines else f"    # {_comment(found.evidence)}"
    for text, evidence in found.lines:
        yield _line(f"    #   - {text}", evidence)


def _advice(table: Table, inference: Inference) -> Iterator[str]:
    rows = inference.rows.get(table.name, 0)
    reason = proposals(inference).get(table.name)
    if reason:
        yield _line("    # keep: true", f"if it is public reference data: {reason}")
    elif 0 < rows < _FEW_ROWS and not table.keep:
        yield f"    # {rows} rows are too few to learn: keep, skip, or synthesizer: independent"


def _references(table: Table, said: Mapping[str, str]) -> Iterator[str]:
    yield "    foreign_keys:" if table.references else "    foreign_keys: []"
    held = {_path(table, fk.columns) for fk in table.references}
    for fk in table.written.references:
        yield _line(f"      - {_reference(fk)}", said.get(_path(table, fk.columns), ""))
    for one in table.polymorphic:
        path = _path(table, (one.column,))
        held.add(path)
        yield _line(f"      - {flow(dump_polymorphic(one, table))}", said.get(path, ""))
    for path, reason in said.items():
        if path.startswith(f"{table.name}.foreign_keys[") and path not in held:
            yield f"      # {_comment(path.removeprefix(f'{table.name}.'))}: {_comment(reason)}"


def _path(table: Table, columns: tuple[str, ...]) -> str:
    return f"{table.name}.foreign_keys[{','.join(columns)}]"


def _reference(fk: ForeignKey) -> str:
    parts = [
        f"columns: {_list(fk.columns)}",
        f"references: {_scalar(fk.references)}",
        f"to: {_list(fk.to)}",
    ]
    parts += [f"mode: {fk.mode}"] if fk.mode else []
    return f"{{{', '.join([*parts, f'orphans: {_scalar(fk.orphans)}'])}}}"


def _column(column: Column) -> str:
    held = {key: getattr(column, key) for key in ("role", "kind", "locale", "pattern")}
    held["action"] = None if column.action == "learn" else column.action
    return f"{{{', '.join(f'{k}: {_scalar(v)}' for k, v in held.items() if v is not None)}}}"


def _list(names: tuple[str, ...]) -> str:
    return f"[{', '.join(_scalar(name) for name in names)}]"


def _line(text: str, comment: str) -> str:
    return f"{text.ljust(_COMMENT_AT)} # {_comment(comment)}" if comment else text


def _comment(text: str) -> str:
    # names may hold line breaks
    return "".join(c if c.isprintable() else "?" for c in text)


def flow(value: object) -> str:
    """Plain values as YAML in one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(k)}: {flow(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"  # SQL is full of quotes
    return _scalar(value)


def _scalar(value: object) -> str:
    text = str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return text
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    if "://" in text and _PLAIN_URL.match(text):
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
