"""How rows travel to PostgreSQL: in binary, in the order of their keys.

Binary, since parsing text is a third of what a row costs the server. Ordered, since neighbours in
an index are then written one after the other (a third less again, for ids that are hashes). Many
go by COPY, few by one INSERT that takes each column as an array.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import itemgetter
from struct import Struct
from typing import Any, Final

import msgspec
from psycopg import Cursor
from psycopg.pq import PipelineStatus

from services.store.table import Table

Rows = Sequence[Sequence[Any]]
FEW: Final = 500
"""Rows that go as arrays. Of one, COPY and a staging table cost both sides twice as much, in four
statements and a truncation; of a thousand as much; of five thousand wide ones a third less."""


@dataclass(frozen=True, slots=True)
class Column:
    """A parameter: an array's values in its binary form."""

    data: bytes


@contextmanager
def together(cursor: Cursor[Any], *, is_small: bool) -> Iterator[None]:
    """What is written travels without waiting for answers, unless it is more than a few rows.

    The server is at work while the next rows are made. What it refuses is raised later, at the end
    of the block at the latest.
    """
    if is_small:
        with cursor.connection.pipeline():
            yield
    else:
        yield


def insert(cursor: Cursor[Any], table: Table, rows: Rows) -> None:
    """Take new ``rows`` in; one whose key is there already is a ``UniqueViolation``."""
    if _are_few(cursor, table, rows):
        _execute(cursor, table.insert, table, rows)
    elif rows:
        _copy(cursor, table.copy, as_binary(table, rows))


def insert_new(cursor: Cursor[Any], table: Table, rows: Rows) -> set[Any]:
    """Take in those of a few ``rows`` whose key is not there; gives the first part of their keys.

    Of rows alike the first is taken in.
    """
    answer = cursor.execute(table.insert_new, as_arrays(table, rows), prepare=True)
    return {key for (key,) in answer}


def upsert(cursor: Cursor[Any], table: Table, rows: Rows) -> None:
    """Write ``rows`` whole, whether they were there or not."""
    if _are_few(cursor, table, rows):
        _execute(cursor, table.upsert, table, rows)
    elif rows:
        cursor.execute(table.make_stage)
        _copy(cursor, table.copy_to_stage, as_binary(table, rows))
        cursor.execute(table.upsert_staged)


def _are_few(cursor: Cursor[Any], table: Table, rows: Rows) -> bool:
    # There is no COPY among statements that travel together.
    is_open = cursor.connection.info.pipeline_status != PipelineStatus.OFF
    return bool(rows) and (is_open or (len(rows) <= FEW and not table.has_arrays))


def _execute(cursor: Cursor[Any], statement: str, table: Table, rows: Rows) -> None:
    cursor.execute(statement, as_arrays(table, rows), prepare=True)


def _copy(cursor: Cursor[Any], statement: str, data: bytes) -> None:
    """``data`` is made before: PostgreSQL waits for a COPY's without any limit, whoever hangs."""
    with cursor.copy(statement.encode()) as copy:
        copy.write(data)


def as_arrays(table: Table, rows: Rows) -> list[Column]:
    """``rows`` as an array of each column, ordered by key."""
    columns = zip(table.columns.values(), zip(*_ordered(table, rows), strict=True), strict=True)
    return [
        Column(_ARRAY.pack(1, 1, _OIDS[type_], len(rows), 1) + b"".join(_FORMATS[type_](column)))
        for type_, column in columns
    ]


def as_binary(table: Table, rows: Rows) -> bytes:
    """``rows`` in COPY's binary format, ordered by key.

    Made column by column, since a column's values are of one kind: a loop over values of many kinds
    would take three times as long.
    """
    columns = zip(*_ordered(table, rows), strict=True)
    first, *others = zip(table.columns.values(), columns, strict=True)
    values = [_FORMATS[type_](column) for type_, column in others]
    fields = zip(_first(len(table.columns), *first), *values, strict=True)
    return b"".join([_HEADER, *chain.from_iterable(fields), _TRAILER])


