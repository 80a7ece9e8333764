"""The vault's connections to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from services.errors import Misconfigured, Unavailable

OPTIONS: Final = "-c timezone=UTC -c synchronous_commit=on -c statement_timeout=30s"
"""``synchronous_commit``: a data key must outlive a power cut, or what it sealed is lost."""
MAX_CONNECTIONS: Final = 8
TIMEOUT_S: Final = 5


class Connections:
    """A pool that threads borrow from, whose broken connections are replaced on loan."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=MAX_CONNECTIONS,
            timeout=TIMEOUT_S,
            # Its pauses between attempts double up to this; with the default of 300 s a pool stays
            # broken for minutes after the server is back.
            reconnect_timeout=TIMEOUT_S,
            check=ConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "application_name": "touchline-vault",
                "connect_timeout": TIMEOUT_S,
                "tcp_user_timeout": 10_000,
                "options": f"{conninfo_to_dict(url).get('options') or ''} {OPTIONS}",
            },
            open=True,
        )

    @contextmanager
    def cursor(self) -> Iterator[psycopg.Cursor[TupleRow]]:
        """A cursor in autocommit with binary results.

        Raises ``Unavailable``, and ``Misconfigured`` where the vault's tables are missing.
        """
        try:
            with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
                yield cursor
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Unavailable(f"the vault's database did not answer: {error}") from error
        except psycopg.errors.UndefinedTable as error:
            raise Misconfigured(
                f"the vault's tables are missing ({error}); run: touchline migrate"
            ) from error

    def close(self) -> None:
        self._pool.close()
