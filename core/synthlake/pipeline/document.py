"""Reads a spec's text and remembers on which line each of its keys stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthlake.errors import SpecError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """Plain values, with the lines that they came from.

    Attributes:
        values: dicts, lists and scalars.
        name: of the file, for messages; empty for values given in Python.
        lines: line (from 1) by path of keys and list positions.
    """

    values: dict[str, Any]
    name: str = ""
    lines: Mapping[Location, int] = field(default_factory=dict)

    def where(self, location: Location) -> str:
        """A path of keys as text, such as ``fit.max_rows (synthlake.yml, line 7)``."""
        path = ".".join(str(part) for part in location) or "the spec"
        known = location
        while known and known not in self.lines:
            known = known[:-1]
        place = self._place(self.lines.get(known))
        return f"{path} ({place})" if place else path

    def place(self, message: str) -> str:
        """File and line of the path of keys that a message starts with; empty if unknown."""
        named = [path for path in self.lines if message.startswith(_dotted(path))]
        return self._place(self.lines[max(named, key=len)] if named else None)

    def _place(self, line: int | None) -> str:
        places = [self.name] if self.name else []
        return ", ".join(places + ([f"line {line}"] if line else []))


def read(given: str | Path | Mapping[str, Any]) -> Document:
    """A spec from a file of YAML or JSON, or from a mapping.

    Raises:
        SpecError: there is no such file, or it is not a mapping in YAML or JSON.
    """
    if isinstance(given, Mapping):
        return Document(_plain(given))
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SpecError(
            f"there is no spec at {path}", hint="write one with `synthlake init SOURCE`"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SpecError(f"{path} cannot be read: {reason}", hint="name a file of YAML") from error
    return parse(text, path.name)


def parse(text: str, name: str = "") -> Document:
    """A spec from text; JSON is YAML too.

    Raises:
        SpecError: the text is not a mapping in YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        held = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        # the parser repeats the values of a duplicate key, which may be secret
        said = str(error.problem or "not YAML").split(" with value ")[0]
        raise SpecError(
            f"{name or 'the spec'}{line}: {said}",
            hint="check indentation, quotes and colons on that line",
        ) from None
    except (YAMLError, ValueError) as error:
        raise SpecError(f"{name or 'the spec'} is not YAML", hint="check its syntax") from error
    if not isinstance(held, Mapping):
        raise SpecError(
            f"{name or 'the spec'} is not a mapping of keys",
            hint="a spec starts with `version: 1` and names its `source:`",
        )
    lines: dict[Location, int] = {}
    _collect(held, (), lines)
    return Document(_plain(held), name, lines)


def _dotted(path: Location) -> str:
    return ".".join(str(part) for part in path)


def _collect(value: Any, path: Location, lines: dict[Location, int]) -> None:
    marks = getattr(value, "lc", None)
    if marks is None or marks.data is None:
        return
    keys = list(value) if isinstance(value, Mapping) else range(len(value))
    for key in keys:
        if key in marks.data:
            lines[(*path, key)] = marks.data[key][0] + 1
        _collect(value[key], (*path, key), lines)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    # ruamel keeps the layout of scalars in subclasses
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def to_json(values: Mapping[str, Any]) -> str:
    """Values as JSON with sorted keys, for a file that a person may read."""
    return json.dumps(values, indent=2, sort_keys=True, default=str) + "\n"
