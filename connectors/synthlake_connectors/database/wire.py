"""Statements over libpq, as text: several times faster than rows, and each can be interrupted."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from synthlake_connectors.database.failures import of_statement

_WAIT_S = 1.0  # after which an interrupt is heard
_CHUNK = 8 << 20


@dataclass(frozen=True)
class Field:
    """A column of a statement's result: name, type of the value (a domain's base), modifier."""

    name: str
    oid: int
    modifier: int


class Wire:
    """The connection of a session; used by one thread at a time.

    Args:
        connection: psycopg's, in autocommit, without a statement under way.
    """

    def __init__(self, connection: Any) -> None:
        import psycopg

        self._pq, self._lost = psycopg.pq, psycopg.Error
        self._connection, self._raw = connection, connection.pgconn

    def run(self, sql: str) -> None:
        """Execute statements, separated by semicolons, and pass over what they return.

        Raises:
            QueryError: one is refused.
            SourceUnavailableError: the connection is lost.
        """
        self._guarded(sql, lambda: self._raw.send_query(sql.encode()))

    def fields(self, sql: str) -> list[Field]:
        """The columns of a statement, which is not executed; none if it returns none.

        Raises:
            QueryError: it is refused.
        """
        self._guarded(sql, lambda: self._raw.send_prepare(b"", sql.encode()))
        (found,) = self._guarded(sql, lambda: self._raw.send_describe_prepared(b""))
        return [
            Field(found.fname(i).decode(), found.ftype(i), found.fmod(i))
            for i in range(found.nfields)
        ]

    def copy(self, sql: str, shown: str) -> Iterator[list[bytes]]:
        """Chunks of rows that ``COPY ... TO STDOUT`` sends.

        Args:
            sql: the statement.
            shown: the statement that errors speak of.

        Raises:
            QueryError: it is refused, at once or on the way.
        """
        self._send(shown, lambda: self._raw.send_query(sql.encode()))
        try:
            self._raise(self._result(), shown)
            yield from self._chunks()
            self._drain(shown)
        except BaseException:
            self._abandon()
            raise

    def _chunks(self) -> Iterator[list[bytes]]:
        rows: list[bytes] = []
        size = 0
        while True:
            length, data = self._call(self._raw.get_copy_data, 1)
            if length > 0:
                rows.append(bytes(data))
                size += length
                if size >= _CHUNK:
                    yield rows
                    rows, size = [], 0
            elif length == 0:
                self._await()
            else:
                break
        if rows:
            yield rows

    def _guarded(self, sql: str, send: Callable[[], None]) -> list[Any]:
        self._send(sql, send)
        try:
            return self._drain(sql)
        except BaseException:
            self._abandon()
            raise

    def _send(self, sql: str, send: Callable[[], None]) -> None:
        if self._connection.closed:
            raise of_statement("", "", sql)
        self._call(send)

    def _call(self, action: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except self._lost:
            pass
        raise of_statement("", "", "")  # outside of the handler, so that nothing is chained

    def _drain(self, sql: str) -> list[Any]:
        results = []
        while (result := self._result()) is not None:
            results.append(result)
        for result in results:
            self._raise(result, sql)
        return results

    def _result(self) -> Any:
        self._call(self._raw.flush)
        while self._raw.is_busy():
            self._await()
        return self._raw.get_result()

    def _await(self) -> None:
        select.select([self._raw.socket], [], [], _WAIT_S)
        self._call(self._raw.consume_input)

    def _raise(self, result: Any, sql: str) -> None:
        if result is None or result.status == self._pq.ExecStatus.FATAL_ERROR:
            fields = self._pq.DiagnosticField
            state = result and result.error_field(fields.SQLSTATE)
            said = result and result.error_field(fields.MESSAGE_PRIMARY)
            raise of_statement(
                (state or b"").decode(), (said or b"").decode("utf-8", "replace"), sql
            )

    def _abandon(self) -> None:
        """Stop a statement that nobody waits for any more, so that the next one can be sent."""
        if self._raw.status != self._pq.ConnStatus.OK:
            return
        if self._raw.transaction_status == self._pq.TransactionStatus.ACTIVE:
            self._raw.get_cancel().cancel()
        while (result := self._raw.get_result()) is not None:
            if result.status == self._pq.ExecStatus.COPY_OUT:
                while self._raw.get_copy_data(0)[0] > 0:
                    pass
