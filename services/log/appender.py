"""Group commit: appends of many threads gathered into few transactions."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

from services.errors import Unavailable
from services.log.port import Entry, Position

GROUP_BYTES: Final = 8_000_000
"""A group stops growing here: nobody waits long behind others' bulk. One append may be larger."""

Commit = Callable[[Sequence[Sequence[Entry]]], Sequence[Position]]
"""Appends all of a group's entries in one transaction and gives each append its position."""


class Append(NamedTuple):
    """One caller's entries, and where it waits for its position."""

    entries: Sequence[Entry]
    size: int
    position: "Future[Position]"


class Appender:
    """One thread that commits whatever was asked for while it committed the last group."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._asked: SimpleQueue[Append | None] = SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log-appender", daemon=True)
        self._thread.start()

    def append(self, entries: Sequence[Entry]) -> Position:
        """Wait until ``entries`` are committed; raises what the whole group's commit raised."""
        ask = Append(entries, sum(len(entry.payload) for entry in entries), Future())
        with self._closing:
            if self._closed:
                raise Unavailable("the log is closed: this process is stopping")
            self._asked.put(ask)
        try:
            return ask.position.result()
        except Unavailable as error:
            # The group shares one error; each caller raises its own, with its own traceback.
            raise Unavailable(str(error)) from error

    def close(self) -> None:
        """Commit what was asked for, then stop; later appends raise ``Unavailable``."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._asked.get()) is not None:
            group, is_last = self._gather(first)
            self._answer(group)
            if is_last:
                return

    def _gather(self, first: Append) -> tuple[list[Append], bool]:
        group, size = [first], first.size
        while size < GROUP_BYTES:
            try:
                ask = self._asked.get_nowait()
            except Empty:
                break
            if ask is None:
                return group, True
            group.append(ask)
            size += ask.size
        return group, False

    def _answer(self, group: Sequence[Append]) -> None:
        try:
            positions = self._commit([ask.entries for ask in group])
        except Exception as error:  # noqa: BLE001 -- whatever it is, the callers must not wait for ever
            for ask in group:
                ask.position.set_exception(error)
            return
        for ask, position in zip(group, positions, strict=True):
            ask.position.set_result(position)