def _ordered(table: Table, rows: Rows) -> Rows:
    return sorted(rows, key=itemgetter(*range(table.keys))) if table.keys else rows


_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_COUNT: Final = Struct(">h")
_LENGTH: Final = Struct(">i")
_SMALLINT: Final = Struct(">ih")
_INTEGER: Final = Struct(">ii")
_FLOAT8: Final = Struct(">id")
_BIGINT: Final = Struct(">iq")
_ARRAY: Final = Struct(">iiIii")
_OIDS: Final = {
    "uuid": 2950, "uuid?": 2950, "text": 25, "bytea": 17, "boolean": 16, "smallint": 21,
    "integer": 23, "bigint": 20, "bigint?": 20, "float8": 701, "timestamptz": 1184, "jsonb": 3802,
}  # fmt: skip
"""PostgreSQL's numbers of these types."""
_UUID_OID: Final = _OIDS["uuid"]
_UUID_LENGTH: Final = _LENGTH.pack(16)
_SOME: Final = 16
_TRUE, _FALSE = _LENGTH.pack(1) + b"\1", _LENGTH.pack(1) + b"\0"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DOCUMENT: Final = msgspec.json.Encoder(order="sorted").encode


def _first(columns: int, type_: str, column: Sequence[Any]) -> Iterable[bytes]:
    """The first of so many columns, behind the row's count of them."""
    count = _COUNT.pack(columns)
    if type_ == "uuid":
        return _uuids(column, count)
    return [count + value for value in _FORMATS[type_](column)]


def _sized(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _uuids(column: Sequence[str], before: bytes = b"") -> Iterable[bytes]:
    """Each behind its length, and behind the same bytes."""
    head = (before + _UUID_LENGTH).hex()
    every = bytes.fromhex(head + head.join(column))
    size = len(before) + 20
    return [every[at : at + size] for at in range(0, len(every), size)]


def _uuid(hash_: str) -> bytes:
    return _sized(bytes.fromhex(hash_))


def uuid_array(hashes: Sequence[str]) -> bytes:
    """The binary form of a ``uuid[]``."""
    if not hashes:
        return _ARRAY.pack(0, 0, _UUID_OID, 0, 0)[:12]
    return _ARRAY.pack(1, 0, _UUID_OID, len(hashes), 1) + b"".join(_uuids(hashes))


def _texts(column: Sequence[str | None]) -> Iterable[bytes]:
    # Workspaces, kinds and sources repeat: each value is made once. Where the first do not, as of
    # ids, each is made where it stands.
    some = column[:_SOME]
    if len(some) == _SOME and len(set(some)) == _SOME and None not in column:
        return [_sized(text.encode()) for text in column if text is not None]
    made = {text: _NULL if text is None else _sized(text.encode()) for text in set(column)}
    return map(made.__getitem__, column)


def _times(column: Sequence[datetime | None]) -> Iterable[bytes]:
    return [
        _NULL if at is None else _BIGINT.pack(8, (at - _EPOCH) // _MICROSECOND) for at in column
    ]


_FORMATS: Final[Mapping[str, Callable[[Any], Iterable[bytes]]]] = {
    "uuid": _uuids,
    "uuid?": lambda column: (
        [_NULL if one is None else _uuid(one) for one in column]
        if None in column
        else _uuids(column)
    ),
    "uuid[]": lambda column: [_sized(uuid_array(hashes)) for hashes in column],
    "text": _texts,
    "bytea": lambda column: map(_sized, column),
    "boolean": lambda column: [_TRUE if value else _FALSE for value in column],
    "smallint": lambda column: [_SMALLINT.pack(2, number) for number in column],
    "integer": lambda column: [_INTEGER.pack(4, number) for number in column],
    "float8": lambda column: [_FLOAT8.pack(8, number) for number in column],
    "bigint": lambda column: [_BIGINT.pack(8, number) for number in column],
    "bigint?": lambda column: [_NULL if one is None else _BIGINT.pack(8, one) for one in column],
    "timestamptz": _times,
    "jsonb": lambda column: [_sized(b"\1" + _DOCUMENT(document)) for document in column],
}
