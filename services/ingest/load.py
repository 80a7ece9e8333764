"""The one loading loop: events of a file or a sample, through accept, into the log; resumable."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from schemas.problems import Problem
from services.clock import Clock
from services.errors import Refused, Timeout, Unavailable
from services.ingest.accept import Accepted, Producer, Rejected, accept
from services.ingest.receive import append
from services.ingest.room import Backlog, Room
from services.log.port import Log
from services.vault.port import Vault

CHUNK_BYTES: Final = 4_000_000
LOOK_AGAIN_S: Final = 0.01
STALLED_S: Final = 60.0
"""Whoever folds has stopped for good, or can't go on: somebody has to look."""
RETRY_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0, 10.0, 10.0, 10.0)
"""A minute in all: a database that restarts does not end a load."""
EXAMPLES: Final = 5
NEVER: Final = Event()
"""Nobody sets it: waiting for it is a pause."""

Result = TypeVar("Result")


class Item(NamedTuple):
    """One event as read: its JSON, and where it stood."""

    raw: bytes
    number: int
    """The line or record, counted from 1, as an editor shows it."""
    end: int
    """How far the input was read once this was: bytes of a file, events of a sample."""
    problem: Problem | None = None
    """Why it could not even be made an event; ``raw`` is then what was read."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a load has come; everything up to it is in the log or kept as a dead letter."""

    records: int = 0
    end: int = 0
    accepted: int = 0
    rejected: int = 0
    is_done: bool = False
    note: str = ""
    """What a later run must know to read the same events again, such as a sample's shift."""


class Marks(Protocol):
    """Where a workspace's marks are kept: with the log, to be lost or restored with it."""

    def find(self, name: str) -> bytes | None:
        """What was last kept under ``name``."""

    def keep(self, name: str, state: bytes) -> None:
        """Keep ``state`` durably in place of the one before."""


def find_mark(marks: Marks, key: str) -> Mark | None:
    """How far the load ``key`` has come; None where it never began."""
    state = marks.find(key)
    return None if state is None else msgspec.json.decode(state, type=Mark)


def keep_mark(marks: Marks, key: str, mark: Mark) -> None:
    """Keep how far the load ``key`` has come."""
    marks.keep(key, msgspec.json.encode(mark))


class DeadLetters(Protocol):
    """Where refused events are kept, to be corrected and resubmitted."""

    def keep(self, raw: bytes, problem: Problem, origin: str) -> None:
        """Keep ``raw``, sealed; once for each ``origin``, however often it is told."""


class Progress(Protocol):
    """Somebody who watches a load."""

    def at(self, mark: Mark) -> None:
        """The load has come to ``mark``."""

    def waiting(self, in_flight: int) -> None:
        """The load waits for the folds, which are ``in_flight`` records behind."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A workspace of a running platform, as far as a load needs it."""

    accept: Callable[[Sequence[bytes]], Sequence[Accepted | Rejected]]
    append: Callable[[Sequence[Accepted]], object]
    backlog: Backlog
    dead_letters: DeadLetters
    marks: Marks


def destination(
    producer: Producer,
    log: Log,
    vault: Vault,
    clock: Clock,
    *,
    backlog: Backlog,
    dead_letters: DeadLetters,
    marks: Marks,
) -> Destination:
    """What ``producer`` loads goes the way that its posts would go, as of the clock's now."""
    return Destination(
        accept=lambda raws: accept(raws, producer, clock.now(), vault),
        append=lambda accepted: append(accepted, log),
        backlog=backlog,
        dead_letters=dead_letters,
        marks=marks,
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """What is loaded: ``name`` as people know it, ``key`` as marks know it."""

    name: str
    key: str
    start: Mark = Mark()


class Refusal(NamedTuple):
    """An event that was refused, and where it stood."""

    origin: str
    problem: Problem


@dataclass(slots=True)
class Loaded:
    """What a load has done, in all its runs; ``reasons`` and ``examples`` are of this run."""

    mark: Mark
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Refusal] = field(default_factory=list)
    broke_off: Problem | None = None
    """Why the input could not be read to its end; another run goes on from there."""

    def note(self, refusals: Sequence[Refusal]) -> None:
        """Count ``refusals`` by reason and keep the first few as examples."""
        self.reasons.update(f"{it.problem.field} {it.problem.problem}".strip() for it in refusals)
        self.examples.extend(refusals[: EXAMPLES - len(self.examples)])


