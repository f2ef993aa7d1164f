"""Keeps secrets out of DAGs: Airflow stores and shows what a DAG says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{[^}]*\}|\{\{.*?\}\}", re.DOTALL)  # looked up, or rendered, later
_SUSPECT = re.compile(r"[@?;&]")  # without one of them, a URL has no room for a secret
_MASK = "***"


def refuse_secrets(**places: Any) -> None:
    """See to it that addresses in a DAG name their secrets and do not hold them.

    Args:
        places: URLs, or ``{url, schema, options}``, by the name of the argument; ``source_conn_id``
            has to be an argument where ``source`` is.

    Raises:
        SpecError: one holds a password; the message does not.
    """
    for name, held in places.items():
        if _holds_secret(held):
            from synthlake.api import errors

            raise errors.SpecError(
                f"{name}: the DAG holds a secret, which Airflow would store and show",
                hint=f"{_way_out(name)}, or env:NAME or ${{env:NAME}} in its place",
            )


def refuse_secrets_of_spec(spec: Any) -> None:
    """The same for a spec, if it stands in the DAG.

    Raises:
        SpecError: its source or sink holds a password; the message does not.
    """
    if isinstance(spec, Mapping):
        refuse_secrets(source=spec.get("source"), sink=spec.get("sink"))


def _way_out(name: str) -> str:
    argument = {"out": "sink"}.get(name, name)
    return "use a path" if name == "holdout" else f"use {argument}_conn_id"


def _holds_secret(held: Any) -> bool:
    options: Any = None
    if isinstance(held, Mapping):
        held, options = held.get("url"), held.get("options")
    text = _REFERENCE.sub(_MASK, held) if isinstance(held, str) else ""
    shown = options if isinstance(options, Mapping) else {}
    if not shown and not ("://" in text and _SUSPECT.search(text)):
        return False  # so that reading a DAG loads nothing of core
    from synthlake import api

    given = {key: None if _is_template(value) else value for key, value in shown.items()}
    return api.mask(text) != text or api.mask_all(given) != given


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and bool(_REFERENCE.fullmatch(value.strip()))
