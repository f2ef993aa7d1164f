"""Modules that are imported when they are first used, as most runs use none of them.

``if TYPE_CHECKING: from sqlglot import exp`` and ``else: exp = late("sqlglot.expressions")`` give a
file the name as ever; what makes rows starts without SQL, documents and all that learns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class LateModule(ModuleType):
    """Stands for a module until something is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # who looks a module over must not load it
            raise AttributeError(name)
        found = getattr(import_module(self.__name__), name)
        setattr(self, name, found)
        return found


def late(name: str) -> Any:
    """A module by its whole name, imported at the first use of what it holds.

    Raises:
        ImportError: then, if there is none.
    """
    return LateModule(name)


def late_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package (PEP 562) whose names are imported when they are asked for.

    Args:
        package: its name.
        homes: where each name lives, below the package: ``module`` for what has the same name
            there, ``module:other`` for another one, ``module:`` for the module itself.
    """

    def found(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, renamed, own = homes[name].partition(":")
        held = import_module(f"{package}.{module}")
        return held if renamed and not own else getattr(held, own or name)

    return found