def load(
    items: Iterable[Item],
    destination: Destination,
    origin: Origin,
    *,
    progress: Progress,
    pause: Callable[[float], object] = NEVER.wait,
) -> Loaded:
    """Append every item that ingest accepts and keep the others as dead letters, in order.

    A chunk's mark is kept after the chunk is durable: a load that was killed reads at most one
    chunk again, which ids make harmless. Where ``items`` raise ``Refused``, all before it is loaded
    and the outcome says so. Raises ``Unavailable`` after a minute without the log, and ``Timeout``
    after one without folds.
    """
    loaded, room = Loaded(origin.start), Room(destination.backlog)
    for chunk in _chunks(items, loaded, room):
        # Before there is room: the folds are at work meanwhile.
        judged = _patiently(partial(_judge, chunk, destination), pause)
        _wait_for(room, progress, pause)
        refusals = _patiently(partial(_keep, judged, destination, origin.name), pause)
        room.took(len(judged.accepted))
        loaded.note(refusals)
        loaded.mark = replace(
            loaded.mark,
            records=loaded.mark.records + len(chunk),
            end=chunk[-1].end,
            accepted=loaded.mark.accepted + len(chunk) - len(refusals),
            rejected=loaded.mark.rejected + len(refusals),
        )
        _patiently(partial(keep_mark, destination.marks, origin.key, loaded.mark), pause)
        progress.at(loaded.mark)
    loaded.mark = replace(loaded.mark, is_done=loaded.broke_off is None)
    _patiently(partial(keep_mark, destination.marks, origin.key, loaded.mark), pause)
    return loaded


def _chunks(items: Iterable[Item], loaded: Loaded, room: Room) -> Iterator[list[Item]]:
    """Chunks of at most so many events and bytes; what came before the input broke off is good."""
    chunk: list[Item] = []
    size = 0
    try:
        for item in items:
            chunk.append(item)
            size += len(item.raw)
            if len(chunk) >= room.pace.chunk or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    except Refused as refused:
        loaded.broke_off = refused.problem
    if chunk:
        yield chunk


class _Judged(NamedTuple):
    """A chunk, before anything is written."""

    accepted: list[Accepted]
    refused: list[tuple[Item, Problem]]


def _judge(chunk: Sequence[Item], destination: Destination) -> _Judged:
    """What of ``chunk`` ingest accepts."""
    judged = _Judged([], [(item, item.problem) for item in chunk if item.problem is not None])
    readable = [item for item in chunk if item.problem is None]
    results = destination.accept([item.raw for item in readable]) if readable else ()
    for item, result in zip(readable, results, strict=True):
        if isinstance(result, Rejected):
            judged.refused.append((item, result.problem))
        else:
            judged.accepted.append(result)
    return judged


def _keep(judged: _Judged, destination: Destination, name: str) -> list[Refusal]:
    """Append what is accepted, keep what is not; doing it again changes nothing."""
    if judged.accepted:
        destination.append(judged.accepted)
    refusals = []
    for item, problem in judged.refused:
        origin = f"{name}:{item.number}"
        destination.dead_letters.keep(item.raw, problem, origin)
        refusals.append(Refusal(origin, problem))
    return refusals


def _wait_for(room: Room, progress: Progress, pause: Callable[[float], object]) -> None:
    limit = _patiently(room.look, pause).in_flight
    before, stalled_s = 0, 0.0
    while (in_flight := _patiently(room.in_flight, pause)) > limit:
        stalled_s = 0.0 if in_flight < before else stalled_s + LOOK_AGAIN_S
        if stalled_s > STALLED_S:
            raise Timeout(
                f"nothing folds: {in_flight:,} records have waited for {STALLED_S:g} s; start "
                "`touchline up` or `touchline projector` (where one runs, its log says why it "
                "can't go on), then load again: it goes on from here"
            )
        before = in_flight
        progress.waiting(in_flight)
        pause(LOOK_AGAIN_S)


def _patiently(act: Callable[[], Result], pause: Callable[[float], object]) -> Result:
    for wait_s in RETRY_S:
        try:
            return act()
        except Unavailable:
            pause(wait_s)
    return act()
