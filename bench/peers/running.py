"""Processes that fold, what they say, and when they are done."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from bench.peers.events import Event, Truth, truth
from bench.peers.topics import Topics
from services.store.programs import until

PATIENCE_S: Final = 300.0
"""For anything to come that is waited for, and for any progress."""
LOOK_S: Final = 0.02
ASK_S: Final = 0.1
"""Between two questions how far a group has come: the broker has other work."""
ROOT: Final = Path(__file__).parents[2]
BUILD: Final = ROOT / "build"


class LeftOut(Exception):
    """There is no figure of a peer; the message says why, in one line."""


class Missing(LeftOut):
    """What it needs is not here."""


class Stuck(LeftOut):
    """It did not go on."""


@dataclass(frozen=True, slots=True)
class Work:
    """Events that wait in a topic, and what is right once they are folded."""

    count: int
    topic: str
    truth: Truth

    @classmethod
    def of(cls, events: Sequence[Event], topics: Topics) -> Self:
        """A topic of its own, with all of them."""
        return cls(len(events), topics.filled(events), truth(events))


class Process:
    """A peer's process; ends with the block, however it is then."""

    def __init__(self, command: Sequence[str], said: Path) -> None:
        """Its errors are written to ``said``."""
        self._command, self._said = command, said
        self._told: dict[str, list[float]] = {}

    def __enter__(self) -> Self:
        with self._said.open("wb") as errors:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._listener.join()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def go(self) -> None:
        """What it waits for may come."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def last(self, word: str) -> Sequence[float]:
        """The figures that it said last after ``word``; none if it did not."""
        self.check()
        return self._told.get(word, ())

    def check(self) -> None:
        """Raise ``AssertionError`` with its last words where it has ended."""
        assert self._process.poll() is None, self._said.read_text()[-4_000:]

    def wait_for(self, word: str) -> Sequence[float]:
        """These figures, once they are said."""
        wait(lambda: bool(self.last(word)), word)
        return self.last(word)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, *figures = line.split() or [""]
            self._told[word] = [float(figure) for figure in figures]


def python(module: str, *given: object) -> Sequence[str]:
    """The command that runs a module of this project."""
    return [sys.executable, "-m", module, *map(str, given)]


def wait(has_come: Callable[[], bool], what: str) -> None:
    """Return once it has; raises ``Stuck`` where it does not."""
    for _ in until(PATIENCE_S, every_s=LOOK_S):
        if has_come():
            return
    raise Stuck(f"{what}: not within {PATIENCE_S:g} s")


def follow(came: Callable[[], int], count: int, what: str, processes: Sequence[Process]) -> None:
    """Return once as many have come; raises ``Stuck`` where no more come."""
    last, since_s = -1, time.monotonic()
    for _ in until(float("inf"), every_s=ASK_S):
        for process in processes:
            process.check()
        now = came()
        if now == count:
            return
        if now != last:
            last, since_s = now, time.monotonic()
        elif time.monotonic() > since_s + PATIENCE_S:
            raise Stuck(f"{what}: nothing came for {PATIENCE_S:g} s after {now:,} of {count:,}")


def check(title: str, found: Truth, right: Truth) -> None:
    """Raise ``AssertionError`` where anything is missing, too much, or wrong."""
    for what, here, there in (
        ("profiles", found.profiles, right.profiles),
        ("lines of the ledger", found.ledger, right.ledger),
    ):
        wrong = _differences(here, there)
        assert not wrong, f"{title}: {wrong:,} of {len(there):,} {what} are wrong or missing"


def _differences(here: Mapping[str, object], there: Mapping[str, object]) -> int:
    return sum(here.get(key) != there.get(key) for key in here.keys() | there.keys())
