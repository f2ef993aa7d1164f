"""The JSON schema of the spec, for editors: ``python -m synthlake.pipeline.spec_schema FILE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from synthlake.pipeline.spec import SynthesisSpec
from synthlake.schema.document import SchemaDocument

_TITLE = "A Synthlake spec"
_SHORT = {
    "source": "SourceSpec",
    "sink": "SinkSpec",
    "synthesizer": "SynthesizerDocument",
}  # may be a text or a mapping


def spec_schema() -> dict[str, Any]:
    """JSON schema of the spec, its tables' entries included."""
    spec = SynthesisSpec.model_json_schema(by_alias=True)
    tables = SchemaDocument.model_json_schema()
    definitions = {**tables["$defs"], **spec["$defs"]}
    properties = dict(spec["properties"])
    for key, name in _SHORT.items():
        properties[key] = _or_text(properties[key], name)
    properties["tables"] = {**properties["tables"], **tables["properties"]["tables"]}
    reference = definitions["TableDocument"]["properties"]["synthesizer"]
    definitions["TableDocument"]["properties"]["synthesizer"] = _or_text(
        reference, "SynthesizerDocument"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **spec,
        "title": _TITLE,
        "properties": properties,
        "$defs": definitions,
    }


def text() -> str:
    """The schema as it stands in docs/spec.schema.json."""
    return json.dumps(spec_schema(), indent=2, sort_keys=True) + "\n"


def _or_text(held: dict[str, Any], name: str) -> dict[str, Any]:
    rest = {k: v for k, v in held.items() if k not in ("$ref", "anyOf", "default")}
    return {**rest, "anyOf": [{"type": "string"}, {"$ref": f"#/$defs/{name}"}]}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
