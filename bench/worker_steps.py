"""A worker whose steps are timed: where its microseconds go, of all records that it folded."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.steps import WRAPPED, Steps, table
from services.addresses import Addresses
from services.fold import due, postponing
from services.projector import share, worker
from services.store import postgres
from tests.cluster import workers

FOLDING: Final = "fold"
"""Begins the name of the thread that folds."""
STEPS: Final = (
    *WRAPPED,
    (worker, "slices", "take a fetch apart"),
    (share, "apply", "all else, and freeing what was made"),
    (due, "decide", "tell decisions"),
    (postponing, "settle_due", "settle what waited: all else"),
)


def said(place: Path) -> Path:
    """Where the table of a worker is that logs to ``place``."""
    return place.with_suffix(".steps")


class _OneThread(Steps):
    """Times what the folding thread does; the lookout has a store of its own."""

    _last_s = 0.0

    def _cpu_s(self) -> float:
        # The backend is gone before the account is closed.
        with suppress(FileNotFoundError):
            self._last_s = super()._cpu_s()
        return self._last_s

    def _timed(self, function: Callable[..., Any], label: str) -> Callable[..., Any]:
        timed = super()._timed(function, label)

        def either(*given: Any, **named: Any) -> Any:
            return (timed if _folds() else function)(*given, **named)

        return either

    def _watched(self, opening: Callable[..., Any]) -> Callable[..., Any]:
        watched = super()._watched(opening)

        def either(*given: Any, **named: Any) -> psycopg.Connection[Any]:
            found: psycopg.Connection[Any] = (watched if _folds() else opening)(*given, **named)
            return found

        return either


class _Account:
    """All that is told of one worker."""

    def __init__(self) -> None:
        self.records, self.folding_s, self.process_s = 0, 0.0, 0.0
        self._began_s: tuple[float, float] | None = None

    def counting(self, folding: Callable[..., None]) -> Callable[..., None]:
        """``Share.fold``, with what it folds on the account."""

        def fold(of: share.Share, batch: Any) -> None:
            if self._began_s is None:
                self._began_s = time.thread_time(), time.process_time()
            folding(of, batch)
            self.records += sum(len(piece.records) for piece in batch)
            self.took()

        return fold

    def settling(self, settle: Callable[..., int]) -> Callable[..., int]:
        """``Share.settle`` likewise."""

        def settled(of: share.Share) -> int:
            done = settle(of)
            self.took()
            return done

        return settled

    def took(self) -> None:
        """The thread's and the process's time so far."""
        if self._began_s is not None:
            thread_s, process_s = self._began_s
            self.folding_s = time.thread_time() - thread_s
            self.process_s = time.process_time() - process_s


def working(place: Path) -> workers.Work:
    """As a worker's process does, and write the table down where it ends."""
    return partial(_fold, place)


def _fold(place: Path, addresses: Addresses, how: workers.How) -> None:
    steps, account = _OneThread(STEPS, postgres), _Account()
    share.Share.fold = account.counting(share.Share.fold)  # type: ignore[method-assign]
    share.Share.settle = account.settling(share.Share.settle)  # type: ignore[method-assign]
    try:
        with steps.watching():
            workers.fold(addresses, how)
    finally:
        _write(said(place), steps, account)


def _write(place: Path, steps: Steps, account: _Account) -> None:
    steps.batch(max(1, account.records))
    own = steps.own[0]
    each = 1e6 / max(1, account.records)
    own["the folding thread: all else"] = each * account.folding_s - sum(own.values())
    own["other threads: fetches, Faust, relay"] = each * (account.process_s - account.folding_s)
    lines = [
        *table(f"a worker's CPU, {account.records:,} records", steps.own),
        *table("its backend's CPU", steps.backend),
    ]
    place.write_text("\n".join(line for line in lines if not line.endswith(" 0.00")))


def _folds() -> bool:
    return threading.current_thread().name.startswith(FOLDING)
