"""A connection to PostgreSQL that mends itself."""

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from services.errors import Misconfigured, Unavailable

OPTIONS: Final = (
    "-c timezone=UTC -c synchronous_commit=on -c statement_timeout=30s -c enable_seqscan=off"
)
"""``synchronous_commit``: what append promised survives a power cut, whatever the server says.
``enable_seqscan``: a plan made while the log was empty would go on scanning it when it is not."""
_AWAY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,  # we were stopped amid an append
)


def connect(url: str, name: str) -> psycopg.Connection[TupleRow]:
    """A new connection in autocommit, shown on the server as ``touchline-<name>``."""
    return psycopg.connect(
        url,
        autocommit=True,
        application_name=f"touchline-{name}",
        connect_timeout=5,
        tcp_user_timeout=10_000,
        options=f"{conninfo_to_dict(url).get('options') or ''} {OPTIONS}",
    )


class MendingConnection:
    """One connection for a thread at a time, opened by its first use and again after a loss."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._lock = threading.Lock()

    @contextmanager
    def cursor(self) -> Iterator[psycopg.Cursor[TupleRow]]:
        """A cursor with binary results.

        Raises ``Unavailable`` for a lost connection, which the next use opens again, and
        ``Misconfigured`` where the log's tables are missing.
        """
        with self._lock:
            try:
                with self._usable().cursor(binary=True) as cursor:
                    yield cursor
            except _AWAY as error:
                self._drop()
                raise Unavailable(f"the log's database did not answer: {error}") from error
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
                self._drop()
                raise Misconfigured(
                    f"the log's tables are missing ({error}); run: touchline migrate"
                ) from error

    def close(self) -> None:
        """Close, after the thread that uses it is done."""
        with self._lock:
            self._drop()

    def _usable(self) -> psycopg.Connection[TupleRow]:
        if self._connection is not None and _has_news(self._connection):
            # An idle server says nothing but good-bye: so a restart meanwhile is no caller's error.
            self._drop()
        if self._connection is None:
            self._connection = connect(self._url, self._name)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _has_news(connection: psycopg.Connection[TupleRow]) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
