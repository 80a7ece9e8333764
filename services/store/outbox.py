"""The outbox in PostgreSQL, for the relay."""

from collections.abc import Sequence

import psycopg

from services.errors import Unavailable
from services.store.connect import is_lost, open_connection


class PostgresOutbox:
    """A connection of its own; lost, it is opened again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def waiting(self, limit: int) -> Sequence[tuple[int, str, bytes]]:
        """The oldest rows: number, workspace, event as posted."""
        rows = self._execute(
            "SELECT outbox_id, workspace, event FROM touchline.outbox ORDER BY outbox_id LIMIT %s",
            (limit,),
        )
        return [
            (int(str(number)), str(workspace), bytes(event)) for number, workspace, event in rows
        ]  # type: ignore[call-overload]

    def done(self, numbers: Sequence[int]) -> None:
        """These are in the log."""
        self._execute(
            "DELETE FROM touchline.outbox WHERE outbox_id = ANY(%s) RETURNING outbox_id",
            (list(numbers),),
        )

    def close(self) -> None:
        """Give the connection back."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _execute(self, query: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            if self._connection is None or is_lost(self._connection):
                self.close()
                self._connection = open_connection(self._url, "relay")
            return self._connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]
        except (psycopg.OperationalError, psycopg.InterfaceError) as cause:
            self.close()
            raise Unavailable(f"the outbox can't be read: {cause}") from cause
