"""Connections that threads borrow, as one role, each loan one transaction of one workspace."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from services.errors import Misconfigured, Timeout, Unavailable
from services.store.connect import AWAY, OPTIONS, adapt, is_lost

SIZE: Final = 8
"""Four a core of the small machine we measure on: more only wait for each other in the server."""
TIMEOUT_S: Final = 5
STATEMENT_S: Final = 8
LIMITS: Final = (
    f"-c statement_timeout={STATEMENT_S}s -c lock_timeout=5s"
    f" -c idle_in_transaction_session_timeout=15s -c plan_cache_mode=force_custom_plan"
)
"""Who waits longer has gone. Plans are made for the values at hand: absent filters are free."""


class Pool:
    """A pool that heals: connections are tried before they are lent, lost ones replaced."""

    def __init__(self, url: str, name: str, *, size: int = SIZE, is_read_only: bool = True) -> None:
        """Opens nothing yet: a server that is away is not an error before somebody asks."""

        def configure(connection: psycopg.Connection[TupleRow]) -> None:
            adapt(connection)
            connection.isolation_level = (
                psycopg.IsolationLevel.REPEATABLE_READ if is_read_only else None
            )
            connection.read_only = is_read_only

        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=size,
            timeout=TIMEOUT_S,
            # Its pauses double up to this: with the default of 300 s it stays broken.
            reconnect_timeout=TIMEOUT_S,
            check=_try_out,
            configure=configure,
            open=False,
            kwargs={
                "application_name": f"touchline-{name}",
                "connect_timeout": TIMEOUT_S,
                "tcp_user_timeout": 10_000,
                "options": f"{conninfo_to_dict(url).get('options') or ''} {OPTIONS} {LIMITS}",
            },
        )

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Cursor[TupleRow]]:
        """A cursor with binary results; commits when the block ends, no trace when it raises.

        Raises ``Unavailable``, ``Timeout`` for too slow a statement, ``Misconfigured`` without
        tables.
        """
        try:
            self._pool.open()
            with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
                yield cursor
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable) as cause:
            raise Timeout(f"the database took longer than {STATEMENT_S} s") from cause
        except AWAY as cause:
            raise Unavailable(f"the database does not answer: {cause}") from cause
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as cause:
            raise Misconfigured(
                f"the store was never migrated ({cause}); run: touchline migrate"
            ) from cause

    def close(self) -> None:
        """Give all connections back; the pool is not used afterwards."""
        self._pool.close()


def _try_out(connection: psycopg.Connection[TupleRow]) -> None:
    """Raise where it was ended meanwhile: heard at our end of it, without a way to the server."""
    if is_lost(connection):
        # Else the pool would take it for a good one again.
        connection.close()
        raise psycopg.OperationalError("the server ended the connection")


def rows(
    cursor: psycopg.Cursor[TupleRow], query: str, parameters: dict[str, Any]
) -> list[TupleRow]:
    """What ``query``, one of ours, gives."""
    return cursor.execute(query.encode(), parameters).fetchall()
