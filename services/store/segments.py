"""What one writer keeps in memory of the runs of known ids: filters, and no id.

It comes from committed rows alone, so that nothing has to be undone after a rollback; a process
that begins, or takes over, reads the filters that pages were written with.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from psycopg import Cursor
from psycopg.rows import TupleRow

from services.store.seen import Seen
from services.store.seen_pages import END, Filter, Probes, Shape, found_in
from services.store.table import Table

HEAD: Final = "SELECT era, version, runs FROM seen_head"
_RUNS: Final = 'SELECT run, level, bits, width, ids, "into", filled FROM seen_run ORDER BY run'
_FILTERS: Final = "SELECT run, start, filter FROM seen_page WHERE version > %s"
_PAGES: Final = """
    SELECT run, start, ids FROM seen_page
    JOIN unnest(%s::bigint[], %s::integer[]) AS asked (run, start) USING (run, start)
"""
RUNS: Final = Table(
    "seen_run",
    {
        "run": "bigint", "level": "smallint", "bits": "smallint", "width": "integer",
        "ids": "bigint", "into": "bigint?", "filled": "bigint",
    },
)  # fmt: skip
PAGES: Final = Table(
    "seen_page",
    {"run": "bigint", "start": "integer", "version": "bigint", "filter": "bytea", "ids": "bytea"},
    keys=2,
)
_YOUNG: Final = "SELECT count(*) FROM (SELECT FROM seen_young LIMIT 10000) AS young"
_ROWS_AT_ONCE: Final = 2_000


@dataclass(slots=True)
class Run:
    """A row of ``seen_run``."""

    run: int
    level: int
    shape: Shape
    ids: int
    into: int | None = None
    """The run that it is merged into."""
    filled: int = END
    """Up to which prefix it has its ids."""

    @property
    def row(self) -> tuple[int | None, ...]:
        """As the table has it."""
        shape = self.shape
        return self.run, self.level, shape.bits, shape.width, self.ids, self.into, self.filled


@dataclass(slots=True)
class Segments:
    """The runs as of one version."""

    era: str = ""
    version: int = -1
    runs_ever: int = 0
    """How many were ever made: they are numbered by it."""
    runs: Mapping[int, Run] = field(default_factory=dict)
    young: int = 0
    """About how many ids wait as rows; another worker's are not counted here."""
    _filters: dict[int, Filter] = field(default_factory=dict)

    @property
    def memory(self) -> int:
        """Bytes of all filters."""
        return sum(one.size for one in self._filters.values())

    def forget(self) -> None:
        """Begin anew: another process may have been at work, or another database."""
        self.era, self.version, self.runs = "", -1, {}
        self._filters.clear()

    def catch_up(self, cursor: Cursor[TupleRow]) -> Collection[int]:
        """Read what others, and we ourselves, have committed; the runs that ids came to.

        Whoever commits meanwhile raises the version again: what was read of it is read once more.
        """
        [(era, version, runs_ever)] = cursor.execute(HEAD, prepare=True).fetchall()
        if era != self.era or version < self.version:
            self.forget()
            self.young = cursor.execute(_YOUNG).fetchall()[0][0]
        if version == self.version:
            return ()
        rows = cursor.execute(_RUNS, prepare=True).fetchall()
        self.runs = {
            run: Run(run, level, Shape(bits, width), *rest)
            for run, level, bits, width, *rest in rows
        }
        for run in self._filters.keys() - self.runs.keys():
            del self._filters[run]
        for run in self.runs.keys() - self._filters.keys():
            self._filters[run] = Filter(self.runs[run].shape)
        changed = set()
        since = self.version
        for run, start, page in cursor.stream(_FILTERS, (since,), size=_ROWS_AT_ONCE, binary=True):
            if run in self._filters:
                self._filters[run].put(start, page)
                changed.add(run)
        self.era, self.version, self.runs_ever = era, version, runs_ever
        return changed

    def find(
        self, cursor: Cursor[TupleRow], id_hashes: Sequence[str], among: Collection[int]
    ) -> dict[str, Seen]:
        """Those of ``id_hashes`` that lie in the runs ``among``."""
        if not (id_hashes and among):
            return {}
        probes = Probes(id_hashes)
        asked: dict[tuple[int, int], list[str]] = {}
        for run in among:
            for index, start in self._filters[run].passing(probes, *self._range(self.runs[run])):
                asked.setdefault((run, start), []).append(probes.id_hashes[index])
        if not asked:
            return {}
        keys = [run for run, _ in asked], [start for _, start in asked]
        found: dict[str, Seen] = {}
        for run, start, ids in cursor.execute(_PAGES, keys, prepare=True):
            found |= {seen.id_hash: seen for seen in found_in(ids, asked[run, start])}
        return found

    def _range(self, run: Run) -> tuple[int, int]:
        """Between which prefixes it has ids: what was merged out of it is in another by now."""
        begins = self.runs[run.into].filled if run.into is not None else 0
        return begins, run.filled
