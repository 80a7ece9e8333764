"""Where a batch's time goes: own CPU by step, PostgreSQL's CPU by statement.

Functions are wrapped from outside, so that what is measured is what runs. A step's time is its own,
without the steps inside it; a backend's is read from the kernel before and after each statement.
"""

import functools
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

import psycopg
from psycopg import Cursor, sql

from bench.machine import cpu_s
from services.fold import apply, gather, loop, run, take
from services.fold.course import Run
from services.store import postgres, postgres_courses, postgres_segments, rows

WRAPPED: Final[Sequence[tuple[Any, str, str]]] = (
    (loop, "read_batch", "read the log"),
    (take, "_decoded", "decode, hash ids"),
    (take, "_opened", "open sealed parts"),
    (take, "_fresh", "tell repetitions"),
    (gather, "sift", "sift by leaf, order, pair"),
    (gather, "settle_orders", "tell and settle orders"),
    (gather, "resolve", "resolve who is whom"),
    (gather, "customers", "gather customers"),
    (gather, "project", "grow facts, settle views"),
    (gather, "run_courses", "put stages and points together"),
    (Run, "_post", "post entries that follow"),
    (Run, "_settled", "settle stages and points"),
    (run, "decide", "tell decisions"),
    (postgres_courses.PostgresCourses, "states", "fetch states"),
    (postgres.PostgresTransaction, "groups_of", "fetch identifiers"),
    (postgres.PostgresTransaction, "edges_between", "fetch edges"),
    (postgres.PostgresTransaction, "orders", "fetch orders"),
    (postgres.PostgresTransaction, "facts", "fetch facts"),
    (postgres.PostgresTransaction, "save", "write rows"),
    (postgres_segments.SegmentedSeen, "finish", "write and merge runs of ids"),
    (rows, "as_binary", "make rows' bytes"),
    (apply, "apply", "all else, and freeing what was made"),
)
"""Where a function is looked up, its name there, and what it does."""
_STORE: Final[Any] = postgres
_TABLE: Final = re.compile(r'(?:FROM|INTO|COPY|EXISTS|AS \() *"?(?!pg_temp|SELECT)([a-z_.]+)')


class Steps:
    """Microseconds an event, batch by batch."""

    def __init__(
        self, wrapped: Sequence[tuple[Any, str, str]] = WRAPPED, store: Any = _STORE
    ) -> None:
        self._wrapped, self._store = wrapped, store
        self.own: list[dict[str, float]] = []
        self.backend: list[dict[str, float]] = []
        self._own: dict[str, float] = defaultdict(float)
        self._backend: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since_s = 0.0
        self._pid = 0
        self._began_s = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time every step of this thread, for as long as the block lasts."""
        kept = [(owner, name, getattr(owner, name)) for owner, name, _ in self._wrapped]
        opening = self._store.open_connection
        for owner, name, label in self._wrapped:
            setattr(owner, name, self._timed(getattr(owner, name), label))
        self._store.open_connection = self._watched(opening)
        try:
            yield
        finally:
            self._store.open_connection = opening
            for owner, name, function in kept:
                setattr(owner, name, function)

    def batch(self, events: int) -> None:
        """Close the account of a batch of ``events``."""
        now_s = self._cpu_s()
        self._backend["COMMIT, and all else"] += now_s - self._began_s - sum(self._backend.values())
        for told, spent in ((self.own, self._own), (self.backend, self._backend)):
            told.append({label: 1e6 * seconds / events for label, seconds in spent.items()})
            spent.clear()
        self._began_s = now_s

    def _timed(self, function: Callable[..., Any], label: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*given: Any, **named: Any) -> Any:
            self._charge()
            self._running.append(label)
            try:
                return function(*given, **named)
            finally:
                self._charge()
                self._running.pop()

        return timed

    def _charge(self) -> None:
        now_s = time.thread_time()
        if self._running:
            self._own[self._running[-1]] += now_s - self._since_s
        self._since_s = now_s

    def _watched(self, opening: Callable[..., Any]) -> Callable[..., Any]:
        def opened(*given: Any, **named: Any) -> psycopg.Connection[Any]:
            connection: psycopg.Connection[Any] = opening(*given, **named)
            connection.cursor_factory = functools.partial(_Watched, self)  # type: ignore[assignment]
            self._pid = connection.info.backend_pid
            self._began_s = self._cpu_s()
            return connection

        return opened

    def _cpu_s(self) -> float:
        return cpu_s(self._pid) if self._pid else 0.0

    @contextmanager
    def statement(self, query: Any) -> Iterator[None]:
        """Time the backend while the block runs."""
        before_s = self._cpu_s()
        yield
        self._backend[_name(query)] += self._cpu_s() - before_s


class _Watched(Cursor[Any]):
    def __init__(self, steps: Steps, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._steps = steps

    def execute(self, query: Any, *given: Any, **named: Any) -> Any:
        with self._steps.statement(query):
            return super().execute(query, *given, **named)

    @contextmanager
    def copy(self, statement: Any, *given: Any, **named: Any) -> Iterator[Any]:
        with self._steps.statement(statement), super().copy(statement, *given, **named) as copy:
            yield copy


def _name(query: Any) -> str:
    text = query.as_string() if isinstance(query, sql.Composable) else str(query)
    table = _TABLE.search(text)
    return f"{text.split()[0]} {table[1] if table else ''}".strip()


def table(title: str, batches: Sequence[Mapping[str, float]]) -> list[str]:
    """Lines of a table: the median batch of each label, dearest first, and their sum."""
    labels = {label for batch in batches for label in batch}
    middle = {label: median(batch.get(label, 0.0) for batch in batches) for label in labels}
    ranked = sorted(middle.items(), key=lambda item: -item[1])
    lines = [f"  {label:36} {microseconds:7.2f}" for label, microseconds in ranked]
    return [f"{title:38} {sum(middle.values()):7.2f} µs an event", *lines]
