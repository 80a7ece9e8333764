"""The archive in ClickHouse, or in chdb behind its front: one client over HTTP for both."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, ProgrammingError

from schemas.envelope import Rank, Sealed
from services.archive.access import Access
from services.archive.port import Moves, Piece, Range, Touch
from services.archive.statements import rows, statement
from services.archive.tables import Tables, tables
from services.errors import BadRecord, Misconfigured, Unavailable

_CANT_PARSE: Final = frozenset({6, 26, 27, 38, 41, 53, 69, 72, 117, 130, 131, 376, 467})
"""Codes of a value that does not fit its column, or of JSON that is none."""
_REFUSED: Final = frozenset({139, 164, 192, 193, 194, 452, 497, 516, 701})
"""Codes of a user, a right, a setting, a macro or a cluster that there is not."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SETTINGS: Final = "check TOUCHLINE_ARCHIVE_URL, TOUCHLINE_ARCHIVE_CLUSTER and what its user may"


class ClickHouseArchive:
    """Table ``event`` of the server, or of the cluster, that ``access`` names; for many threads."""

    def __init__(
        self, access: Access, *, timeout_s: int = 30, made_of: Tables | None = None
    ) -> None:
        self._access, self._timeout_s = access, timeout_s
        self._tables = made_of or tables(access.cluster)
        self._client: Client | None = None
        self._lock = threading.Lock()

    def open(self) -> str:
        with self._asking() as client:
            return self._tables.open(client)

    def reset(self) -> str:
        with self._asking() as client:
            self._tables.drop(client)
        return self.open()

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        lines = b"\n".join(_lines(pieces))
        settings = {**self._tables.inserting, "insert_deduplication_token": token}
        with self._asking(is_insert=True) as client:
            client.command(statement("insert"), data=lines, settings=settings)

    def rows(self) -> Mapping[int, int]:
        with self._asking() as client:
            return dict(rows(client, "rows", settings=self._exactly))

    def rows_of(self, ranges: Mapping[int, Range]) -> int:
        asked = {
            "partitions": list(ranges),
            "firsts": [first for first, _ in ranges.values()],
            "lasts": [last for _, last in ranges.values()],
        }
        with self._asking() as client:
            return int(rows(client, "rows_of", asked, settings=self._exactly)[0][0])

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
            return [_touch(row) for row in rows(client, "timeline", asked)]

    def touches(self, workspace: str, leaves: Sequence[str]) -> Mapping[str, int]:
        with self._asking() as client:
            return dict(rows(client, "touches", {"workspace": workspace, "leaves": list(leaves)}))

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
                for machine, previous, stage, days, is_restated, moves in rows(
                    client, "moves", asked
                )
            ]

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    @property
    def _exactly(self) -> dict[str, str]:
        return dict(self._tables.exactly)

    @contextmanager
    def _asking(self, *, is_insert: bool = False) -> Iterator[Client]:
        try:
            yield self._connected()
        except ClickHouseError as cause:
            code = getattr(cause, "code", None)
            problem = f"the archive answers: {str(cause)[:500]}"
            # The client itself says which settings this user may not have.
            if code in _REFUSED or isinstance(cause, ProgrammingError):
                raise Misconfigured(f"{problem}; {_SETTINGS}") from cause
            if is_insert and code in _CANT_PARSE:
                raise BadRecord(problem) from cause
            raise Unavailable(problem) from cause

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._access.connect(self._timeout_s)
            return self._client


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
