"""How much is to be made, and what is known of tables, as options say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthlake.errors import SpecError


def rows_of(given: Sequence[str]) -> dict[str, int]:
    """Rows by root table, of ``TABLE=N``.

    Raises:
        SpecError: an option is not of this form.
    """
    found = {}
    for text in given:
        table, mark, number = text.rpartition("=")
        if not (mark and table and number.isdecimal()):
            raise SpecError(f"--rows {text!r} is not TABLE=N", hint="such as --rows planes=5000")
        found[table] = int(number)
    return found


def scale_of(given: Sequence[str]) -> float | dict[str, float]:
    """A factor for all roots, of ``N``; or factors by root table, of ``TABLE=N``.

    Raises:
        SpecError: an option is of neither form, or one for all stands beside others.
    """
    found: dict[str, float] = {}
    for text in given:
        table, mark, number = text.rpartition("=")
        factor = _number(number)
        if factor is None or (mark and not table):
            raise SpecError(
                f"--scale {text!r} is neither a number nor TABLE=N",
                hint="such as --scale 2, or --scale planes=2",
            )
        found[table] = factor
    if "" not in found:
        return found or 1.0
    if len(given) > 1:
        raise SpecError(
            "--scale is given for all roots and once more",
            hint="give one number, or TABLE=N for each root",
        )
    return found[""]


def known_of(given: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """What intruders know, of ``TABLE=COLUMN,COLUMN``.

    Raises:
        SpecError: an option is not of this form.
    """
    found = []
    for text in given:
        table, mark, columns = text.partition("=")
        names = [name.strip() for name in columns.split(",") if name.strip()]
        if not (mark and table and names):
            raise SpecError(
                f"--known {text!r} is not TABLE=COLUMN,COLUMN",
                hint="such as --known people=age,sex,city",
            )
        found.append({"table": table, "known": names})
    return tuple(found)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
