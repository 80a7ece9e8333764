"""Comparing two sets of folded rows: what is asked of each, and the first row that differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Digest:
    """A table's rows in one number."""

    name: str
    digest: str
    rows: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row, by the table's order, that one side lacks or has otherwise."""

    table: str
    live: str | None
    replayed: str | None

    @property
    def key(self) -> str:
        """The row's first column."""
        return (self.live or self.replayed or "").split("\t")[0].replace("-", "")


class Snapshot(Protocol):
    """Folded rows as they were at one time, however long they are looked at."""

    @property
    def tables(self) -> Mapping[str, int]:
        """Those whose rows are a function of the log → how many leading columns are their key."""

    def checkpoints(self) -> Mapping[int, int]:
        """How far the rows have come."""

    def digest(self, table: str) -> Digest:
        """The digest of a table's rows, in the order of their keys."""

    def rows(self, table: str) -> Iterator[bytes]:
        """The rows in the order of their keys, as lines of text."""


def first_difference(live: Snapshot, replayed: Snapshot, table: str) -> Difference:
    """The first row that differs between two snapshots whose digests of ``table`` differ."""
    ours, theirs, keys = live.rows(table), replayed.rows(table), live.tables[table]
    one = other = None
    while one == other:
        one, other = next(ours, None), next(theirs, None)
    here, there = _line(one), _line(other)
    if here is None or there is None:
        return Difference(table, here, there)
    ours_key, theirs_key = here.split("\t")[:keys], there.split("\t")[:keys]
    # Both are in order: the lower key is the one that the other side lacks.
    return Difference(
        table,
        here if ours_key <= theirs_key else None,
        there if theirs_key <= ours_key else None,
    )


def _line(row: bytes | None) -> str | None:
    return row.decode().rstrip("\n") if row is not None else None
