"""Which synthesizers there are, and whether what a spec says of one can be so.

The settings of a synthesizer are the fields of its dataclass, all but ``name``. A whole number is
at least 1 unless its type says otherwise (``Annotated[int, Field(ge=0)]``); where the default is
None, a spec may write ``auto``.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from synthlake import plugins
from synthlake.errors import SchemaError
from synthlake.late import late
from synthlake.schema.nearest import nearest

if TYPE_CHECKING:
    import pydantic
else:
    pydantic = late("pydantic")

DEFAULT = "trees"
FORM = "trees, or a mapping such as {name: trees, min_leaf: auto}"
_SDV = "sdv."


def names() -> tuple[str, ...]:
    """Names of all synthesizers, built in and installed."""
    return tuple(plugins.synthesizers())


def class_of(name: str) -> type[Any]:
    """The class of a synthesizer: its settings, and how it learns.

    Raises:
        SchemaError: there is none of that name, or what is installed under it is no dataclass.
        MissingExtraError: the plugin's dependencies are not installed.
    """
    entry = plugins.synthesizer(name)
    if entry is None:
        raise SchemaError(f"there is no synthesizer {name!r}", hint=_way_out(name))
    found = entry.load()
    if not (isinstance(found, type) and is_dataclass(found) and hasattr(found, "fit")):
        raise SchemaError(
            f"the synthesizer {name!r} of {entry.value} is not a dataclass with `fit`",
            hint="register a frozen dataclass that conforms to synthlake.api.ports.Synthesizer",
        )
    return found


def _way_out(name: str) -> str:
    if name.startswith(_SDV):
        return (
            "a model of SDV is stored as a pickle, which no artifact holds: for a twin by SDV to "
            "compare with, use synthlake_connectors.sdv.twin (pip install 'synthlake[sdv]')"
        )
    return nearest(name, names())


def parse(given: Mapping[str, Any] | str) -> dict[str, Any]:
    """Name and settings as a table holds them, checked; ``auto`` stays as it is written.

    Raises:
        SchemaError: there is no such synthesizer, or it has no such setting or value.
    """
    asked = {"name": given} if isinstance(given, str) else dict(given)
    name = asked.pop("name", DEFAULT)
    if not isinstance(name, str):
        raise SchemaError("the name of a synthesizer is not text", hint=FORM)
    form = form_of(name)
    for key in asked:
        if key not in form.model_fields:
            hint = nearest(str(key), form.model_fields)
            raise SchemaError(f"{key} is not a setting of {name}", hint=hint)
    try:
        form.model_validate(asked)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        key = str(problem["loc"][0])
        said = f"{problem['msg'][:1].lower()}{problem['msg'][1:]}"
        raise SchemaError(f"{key} of {name}: {said}", hint=_hint(form, key)) from None
    return {"name": name, **{key: value for key, value in asked.items() if value is not None}}


def build(given: Mapping[str, Any]) -> Any:
    """The synthesizer of a name and settings.

    Raises:
        SchemaError: as ``parse``.
    """
    held = parse(given)
    made = class_of(held.pop("name"))
    return made(**{key: value for key, value in held.items() if value != "auto"})


def form_of(name: str) -> type[pydantic.BaseModel]:
    """A model of a synthesizer's settings.

    Raises:
        SchemaError: as ``class_of``.
    """
    return _form(class_of(name), name)


_FORMS: dict[tuple[type[Any], str], type[pydantic.BaseModel]] = {}


def _form(made: type[Any], name: str) -> type[pydantic.BaseModel]:
    if (made, name) in _FORMS:
        return _FORMS[made, name]
    hints = get_type_hints(made, include_extras=True)
    held = {f.name: _setting(f, hints[f.name]) for f in fields(made) if f.init and f.name != "name"}
    title = "".join(part.capitalize() for part in name.replace(".", "_").split("_"))
    config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    documented = (made.__doc__ or "").strip().partition("\n")[0]
    model: type[pydantic.BaseModel] = pydantic.create_model(
        f"{title}Settings", __config__=config, __doc__=documented, **held
    )
    return _FORMS.setdefault((made, name), model)


def _setting(field: Field[Any], hint: Any) -> Any:
    """Type and default of one setting, as pydantic takes them."""
    default = field.default
    if default is MISSING:
        default = field.default_factory() if field.default_factory is not MISSING else ...
    wanted = _bounded(hint)
    if default is None:
        wanted = Union[Literal["auto"], wanted]  # noqa: UP007 - types are values here
    return wanted, default


def _bounded(hint: Any) -> Any:
    """The type with whole numbers from 1 and tuples that may be written as lists."""
    if hint is int:
        return Annotated[int, pydantic.Field(ge=1)]
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_bounded(part) for part in get_args(hint))]  # noqa: UP007
    if get_origin(hint) is tuple:
        return Annotated[hint, pydantic.Field(strict=False)]
    return hint


def _hint(form: type[pydantic.BaseModel], key: str) -> str:
    """What a setting may be, from the JSON schema that documents it."""
    held = form.model_json_schema()["properties"].get(key, {})
    parts = [_said(part) for part in held.get("anyOf", [held])]
    return f"{key} is " + " or ".join(part for part in parts if part)


def _said(part: Mapping[str, Any]) -> str:
    if "const" in part or "enum" in part:
        return " or ".join(str(value) for value in part.get("enum", [part.get("const")]))
    kinds = {"integer": "a whole number", "number": "a number", "boolean": "true or false",
             "string": "a text", "array": "a list"}  # fmt: skip
    said = kinds.get(str(part.get("type")), "")
    low = part.get("minimum", part.get("exclusiveMinimum"))
    return f"{said} {'from' if 'minimum' in part else 'above'} {low}" if low is not None else said


def json_schema() -> dict[str, Any]:
    """JSON schema of name and settings: one branch for each that is built in, one for others."""
    branches: list[dict[str, Any]] = []
    for name in plugins.BUILT_IN:
        held = form_of(name).model_json_schema()
        properties = {"name": {"const": name}, **held["properties"]}
        branch = {"type": "object", "properties": properties, "additionalProperties": False,
                  "title": name, "description": held.get("description", "")}  # fmt: skip
        branches.append(branch if name == DEFAULT else {**branch, "required": ["name"]})
    other = {"type": "string", "not": {"enum": list(plugins.BUILT_IN)}}
    branches.append({
        "type": "object", "properties": {"name": other}, "required": ["name"],
        "title": "installed", "description": "A synthesizer that a plugin brings.",
    })  # fmt: skip
    return {"title": "SynthesizerDocument", "anyOf": branches,
            "description": "Name and settings of a table's synthesizer."}  # fmt: skip
