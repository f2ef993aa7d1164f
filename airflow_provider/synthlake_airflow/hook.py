"""Airflow connections as addresses of sources and sinks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

if TYPE_CHECKING:
    from synthlake.api import Source

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg",
            "sqlite": "sqlite"}  # fmt: skip
_OURS = ("driver", "path", "schema_name", "options", "cursor")  # not for the driver
_FILES = ("duckdb", "sqlite")  # their URLs have no server: a third slash, as in SQLAlchemy


class SynthlakeHook(BaseHook):
    """A connection of the type ``synthlake``, ``postgres`` or ``sqlite`` as an address.

    Args:
        synthlake_conn_id: of the connection. One of the type ``synthlake`` names the ``driver``
            (the scheme of the URL) and a ``path`` or a server.
        logger_name: of Airflow.

    Privacy: the address holds the password. It is made where it is used, and Airflow masks the
        password in logs also where the URL quotes it.
    """

    conn_name_attr = "synthlake_conn_id"
    default_conn_name = "synthlake_default"
    conn_type = "synthlake"
    hook_name = "Synthlake"

    def __init__(
        self, synthlake_conn_id: str = default_conn_name, logger_name: str | None = None
    ) -> None:
        super().__init__(logger_name=logger_name)
        self.synthlake_conn_id = synthlake_conn_id

    def address(self) -> dict[str, Any]:
        """``{url, schema, options}``, as a spec's ``source`` and ``sink`` are.

        Raises:
            SpecError: the connection does not say where anything is.
        """
        connection = self.get_connection(self.synthlake_conn_id)
        if connection.password:
            mask_secret(quote(connection.password, safe=""))
        return address_of(connection)

    def get_conn(self) -> Source:
        """The data at the address.

        Raises:
            SourceError: it cannot be opened.
        """
        from synthlake import api

        return api.open(self.address())

    def test_connection(self) -> tuple[bool, str]:
        """Whether the data can be opened, and what was found."""
        from synthlake.api import errors

        try:
            tables = len(self.get_conn().schema().tables)
        except errors.SynthlakeError as error:
            return False, str(error)
        return True, f"{tables} tables"


def address_of(connection: Any) -> dict[str, Any]:
    """The address of a connection, without asking Airflow for anything.

    Raises:
        SpecError: the connection does not say where anything is.
    """
    extra = _extra(connection)
    driver = extra.get("driver") or _DRIVERS.get(connection.conn_type or "")
    if not driver:
        raise _unclear(connection, "has no driver", "name one, such as postgresql+psycopg")
    path = extra.get("path") or (connection.host if driver in _FILES else None)
    if path:
        url = f"{driver}://{'/' if driver in _FILES else ''}{path}"
    elif connection.host:
        url = f"{driver}://{_server(connection)}"
        url += _asked(extra, connection)
    else:
        raise _unclear(connection, "names no path and no host", "fill one of them in")
    held = {"url": url, "schema": extra.get("schema_name"), "options": _options(extra, connection)}
    return {key: value for key, value in held.items() if value}


def _server(connection: Any) -> str:
    user = quote(connection.login or "", safe="")
    if connection.password:
        user += ":" + quote(connection.password, safe="")
    port = f":{connection.port}" if connection.port else ""
    database = f"/{quote(connection.schema, safe='')}" if connection.schema else ""
    host = "" if _is_socket(connection) else connection.host
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"  # an IPv6 address
    return f"{user}{'@' if user else ''}{host}{port}{database}"


def _is_socket(connection: Any) -> bool:
    return str(connection.host).startswith("/")


def _asked(extra: Mapping[str, Any], connection: Any) -> str:
    """What a connection asks of its driver besides, such as ``sslmode``, as a query."""
    asked = {k: v for k, v in extra.items() if k not in _OURS and not isinstance(v, Mapping | list)}
    if isinstance(extra.get("options"), str) and connection.conn_type in _DRIVERS:
        asked["options"] = extra["options"]
    if _is_socket(connection):
        asked["host"] = connection.host
    pairs = {k: int(v) if isinstance(v, bool) else v for k, v in asked.items() if v is not None}
    return f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""


def _extra(connection: Any) -> dict[str, Any]:
    return _mapping(connection.extra or "{}", connection)


def _options(extra: Mapping[str, Any], connection: Any) -> dict[str, Any]:
    held = extra.get("options")
    if isinstance(held, str) and connection.conn_type in _DRIVERS:
        return {}  # those of libpq, as Airflow's own hook reads them
    return _mapping(held or {}, connection)


def _mapping(given: Any, connection: Any) -> dict[str, Any]:
    try:
        held = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        held = None
    if not isinstance(held, Mapping):
        raise _unclear(connection, "has an extra that is not a mapping in JSON", "correct it")
    return dict(held)


def _unclear(connection: Any, what: str, hint: str) -> Exception:
    from synthlake.api import errors

    return errors.SpecError(f"the connection {connection.conn_id} {what}", hint=hint)
