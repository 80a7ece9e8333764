"""Connections to the store, set up alike."""

import select
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format
from psycopg.rows import TupleRow

OPTIONS: Final = "-c timezone=UTC"


class HexUuid(Loader):
    """A uuid as 32 hex digits, the form that hashes have everywhere else."""

    format = Format.BINARY

    def load(self, data: Any) -> str:
        """``data`` is the 16 bytes."""
        return bytes(data).hex()


class HexUuidText(Loader):
    """The same where results come as text."""

    def load(self, data: Any) -> str:
        """``data`` is the dashed form."""
        return bytes(data).decode().replace("-", "")


def hex_uuids(connection: psycopg.Connection[Any]) -> None:
    """Let ``connection`` give uuids as 32 hex digits."""
    connection.adapters.register_loader("uuid", HexUuid)
    connection.adapters.register_loader("uuid", HexUuidText)


def is_lost(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle ``connection`` was ended by the server: it says nothing but good-bye.

    Asked before each use, so that a restart meanwhile is nobody's error.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def open_connection(
    url: str, name: str, *, schema: str | None = None
) -> psycopg.Connection[TupleRow]:
    """A connection in autocommit, shown as ``touchline-<name>``; ``schema`` is looked in before all others."""
    connection = psycopg.connect(
        url,
        autocommit=True,
        application_name=f"touchline-{name}",
        connect_timeout=5,
        tcp_user_timeout=10_000,
        options=f"{conninfo_to_dict(url).get('options') or ''} {OPTIONS}",
    )
    hex_uuids(connection)
    if schema:
        connection.execute(
            sql.SQL("SET search_path TO {}, touchline").format(sql.Identifier(schema))
        )
    return connection
