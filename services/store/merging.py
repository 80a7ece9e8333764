"""Merging runs of known ids: eight of like size become one, a range of hashes at a time.

A range moves in one transaction, out of the runs that are merged and into the one that they become:
each id lies in one run at every moment, and a merge that was begun is gone on with by whoever comes
next. So much is moved with each batch that a merge has ended before eight more runs wait.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from math import log
from typing import Any, Final

from psycopg import Cursor

from services.store.rows import insert, upsert
from services.store.seen_pages import END, Entries, Shape, entries_in
from services.store.segments import PAGES, RUNS, Run, Segments

FAN_IN: Final = 8
"""With four an id is moved twice as often, with sixteen twice as many filters are asked."""
SMALLEST: Final = 2_048
"""Ids of the smallest run of the lowest level."""
PACE: Final = 1.25
"""Ids moved at each level for one that is taken in. With one, a merge ends just in time; with two
all of a level's work falls on half of the batches: twice as much with each of those."""
_ADVANCE: Final = "UPDATE seen_head SET version = %s, runs = %s"
_TAKE_OUT: Final = """
    DELETE FROM seen_page WHERE run = ANY(%s) AND start >= %s AND start < %s RETURNING ids
"""
_DROP: Final = "DELETE FROM seen_run WHERE run = ANY(%s)"


class Merging:
    """Writes runs, by who keeps all others from it until the transaction ends."""

    def __init__(self, cursor: Cursor[Any], segments: Segments) -> None:
        self._cursor = cursor
        self._version = segments.version + 1
        self._runs_ever = segments.runs_ever
        self._runs = {number: replace(run) for number, run in segments.runs.items()}
        self._changed: set[int] = set()

    def take_in(self, entries: Entries) -> None:
        """Write ``entries`` as a run of their own, and go on with merges as fast as these come."""
        run = self._make(len(entries), END)
        self._write(run, entries)
        self._begin()
        pace = int(PACE * max(len(entries), SMALLEST))
        for output in [run for run in self._runs.values() if run.filled < END]:
            self._move(output, pace)
        upsert(self._cursor, RUNS, [self._runs[number].row for number in sorted(self._changed)])
        self._cursor.execute(_ADVANCE, (self._version, self._runs_ever))

    def _make(self, ids: int, filled: int) -> Run:
        self._runs_ever += 1
        level = max(0, int(log(max(ids, 1) / SMALLEST, FAN_IN)))
        run = Run(self._runs_ever, level, Shape.of(ids), ids, None, filled)
        self._runs[run.run] = run
        self._changed.add(run.run)
        return run

    def _begin(self) -> None:
        """Let runs of a level be merged where there are enough that are whole and at rest."""
        resting = defaultdict(list)
        for run in self._runs.values():
            if run.filled == END and run.into is None:
                resting[run.level].append(run)
        for runs in resting.values():
            if len(runs) >= FAN_IN:
                merged = runs[:FAN_IN]
                output = self._make(sum(run.ids for run in merged), 0)
                for run in merged:
                    run.into = output.run
                    self._changed.add(run.run)

    def _move(self, output: Run, ids: int) -> None:
        """Move so many ``ids`` into ``output``, or a page more."""
        inputs = [run for run in self._runs.values() if run.into == output.run]
        # No page may be moved in part.
        step = max(run.shape.span for run in (*inputs, output))
        steps = -(-ids * (END // step) // output.ids)
        begin, end = output.filled, min(END, output.filled + steps * step)
        numbers = [run.run for run in inputs]
        taken = self._cursor.execute(_TAKE_OUT, (numbers, begin, end), prepare=True)
        self._write(output, entries_in(ids for (ids,) in taken))
        output.filled = end
        self._changed.add(output.run)
        if end == END:
            self._drop(numbers)

    def _write(self, run: Run, entries: Entries) -> None:
        pages = [
            (run.run, page.start, self._version, page.filter, page.ids)
            for page in run.shape.pages(entries)
        ]
        insert(self._cursor, PAGES, pages)

    def _drop(self, numbers: Iterable[int]) -> None:
        self._cursor.execute(_DROP, ([*numbers],))
        for number in numbers:
            del self._runs[number]
            self._changed.discard(number)
