"""The target of a dbt profile as an address of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from synthlake.api import errors

_OF_LIBPQ = ("sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout")


def url_of(adapter: str, credentials: Mapping[str, Any]) -> str:
    """The URL of a warehouse.

    Args:
        adapter: type of the target.
        credentials: of the target, as dbt resolved them.

    Privacy: it holds the password, which a spec masks wherever it is shown or stored.

    Raises:
        SpecError: the target is none that Synthlake reaches.
    """
    if adapter == "duckdb":
        return _duckdb(credentials)
    if adapter == "postgres":
        return _postgres(credentials)
    raise errors.SpecError(
        f"the target is of the type {adapter}, which Synthlake does not reach from dbt",
        hint="there are duckdb and postgres; name another target by --target",
    )


def _duckdb(held: Mapping[str, Any]) -> str:
    path = str(held.get("path", ":memory:"))
    if path == ":memory:":
        raise errors.SpecError(
            "the target is a DuckDB database in memory, which ends with dbt's process",
            hint="give the target a `path:`",
        )
    if "://" in path or path.startswith(("md:", "motherduck:")):
        raise errors.SpecError(
            "the target is a DuckDB database on a service, which Synthlake does not reach",
            hint="give the target the `path:` of a file",
        )
    return f"duckdb:///{Path(path).expanduser().absolute()}"


def _postgres(held: Mapping[str, Any]) -> str:
    options = {name: str(held[name]) for name in _OF_LIBPQ if held.get(name) is not None}
    if held.get("role"):
        options["options"] = f"-crole={_escaped(str(held['role']))}"
    user = f"{_quoted(held['user'])}:{_quoted(held['password'])}"
    host = str(held["host"])
    if host.startswith(("/", "@")):  # the folder of a socket, which is no host of a URL
        options["host"], host = host, ""
    address = f"{_host(host)}:{held['port']}/{_quoted(held['database'])}"
    query = f"?{urlencode(options)}" if options else ""
    return f"postgresql+psycopg://{user}@{address}{query}"


def _quoted(text: Any) -> str:
    return quote(str(text), safe="")


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
