"""Connections to the store, set up alike: hashes travel as uuids, times are UTC."""

import select
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads

from services.store.rows import Column, uuid_array

OPTIONS: Final = "-c timezone=UTC"
AWAY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
"""A connection that was lost, or that the server ended as we were stopped for too long (a laptop
that slept, a machine with too much to do): nothing was done, ask again."""
_UUIDS: Final = 2951
"""The type number of ``uuid[]``."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """A parameter of type ``uuid[]``."""

    hashes: Sequence[str]


class _HashesDumper(Dumper):
    """In one piece: psycopg would build the array value by value, PostgreSQL parse it so."""

    format = Format.BINARY
    oid = _UUIDS

    def dump(self, obj: Hashes) -> bytes:
        return uuid_array(obj.hashes)


class _ColumnDumper(Dumper):
    """The statement names its type."""

    format = Format.BINARY

    def dump(self, obj: Column) -> bytes:
        return obj.data


class _HexUuid(Loader):
    """A uuid as 32 hex digits, the form that hashes have everywhere else."""

    format = Format.BINARY

    def load(self, data: Any) -> str:
        return bytes(data).hex()


class _HexUuidText(Loader):
    """The same where results come as text, dashed."""

    def load(self, data: Any) -> str:
        return bytes(data).decode().replace("-", "")


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Let ``connection`` take ``Hashes``, give uuids as 32 hex digits, and read JSON quickly."""
    # Python's own takes three times as long: a tenth of scoring everybody anew.
    set_json_loads(msgspec.json.decode, connection)
    connection.adapters.register_dumper(Hashes, _HashesDumper)
    connection.adapters.register_dumper(Column, _ColumnDumper)
    connection.adapters.register_loader("uuid", _HexUuid)
    connection.adapters.register_loader("uuid", _HexUuidText)


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
    """A connection in autocommit, shown as ``touchline-<name>``.

    ``schema`` is looked in before all others.
    """
    connection = psycopg.connect(
        url,
        autocommit=True,
        application_name=f"touchline-{name}",
        connect_timeout=5,
        tcp_user_timeout=10_000,
        options=f"{conninfo_to_dict(url).get('options') or ''} {OPTIONS}",
    )
    adapt(connection)
    if schema:
        connection.execute(
            sql.SQL("SET search_path TO {}, touchline").format(sql.Identifier(schema))
        )
    return connection
