"""Shadows: a second set of the tables that folds write, filled beside the live one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from services.errors import Conflict, Unavailable
from services.store.connect import adapt
from services.store.migrate import LIVE, create_live


class Shadow:
    """A schema of its own; the owner's connection makes, switches and drops it."""

    def __init__(self, owner_url: str, schema: str) -> None:
        self._url, self.schema = owner_url, schema

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See that nobody else fills it meanwhile; raises ``Conflict`` where somebody does."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            query = "SELECT pg_try_advisory_lock(hashtext(%s))"
            taken = connection.execute(query, [f"touchline {self.schema}"]).fetchone()
            if taken != (True,):
                raise Conflict(
                    "is being folded into by another command", "wait for it to end",
                    field="schema", value=self.schema,
                )  # fmt: skip
            yield

    def make(self) -> None:
        """Make it without rows; what an earlier attempt left is dropped."""
        with self._owner() as connection:
            self._drop(connection)
            create_live(connection, self.schema)
            self._learn(connection)

    def drop(self) -> None:
        """Take it away."""
        with self._owner() as connection:
            self._drop(connection)

    def live(self) -> Mapping[int, int]:
        """How far the live rows have come; what was decided until then is known here too."""
        with self._owner() as connection:
            return self._learn(connection)

    @contextmanager
    def replacing_live(self) -> Iterator[Mapping[int, int]]:
        """Hold the live checkpoints, which it gives, while the block fills what is missing.

        Then become live. Workers wait meanwhile, readers don't. Raises
        what the block raises, and then nothing was switched.
        """
        with self._owner() as connection:
            connection.execute(
                sql.SQL("LOCK TABLE {}.checkpoint IN EXCLUSIVE MODE").format(sql.Identifier(LIVE))
            )
            yield self._learn(connection)
            # After the replay: what it read in the log is older than what was decided by now.
            self._learn_decided(connection)
            for old, new in ((LIVE, f"{LIVE}_retired"), (self.schema, LIVE)):
                rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
                connection.execute(rename.format(sql.Identifier(old), sql.Identifier(new)))
            connection.execute(
                sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(f"{LIVE}_retired"))
            )

    @contextmanager
    def _owner(self) -> Iterator[Connection[TupleRow]]:
        try:
            with (
                psycopg.connect(self._url, autocommit=True) as connection,
                connection.transaction(),
            ):
                connection.execute("SET LOCAL client_min_messages = warning")
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                adapt(connection)
                yield connection
        except psycopg.OperationalError as cause:
            raise Unavailable(f"the store can't be changed: {cause}") from cause

    def _drop(self, connection: Connection[TupleRow]) -> None:
        connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(self.schema))
        )

    def _learn(self, connection: Connection[TupleRow]) -> Mapping[int, int]:
        """Take over which bodies lost: what says so may still be on its way to the log.

        Gives how far the live rows had come before, so that nothing decided by then is missing.
        """
        live = sql.Identifier(LIVE)
        query = sql.SQL("SELECT partition, next_offset FROM {}.checkpoint").format(live)
        position: dict[int, int] = dict(connection.execute(query).fetchall())
        taken_over = "INSERT INTO {}.conflicted SELECT * FROM {}.conflicted ON CONFLICT DO NOTHING"
        connection.execute(sql.SQL(taken_over).format(sql.Identifier(self.schema), live))
        return position

    def _learn_decided(self, connection: Connection[TupleRow]) -> None:
        taken_over = (
            "INSERT INTO {}.decided SELECT * FROM {}.decided ON CONFLICT (customer_id, kind)"
            " DO UPDATE SET value = EXCLUDED.value, event_id = EXCLUDED.event_id"
        )
        live, shadow = sql.Identifier(LIVE), sql.Identifier(self.schema)
        connection.execute(sql.SQL(taken_over).format(shadow, live))
