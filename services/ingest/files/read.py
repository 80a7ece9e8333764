"""Read: a file of any size as a stream of lines or rows; gzip is opened, nothing is held."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple, cast

import msgspec

from schemas.problems import Problem
from services.errors import Refused
from services.ingest.files.mapping import Row

MAX_LINE: Final = 1_000_000
"""What an event may have; a longer line is refused without being held."""
HEAD: Final = 65_536
MAX_GROUP: Final = 2000
"""Lines that an order may have."""
NEAR: Final = 10
"""Exports mix the lines of orders that were placed in the same minute: so many are kept open."""
DELIMITERS: Final = ",;\t|"
GZIP: Final = b"\x1f\x8b"
BOM: Final = b"\xef\xbb\xbf"

csv.field_size_limit(MAX_LINE)


class Line(NamedTuple):
    """A line of NDJSON."""

    raw: bytes
    number: int
    end: int
    problem: Problem | None = None


class Record(NamedTuple):
    """A row of a CSV file."""

    row: Row
    number: int
    end: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a file's beginning tells."""

    path: Path
    kind: Literal["ndjson", "csv"]
    is_gzip: bool
    size: int
    key: str
    """Of this very content: its beginning, size and time of change."""
    first: bytes
    """The first line that is not empty."""


def look(path: Path) -> Look:
    """Look at the file's beginning; raises ``Refused`` where it can't be read or holds no lines."""
    with _readable(path):
        stat = path.stat()
        with path.open("rb") as file:
            head = file.read(HEAD)
        is_gzip = head.startswith(GZIP)
        with _opened(path, is_gzip=is_gzip) as (_, file):
            text = file.read(HEAD).removeprefix(BOM).lstrip()
    if not text:
        raise Refused("is empty", "name a file with events", field=str(path))
    if text.startswith(b"["):
        raise Refused("holds a JSON array", "write one event a line (jq -c '.[]')", field=str(path))
    content = blake2b(head + f"{stat.st_size} {stat.st_mtime_ns}".encode(), digest_size=16)
    kind: Literal["ndjson", "csv"] = "ndjson" if text.startswith(b"{") else "csv"
    return Look(
        path, kind, is_gzip, stat.st_size, content.hexdigest(), text.partition(b"\n")[0].rstrip()
    )


def lines(file: Look, *, skip: int = 0, start: int = 0) -> Iterator[Line]:
    """The file's lines that are not empty, from the one after ``skip`` such on.

    ``start`` is where the last of those ended. Raises ``Refused`` where the file breaks off.
    """
    with _readable(file.path), _opened(file.path, is_gzip=file.is_gzip) as (raw, text):
        number = 0
        if start and not file.is_gzip:
            text.seek(start)
            number = skip
        for line, problem in _bounded_lines(text):
            stripped = line.removeprefix(BOM).strip()
            if stripped or problem is not None:
                number += 1
                if number > skip:
                    yield Line(stripped, number, raw.tell(), problem)


def _bounded_lines(file: BinaryIO) -> Iterator[tuple[bytes, Problem | None]]:
    while line := file.readline(MAX_LINE + 2):
        if len(line) > MAX_LINE + 1 and not line.endswith(b"\n"):
            beginning = line[:1000]
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            problem = f"is a line of more than {MAX_LINE} bytes"
            yield (
                beginning,
                Problem("", None, problem, "write one event a line, of at most 1 MB each"),
            )
        else:
            yield line, None


def rows(
    file: Look, *, encoding: str = "utf-8", delimiter: str | None = None, skip: int = 0
) -> Iterator[Record]:
    """The rows of a CSV file from the one after ``skip`` on; ``number`` is the line's."""
    with _readable(file.path), _opened(file.path, is_gzip=file.is_gzip) as (raw, binary):
        text = io.TextIOWrapper(
            binary, encoding=_with_bom(encoding), errors="surrogateescape", newline=""
        )
        heading = text.readline()
        chosen = delimiter or delimiter_of(heading)
        every = chain([heading], text)
        # Columns set with blanks are as many blanks apart as it takes.
        reader = csv.reader(
            (" ".join(it.split()) for it in every) if chosen == " " else every, delimiter=chosen
        )
        names = [name.strip() for name in next(reader)]
        for cells, broken in islice(_cells(reader), skip, None):
            row = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
            problem = _problem(names, cells, broken)
            yield Record(row, reader.line_num, raw.tell(), problem)


