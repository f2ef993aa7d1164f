"""What SageMaker's own service model allows: patterns, enumerations, lengths, names of fields.

Source: the model that botocore ships. Stand-ins such as moto, and the SDK, accept anything; the
service refuses it when the job is created.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from synthlake.api import errors, nearest


def check(shape: str, value: Any, where: str) -> None:
    """Refuse a value that SageMaker would refuse.

    Args:
        shape: its name in the service model, such as ``InputDataConfig``.
        value: plain Python, as boto3 takes it.
        where: what to call it in messages.

    Raises:
        SpecError: it is not of that shape.
        MissingExtraError: botocore is not installed.
    """
    _check(_model().shape_for(shape), value, where)


@lru_cache(maxsize=1)
def _model() -> Any:
    try:
        import botocore.session
    except ImportError as error:
        raise errors.MissingExtraError("botocore", "sagemaker") from error
    return botocore.session.get_session().get_service_model("sagemaker")


def _check(shape: Any, value: Any, where: str) -> None:
    kinds: dict[str, type] = {
        "structure": dict,
        "list": list,
        "string": str,
        "integer": int,
        "long": int,
        "boolean": bool,
    }
    wanted = kinds.get(shape.type_name)
    wrong = isinstance(value, bool) != (wanted is bool)  # to Python, True is a number too
    if wanted is not None and (wrong or not isinstance(value, wanted)):
        raise errors.SpecError(f"{where} is no {shape.type_name}", hint=f"see {shape.name}")
    if shape.type_name == "structure":
        _check_structure(shape, value, where)
    elif shape.type_name == "list":
        _check_list(shape, value, where)
    elif shape.type_name == "string":
        _check_string(shape, value, where)


def _check_structure(shape: Any, value: dict[str, Any], where: str) -> None:
    for name in shape.required_members:
        if name not in value:
            raise errors.SpecError(f"{where} has no {name}", hint=f"{shape.name} needs it")
    for name, member in value.items():
        if name not in shape.members:
            raise errors.SpecError(
                f"{where} has an unknown {name!r}", hint=nearest(name, shape.members)
            )
        _check(shape.members[name], member, f"{where}.{name}")


def _check_list(shape: Any, value: list[Any], where: str) -> None:
    _check_length(shape, len(value), where, "entries")
    for number, member in enumerate(value):
        _check(shape.member, member, f"{where}[{number}]")


def _check_string(shape: Any, value: str, where: str) -> None:
    _check_length(shape, len(value), where, "characters")
    if shape.enum and value not in shape.enum:
        raise errors.SpecError(
            f"{where} is {value!r}, which is none of {', '.join(shape.enum)}",
            hint=nearest(value, shape.enum),
        )
    pattern = shape.metadata.get("pattern")
    if pattern and re.fullmatch(pattern, value) is None:
        raise errors.SpecError(
            f"{where} is {value!r}, which SageMaker refuses", hint=f"it has to match {pattern}"
        )


def _check_length(shape: Any, length: int, where: str, what: str) -> None:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if length < least or (most is not None and length > most):
        raise errors.SpecError(
            f"{where} has {length} {what}", hint=f"SageMaker takes {least} to {most or 'any'}"
        )
