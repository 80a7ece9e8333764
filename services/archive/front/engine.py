"""The one chdb engine of this process: statements in, bytes out, several at a time.

What chdb 4.4 allows (tried): one engine and one path a process, any number of connections to it,
which run in parallel and give Python's lock back while they work. A connection costs 0.1 ms to make
and keeps settings, so every statement gets its own and leaves nothing behind.
"""

import fcntl
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Self
from uuid import uuid4

import chdb

from services.archive.front.config import MEMORY_BYTES, configure
from services.archive.front.failure import (
    BAD_ARGUMENTS,
    CORRUPTED_DATA,
    NOT_ENOUGH_SPACE,
    TOO_MANY_QUERIES,
    Failure,
    failed,
    refused,
)
from services.errors import Misconfigured

DATABASE: Final = "touchline"
"""Where statements run that name none. (`default` overlays the working directory's files.)"""
_AT_ONCE: Final = 8
_PATIENCE_S: Final = 20.0
_SELDOM_S: Final = 3_600.0
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """What surrounds a statement; ``parameters`` fill ``{name:Type}`` with escaped text."""

    database: str = DATABASE
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole result, and what it took."""

    body: bytes
    rows_read: int
    bytes_read: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Into:
    """``INSERT INTO table (columns)``, its ``SETTINGS`` clause if any, and the data's format."""

    target: str
    settings: str
    input_format: str


@dataclass(frozen=True, slots=True)
class Written:
    """What an insert wrote."""

    rows: int
    bytes: int
    elapsed_s: float


class Engine:
    """chdb at ``folder``, held by a lock until ``close``; safe for many threads."""

    def __init__(
        self,
        folder: Path,
        memory_bytes: int = MEMORY_BYTES,
        *,
        start_anew: Callable[[], object] = lambda: None,
    ) -> None:
        """``start_anew`` lets this process end, and another begin."""
        self._lock = _hold(folder)
        self._start_anew, self._started_anew = start_anew, folder / "started-anew"
        config = configure(folder, memory_bytes)
        self._incoming = folder / "incoming"
        # What a killed process was about to insert.
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir()
        # chdb cuts the address at `?`, and takes the values after it as they are.
        self._address = f"{folder / 'chdb'}?config-file={config}"
        self._places = threading.Semaphore(_AT_ONCE)
        # Keeps the engine up while no statement runs: it stops with its last connection.
        self._holder = chdb.connect(self._address)
        self._holder.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        self.version = self._text("SELECT version()")
        self.timezone = self._text("SELECT timeZone()")

    def query(self, sql: str, output_format: str, asked: Asked) -> Answer:
        """Run ``sql`` to its end; raises ``Failure``."""
        with self._connection(asked) as connection:
            result = connection.query(sql, output_format, params=dict(asked.parameters))
            return Answer(result.bytes(), result.rows_read(), result.bytes_read(), result.elapsed())

    def stream(self, sql: str, output_format: str, asked: Asked) -> Iterator[bytes]:
        """The result by blocks, for formats without a frame; raises ``Failure``, also half-way."""
        with self._connection(asked) as connection:
            result = connection.send_query(sql, output_format, params=dict(asked.parameters))
            try:
                for chunk in result:
                    yield chunk.bytes()
            finally:
                result.cancel()

    def insert(self, insert: Into, chunks: Iterable[bytes], asked: Asked) -> Written:
        """Insert ``chunks``: all, or (below a block of a million rows) none; raises ``Failure``.

        By way of a file: chdb 4.4 has a streaming insert too, but that one reports success when
        the part could not be written for want of space (seen).
        """
        with self._spooled(chunks) as path, self._connection(asked) as connection:
            result = connection.query(
                f"{insert.target} FROM INFILE {_literal(str(path))} COMPRESSION 'none' "
                f"{insert.settings} FORMAT {insert.input_format}"
            )
            return Written(result.rows_written(), result.bytes_written(), result.elapsed())

    def close(self) -> None:
        """Wait for what runs (``_PATIENCE_S`` each), stop the engine and let the folder go."""
        for _ in range(_AT_ONCE):
            self._places.acquire(timeout=_PATIENCE_S)
        self._holder.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _spooled(self, chunks: Iterable[bytes]) -> Iterator[Path]:
        path = self._incoming / uuid4().hex
        try:
            with path.open("wb") as file:
                for chunk in chunks:
                    try:
                        file.write(chunk)
                    except OSError as cause:
                        raise refused(NOT_ENOUGH_SPACE, f"{cause.strerror}: {path}") from cause
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _connection(self, asked: Asked) -> Iterator[Any]:
        if not self._places.acquire(timeout=_PATIENCE_S):
            raise refused(TOO_MANY_QUERIES, f"Too many simultaneous queries. Maximum: {_AT_ONCE}")
        try:
            connection = chdb.connect(self._address)
            try:
                _prepare(connection, asked)
                yield connection
            finally:
                connection.close()
        except Failure:
            raise
        except (RuntimeError, chdb.ChdbError, UnicodeError) as cause:
            failure = failed(cause)
            if failure.code == CORRUPTED_DATA:
                self._mend()
            raise failure from cause
        finally:
            self._places.release()

    def _mend(self) -> None:
        """Start anew, unless that was tried within the hour: then it needs somebody.

        A merge that runs out of space may leave a part whose files are empty (seen with chdb 4.4).
        As it starts, ClickHouse sets such a part aside, and takes those back that it was merged
        from; these it keeps for eight minutes.
        """
        with suppress(OSError):
            mark = self._started_anew
            if not mark.exists() or time.time() - mark.stat().st_mtime > _SELDOM_S:
                mark.touch()
                self._start_anew()

    def _text(self, sql: str) -> str:
        return str(self._holder.query(sql, "TSVRaw").bytes().decode().strip())


def _prepare(connection: Any, asked: Asked) -> None:
    connection.query(f"USE {_identifier(asked.database)}")
    settings = [f"{_setting(name)} = {_literal(value)}" for name, value in asked.settings.items()]
    if settings:
        connection.query("SET " + ", ".join(settings))


def _setting(name: str) -> str:
    if not _SETTING.fullmatch(name):
        raise refused(BAD_ARGUMENTS, f"{name!r} is no name of a setting")
    return name


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _hold(folder: Path) -> IO[str]:
    """Two engines would ruin each other's parts, and chdb itself does not look."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if unusable := set(str(folder)) & set("?&%#*{}"):
        raise Misconfigured(
            f"chdb can't live below {folder}: choose a data directory without {' '.join(unusable)}"
        )
    file = (folder / "lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as cause:
        file.close()
        raise Misconfigured(f"another archive runs in {folder}; stop it first") from cause
    return file