def grouped(records: Iterable[Record], column: str | None) -> Iterator[list[Record]]:
    """Records with the same cell in ``column`` that stand near each other, or each by itself.

    A record that can't be read is always by itself.
    """
    open_groups: dict[str, list[Record]] = {}
    for record in records:
        if column is None or record.problem is not None:
            yield [record]
            continue
        group = open_groups.setdefault(record.row.get(column, ""), [])
        group.append(record)
        if len(group) == MAX_GROUP:
            yield open_groups.pop(record.row.get(column, ""))
        elif len(open_groups) > NEAR:
            yield open_groups.pop(next(iter(open_groups)))
    yield from open_groups.values()


def _cells(reader: Iterator[list[str]]) -> Iterator[tuple[list[str], str]]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as cause:
            yield [], str(cause)
        else:
            if cells:
                yield cells, ""


def _problem(names: list[str], cells: list[str], broken: str) -> Problem | None:
    if broken:
        return Problem("", None, f"is no CSV: {broken}", "correct the line")
    if len(cells) != len(names):
        what = f"has {len(cells)} cells under {len(names)} headings"
        return Problem("", ",".join(cells)[:100], what, "quote cells that hold the delimiter")
    if not all(map(_is_text, cells)):
        what = "is not text in the file's encoding"
        return Problem("", None, what, "name the encoding in the mapping, like cp1252")
    return None


def _is_text(cell: str) -> bool:
    return cell.isascii() or not any("\udc80" <= character <= "\udcff" for character in cell)


def delimiter_of(heading: str) -> str:
    """The one of comma, semicolon, tab and bar that the heading has most of, or blanks."""
    most = max(DELIMITERS, key=heading.count)
    return most if most in heading or " " not in heading.strip() else " "


def flat(raw: bytes) -> Row | Problem:
    """A JSON object as a row: what is nested is named with dots, ``properties.amount``."""
    try:
        tree = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as cause:
        return Problem(
            "", raw[:100].decode("utf-8", "replace"), f"is no JSON: {cause}", "correct the line"
        )
    if not isinstance(tree, dict):
        return Problem(
            "", raw[:100].decode("utf-8", "replace"), "is no JSON object", "correct the line"
        )
    row: dict[str, str] = {}
    left: list[tuple[str, object]] = [("", tree)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += [
                (f"{name}.{key}" if name else key, inner) for key, inner in reversed(value.items())
            ]
        elif isinstance(value, str):
            row[name] = value
        elif value is not None:
            row[name] = msgspec.json.encode(value).decode()
    return row


def _with_bom(encoding: str) -> str:
    try:
        return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    except LookupError:
        raise Refused(
            "is no encoding", "name one like utf-8 or cp1252", field="encoding", value=encoding
        ) from None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as cause:
        raise Refused(
            "is gzip that breaks off or is damaged", "fetch it again", field=str(path)
        ) from cause
    except OSError as cause:
        raise Refused(
            f"can't be read: {cause.strerror}", "name a readable file", field=str(path)
        ) from cause
    except UnicodeError as cause:
        raise Refused(
            f"can't be read: {cause}", "name its encoding in the mapping", field=str(path)
        ) from cause


@contextmanager
def _opened(path: Path, *, is_gzip: bool) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file as it lies there, to tell how far it was read, and what it holds."""
    with path.open("rb") as raw:
        if is_gzip:
            with gzip.open(raw, "rb") as unpacked:
                yield raw, cast("BinaryIO", unpacked)
        else:
            yield raw, raw
