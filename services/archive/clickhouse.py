"""The archive in ClickHouse, or in chdb behind its front: one client over HTTP for both."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httputil import get_pool_manager

from schemas.envelope import Rank, Sealed
from services.archive.port import Moves, Piece, Range, Touch
from services.archive.statements import statement
from services.errors import BadRecord, Misconfigured, Unavailable

DATABASE: Final = "touchline"
"""Where the table is made when the address names no database."""

# One insert is one block (the feed keeps it far below a million rows), so that all of it is seen
# or none, and its token names it. `async_insert` would merge it with others.
_INSERTING: Final = {
    "async_insert": "0",
    "insert_deduplicate": "1",
    "min_insert_block_size_rows": "1048576",
    "min_insert_block_size_bytes": "0",
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": "1",
    "input_format_null_as_default": "1",
    "input_format_json_read_objects_as_strings": "1",
    "input_format_json_max_depth": "100000",
}
_WINDOW = re.compile(r"non_replicated_deduplication_window = (\d+)")
_CANT_PARSE: Final = frozenset({6, 26, 27, 38, 41, 53, 69, 72, 117, 130, 131, 376, 467})
"""Codes of a value that does not fit its column, or of JSON that is none."""
_REFUSED: Final = frozenset({192, 193, 194, 497, 516})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class ClickHouseArchive:
    """Table ``event`` at ``http(s)://user:password@host:port/database``; safe for many threads."""

    def __init__(self, url: str, *, timeout_s: int = 30) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._database = urlsplit(url).path.strip("/") or DATABASE
        self._client: Client | None = None
        self._lock = threading.Lock()

    def open(self) -> str:
        with self._asking() as client:
            client.command(statement("database"), {"database": self._database}, use_database=False)
            client.command(statement("event"))
            _check(client)
            return str(_rows(client, "table")[0][0])

    def reset(self) -> str:
        with self._asking() as client:
            client.command(statement("drop"))
        return self.open()

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        lines = b"\n".join(_lines(pieces))
        settings = _INSERTING | {"insert_deduplication_token": token}
        with self._asking(is_insert=True) as client:
            client.command(statement("insert"), data=lines, settings=settings)

    def rows(self) -> Mapping[int, int]:
        with self._asking() as client:
            return dict(_rows(client, "rows"))

    def rows_of(self, ranges: Mapping[int, Range]) -> int:
        asked = {
            "partitions": list(ranges),
            "firsts": [first for first, _ in ranges.values()],
            "lasts": [last for _, last in ranges.values()],
        }
        with self._asking() as client:
            return int(_rows(client, "rows_of", asked)[0][0])

    def timeline(
        self,
        workspace: str,
        leaves: Sequence[str],
        *,
        families: Sequence[str] = (),
        before: Rank | None = None,
        limit: int,
    ) -> Sequence[Touch]:
        at, source, id_ = before or (_EPOCH, "", "")
        asked = {
            "workspace": workspace,
            "leaves": list(leaves),
            "families": list(families),
            "is_newest": before is None,
            "occurred_us": (at - _EPOCH) // _MICROSECOND,
            "source": source,
            "id": id_,
            "limit": limit,
        }
        with self._asking() as client:
            return [_touch(row) for row in _rows(client, "timeline", asked)]

    def touches(self, workspace: str, leaves: Sequence[str]) -> Mapping[str, int]:
        with self._asking() as client:
            return dict(_rows(client, "touches", {"workspace": workspace, "leaves": list(leaves)}))

    def moves(self, workspace: str, first: date, last: date) -> Sequence[Moves]:
        asked = {"workspace": workspace, "first": first, "last": last}
        with self._asking() as client:
            return [
                Moves(
                    machine=machine,
                    previous=previous or None,
                    stage=stage,
                    days=days,
                    is_restated=is_restated,
                    moves=moves,
                )
                for machine, previous, stage, days, is_restated, moves in _rows(
                    client, "moves", asked
                )
            ]

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    @contextmanager
    def _asking(self, *, is_insert: bool = False) -> Iterator[Client]:
        try:
            yield self._connected()
        except ClickHouseError as cause:
            code = getattr(cause, "code", None)
            problem = f"the archive answers: {str(cause)[:500]}"
            if code in _REFUSED:
                raise Misconfigured(f"{problem}; check TOUCHLINE_ARCHIVE_URL") from cause
            if is_insert and code in _CANT_PARSE:
                raise BadRecord(problem) from cause
            raise Unavailable(problem) from cause

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Client:
        address = urlsplit(self._url)
        host = address.hostname or ""
        client = clickhouse_connect.get_client(
            interface=address.scheme,
            host=host,
            port=address.port or (8443 if address.scheme == "https" else 8123),
            username=unquote(address.username or "default"),
            password=unquote(address.password or ""),
            # Made by `open`: asking for it before would be an error.
            database="",
            compress=False,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=self._timeout_s,
            # The machine's own proxy, if any, is not for its own front.
            pool_mgr=get_pool_manager() if host in _LOOPBACK else None,
        )
        client.database = self._database
        return client


def _check(client: Client) -> None:
    """Raise ``Misconfigured`` where a repeated insert would double its rows."""
    if _rows(client, "settings", settings=_INSERTING) != [(False, True)]:
        raise Misconfigured(
            "the archive's user can't set async_insert = 0 and insert_deduplicate = 1; allow both"
        )
    _, engine, definition = _rows(client, "table")[0]
    window = _WINDOW.search(definition)
    if engine == "MergeTree" and not (window and int(window[1])):
        raise Misconfigured(
            "table event of the archive does not deduplicate inserts; run: "
            "ALTER TABLE event MODIFY SETTING non_replicated_deduplication_window = 1000"
        )


def _rows(
    client: Client,
    name: str,
    parameters: dict[str, Any] | None = None,
    *,
    settings: dict[str, Any] | None = None,
) -> Sequence[Any]:
    result = client.query(
        statement(name),
        parameters,
        settings,
        column_formats={"data": "bytes", "ciphertext": "bytes"},
    )
    return result.result_rows


def _lines(pieces: Sequence[Piece]) -> Iterator[bytes]:
    """The log's JSON objects as they are, with where they stand put in front."""
    for piece in pieces:
        head = b'{"partition":%d,"offset":' % piece.partition
        for record in piece.records:
            yield b"%b%d,%b" % (head, record.offset, record.payload[1:])


def _touch(row: Sequence[Any]) -> Touch:
    id_, source, type_, version, occurred_us, leaf, data, key_id, ciphertext, cause = row
    return Touch(
        id=id_,
        source=source,
        type=type_,
        version=version,
        occurred_at=_EPOCH + occurred_us * _MICROSECOND,
        leaf=leaf.hex,
        data=data,
        sealed=Sealed(key_id, ciphertext) if key_id else None,
        cause=cause or None,
    )
