"""What differs between SQL engines, one file a dialect in ``sql/dialects``.

Everything else that Synthlake emits is standard SQL. Transpiling these is silently wrong, so they
are written by hand.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType, ModuleType
from typing import Any, Protocol, cast

import pyarrow as pa
from sqlglot import exp

from synthlake.errors import SourceError


class KeyPrimitives(Protocol):
    """What keys are written, hashed and compared with."""

    def key_text(self, value: str, type: pa.DataType) -> str:
        """Canonical text of a value that may stand in a key; NULL for NULL."""

    def float_text(self, value: str) -> str:
        """A text that equal floats share in every engine, by exact operations alone."""

    def octets(self, text: str) -> str:
        """Number of bytes of a text in UTF-8, as text."""

    def hashed(self, text: str) -> str:
        """The first 15 hex digits of the SHA-256 of a text, as a bigint."""

    def every(self, values: Sequence[str], write: Callable[[str], str]) -> str:
        """The texts of many values of one kind, one after another; ``write`` gives each."""

    def comparable(self, value: str, type: pa.DataType) -> str:
        """The same value in a form in which columns of like types can be compared and united."""

    def converted(self, value: str, type: pa.DataType) -> str:
        """The value as another type, NULL where it cannot be.

        Engines differ in what they make of a text, so that its form decides (``FORMS``).
        """


class Primitives(KeyPrimitives, Protocol):
    """Expressions from expressions; values go in and come out as SQL text.

    Conforms: every file in ``dialects``; it holds one as ``PRIMITIVES``.
    """

    def learnable(self, value: str, type: pa.DataType) -> str:
        """The value as it is learned: text plain, -0.0 as 0.0, durations as numbers."""

    def finite(self, value: str) -> str:
        """A float, NULL unless it is finite."""

    def is_special(self, value: str, special: str) -> str:
        """Whether a float is ``nan``, ``inf`` or ``-inf``."""

    def decimals(self, value: str, type: pa.DataType) -> str:
        """The fewest decimals that write a finite float exactly: 0 to 9, or 10 for more."""

    def shape(self, text: str) -> str:
        """Digits as 9, letters as A and a, what is beyond ASCII as ``*``."""

    def beginning(self, text: str, characters: int) -> str:
        """The first so many characters (code points) of a text."""

    def quotient(self, dividend: str, divisor: str) -> str:
        """Integer division of numbers that are not negative."""

    def materialise(self, name: str, select: str) -> str:
        """The statement that stores a result under a quoted name for this session."""

    def discard(self, name: str) -> str:
        """The statement that drops what ``materialise`` stored."""


FORMS: Mapping[str, str] = MappingProxyType(
    {
        "integer": r"^[+-]?[0-9]{1,40}(\.0+)?$",
        "decimal": r"^[+-]?[0-9]{1,40}(\.[0-9]{1,40})?$",
        "date": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])( 00:00:00)?$",
        "timestamp": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?)?$",
    }
)
"""By kind, what a value's text must match to be ``converted`` to it; without ``'`` and ``\\d``."""


def primitives(dialect: str) -> Primitives:
    """The primitives of a dialect.

    Raises:
        SourceError: there are none.
    """
    return cast(Primitives, _dialect(dialect).PRIMITIVES)


def functions(dialect: str) -> Mapping[str, tuple[int, Callable[..., Any]]]:
    """Functions that a session must register: by name the number of arguments and the function.

    Raises:
        SourceError: there are no primitives of the dialect.
    """
    found: Mapping[str, tuple[int, Callable[..., Any]]]
    found = getattr(_dialect(dialect), "FUNCTIONS", {})
    return found


def _dialect(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"synthlake.sql.dialects.{name}")
    except ModuleNotFoundError:
        raise SourceError(
            f"no SQL is written for the dialect {name!r}",
            hint="copy the tables to Parquet or DuckDB and open those",
        ) from None


@lru_cache(maxsize=4096)
def quoted(dialect: str, name: str) -> str:
    """A name as an identifier that keeps its case and every character."""
    return str(exp.to_identifier(name, quoted=True).sql(dialect=dialect))


_CHAIN = 100  # operands in a row


def chained(texts: Sequence[str]) -> str:
    """All texts as one; many in parts, as engines limit how deep an expression is."""
    parts = [" || ".join(texts[at : at + _CHAIN]) for at in range(0, len(texts), _CHAIN)]
    return parts[0] if len(parts) == 1 else " || ".join(f"({part})" for part in parts)


def bigint(value: str) -> str:
    """A sum of integers, which some engines widen, as 64 bits."""
    return f"CAST({value} AS BIGINT)"
