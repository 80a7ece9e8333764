"""Import a file: looked at, understood, then loaded from where an earlier run left off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from schemas.problems import Problem
from schemas.validate import validate
from services.ingest.files.convert import as_json, event_of
from services.ingest.files.guess import guess
from services.ingest.files.mapping import Mapping, Row, uses
from services.ingest.files.read import Look, flat, grouped, lines, look, rows
from services.ingest.load import Destination, Item, Loaded, Mark, Origin, Progress, find_mark, load

SAMPLE_ROWS: Final = 100
SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Understood:
    """What a file is taken for; without a mapping its lines are events already."""

    file: Look
    mapping: Mapping | None
    source: str
    """Of events that name none."""
    columns: tuple[str, ...] = ()

    @property
    def unused(self) -> tuple[str, ...]:
        """The columns that nothing is made of."""
        used = uses(self.mapping) if self.mapping else set(self.columns)
        return tuple(column for column in self.columns if column not in used)

    @property
    def key(self) -> str:
        """Of this content understood this way: another mapping makes other events of it."""
        tree = self.mapping.model_dump_json() if self.mapping else ""
        read_as = blake2b(f"{tree}\0{self.source}".encode(), digest_size=8).hexdigest()
        return f"file {self.file.key} {read_as}"


def understand(
    path: Path, *, mapping: Mapping | None = None, source: str | None = None, currency: str = "EUR"
) -> Understood:
    """Look at a file; guess its mapping where none is given and its lines are no events of ours.

    ``currency`` is of amounts without one. Raises ``Refused`` where the file can't be read.
    """
    file = look(path)
    name = path.name.split(".")[0]
    source = source or ("import" if file.kind == "ndjson" and mapping is None else name)
    if mapping is None and _is_event(file):
        return Understood(file, None, source)
    known = [row for row, problem in islice(_rows(file, mapping), SAMPLE_ROWS) if not problem]
    columns = tuple(dict.fromkeys(column for row in known for column in row))
    return Understood(file, mapping or guess(known, name=name, currency=currency), source, columns)


def import_file(
    understood: Understood, destination: Destination, *, progress: Progress, again: bool = False
) -> Loaded:
    """Load a file, or what is left of it, or all of it ``again``, which doubles nothing."""
    mark = None if again else find_mark(destination.marks, understood.key)
    mark = mark or Mark(note=understood.file.path.name)
    if mark.is_done:
        return Loaded(mark)
    # Names come again, next month or from another folder: what was refused there is another letter.
    fingerprint = blake2b(understood.key.encode(), digest_size=4).hexdigest()
    origin = Origin(f"{understood.file.path.name}#{fingerprint}", understood.key, mark)
    return load(items(understood, mark), destination, origin, progress=progress)


def items(understood: Understood, mark: Mark = Mark()) -> Iterator[Item]:  # noqa: B008 (frozen)
    """The file's events from ``mark`` on."""
    if understood.mapping is None:
        default = msgspec.json.encode(understood.source)
        for raw, number, end, problem in lines(understood.file, skip=mark.records, start=mark.end):
            yield Item(raw if problem else _sourced(raw, default), number, end, problem)
        return
    yield from _mapped(understood.file, understood.mapping, understood.source, mark.records)


def _mapped(file: Look, mapping: Mapping, source: str, skip: int) -> Iterator[Item]:
    if file.kind == "csv":
        # Of groups it is groups that a mark counts.
        skip_rows = 0 if mapping.group_by else skip
        read = rows(file, encoding=mapping.encoding, delimiter=mapping.delimiter, skip=skip_rows)
        for group in islice(grouped(read, mapping.group_by), skip - skip_rows, None):
            last = group[-1]
            members = [record.row for record in group]
            made = last.problem or event_of(members, mapping, source)
            yield _item(members, made, last.number, last.end)
        return
    for raw, number, end, problem in lines(file, skip=skip):
        row = problem or flat(raw)
        if isinstance(row, Problem):
            yield Item(raw, number, end, row)
        else:
            yield _item([row], event_of([row], mapping, source), number, end)


def _item(members: Sequence[Row], made: bytes | Problem, number: int, end: int) -> Item:
    if isinstance(made, Problem):
        return Item(as_json(members), number, end, made)
    return Item(made, number, end)


def _sourced(raw: bytes, source: bytes) -> bytes:
    """``raw`` with the file's source where it names none; ingest judges what is no object."""
    if b'"source"' in raw or not raw.startswith(b"{") or not raw.endswith(b"}"):
        return raw
    inner = raw[1:-1].strip()
    return b'{"source":' + source + (b"," + inner if inner else b"") + b"}"


def _is_event(file: Look) -> bool:
    if file.kind != "ndjson":
        return False
    try:
        first = msgspec.json.decode(file.first)
    except (msgspec.DecodeError, RecursionError):
        # Broken or longer than what was looked at: ingest says so line by line.
        return True
    return isinstance(first, dict) and "identifiers" in first


def _rows(file: Look, mapping: Mapping | None) -> Iterator[tuple[Row, Problem | None]]:
    if file.kind == "csv":
        encoding, delimiter = (mapping.encoding, mapping.delimiter) if mapping else ("utf-8", None)
        for record in rows(file, encoding=encoding, delimiter=delimiter):
            yield record.row, record.problem
        return
    for line in lines(file):
        row = line.problem or flat(line.raw)
        yield ({}, row) if isinstance(row, Problem) else (row, None)


@dataclass(frozen=True, slots=True)
class Preview:
    """One of a file's first events, and what ingest would object to."""

    item: Item
    problems: tuple[Problem, ...]


def preview(understood: Understood) -> list[Preview]:
    """The first few events as they would be posted; nothing is recorded."""
    return [Preview(item, _problems(item)) for item in islice(items(understood), SHOWN)]


def _problems(item: Item) -> tuple[Problem, ...]:
    if item.problem is not None:
        return (item.problem,)
    found = validate(item.raw)
    return tuple(found) if isinstance(found, list) else ()
