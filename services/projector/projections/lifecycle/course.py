"""The course of a life: day after day taken in, and where it stands at an instant."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from services.projector.projections.lifecycle.activity import Entry
from services.projector.projections.lifecycle.book import Book
from services.projector.projections.lifecycle.conditions import Return, Returns, Why
from services.projector.projections.lifecycle.days import (
    FOREVER,
    NEVER,
    date_of,
    day_of,
    start_of,
    text_of,
)
from services.projector.projections.lifecycle.machine import NONE, Machine, Stand
from services.projector.projections.lifecycle.standing import Standing

MAIN: Final = "default"
"""The machine whose stage is the customer's stage."""


class Dawn(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where the open day began in a machine, before what happened on it."""

    stage: int
    """By its place under the rules of that day."""
    since: int
    returns: dict[str, Return] = {}
    """By the stage it led out of: the last purchase of an earlier day that was a return."""


class Track(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The open day in a machine: where it began, and where what happened on it led."""

    dawn: Dawn
    since: int
    stage: int
    """By its place, as are all here."""
    until: int
    """The day on which time alone leads to another stage under the same rules."""
    following: int
    """That stage."""

    @property
    def stand(self) -> Stand:
        """Where the customer stands if nothing more happens."""
        return self.stage, self.until, self.following


class State(msgspec.Struct, array_like=True):
    """All days; the last is open, since more may happen on it."""

    day: int = NEVER
    """The open day, the last on which something happened."""
    mask: int = 0
    purchases: int = 0
    last: list[int] = []
    """The newest day of each kind of activity before the open day, to take that back."""
    standing: Standing = msgspec.field(default_factory=Standing)
    """What there is with the open day."""
    tracks: dict[str, Track] = {}
    """By machine, of those that had rules on the open day."""


class Stay(msgspec.Struct, frozen=True, gc=False):
    """A customer in a stage of one machine, by the rules of some days."""

    machine: Machine
    since: int
    stand: Stand
    """By the rules of these days."""
    returns: Returns

    @property
    def stage(self) -> str:
        """Its name."""
        return self.machine.stages[self.stand[0]].name

    def why(self, standing: Standing) -> Why:
        """The rule, and the facts by which it holds."""
        return self.machine.stages[self.stand[0]].why(standing, self.returns)


def begin() -> State:
    """The state before anything."""
    return State()


def follows(state: State, entry: Entry) -> bool:
    """Whether ``entry`` may be posted onto ``state``: of the open day, or of a later one."""
    return entry.day >= state.day


def post(state: State, entry: Entry, book: Book) -> None:
    """Take in a day: the next, or the open one again with all that is now known of it."""
    standing = state.standing
    if entry.day > state.day:
        dawns = _dawns(state, entry.day, book)
        standing.forget()
        state.last = standing.last.copy()
    elif (state.day, state.mask, state.purchases) == entry:
        return
    else:
        dawns = {name: track.dawn for name, track in state.tracks.items()}
        standing.give_back(Entry(state.day, state.mask, state.purchases), state.last)
    state.day, state.mask, state.purchases = entry
    standing.take(entry)
    state.tracks = {
        name: _track(state, machine, dawns.get(name, _FIRST))
        for name, machine in book.on(entry.day).items()
    }


def row(state: State, at: datetime, book: Book) -> dict[str, Any]:
    """``settle`` without what led to each stage and what comes next: what rows hold."""
    today = max(day_of(at), state.day)
    due = book.change_after(today)
    stages: dict[str, dict[str, object]] = {}
    for name, stay in _stays_on(state, today, book) if state.day else ():
        due = min(due, stay.stand[1])
        stages[name] = {"stage": stay.stage, "since": text_of(stay.since)}
    main = stages.get(MAIN)
    return {
        "stage": main and main["stage"],
        "stages": stages,
        "due_at": start_of(due) if due < FOREVER else None,
    }


def settle(state: State, at: datetime, book: Book) -> dict[str, Any]:
    """What people ask about the customer at ``at``, without changing ``state``.

    ``due_at`` is the first instant after ``at`` at which time alone may change the row. What comes
    next is told by the rules of today: a change of rules to come is in ``due_at`` only.
    """
    today = max(day_of(at), state.day)
    due = book.change_after(today)
    stages: dict[str, dict[str, object]] = {}
    for name, stay in _stays_on(state, today, book) if state.day else ():
        until = stay.stand[1]
        due = min(due, until)
        stages[name] = _row(stay, state.standing)
    main = stages.get(MAIN)
    return {
        "stage": main and main["stage"],
        "stages": stages,
        "due_at": start_of(due) if due < FOREVER else None,
    }


def stage_of(state: State, name: str, at: datetime, book: Book) -> dict[str, Any]:
    """What ``settle`` says of one machine."""
    found = dict(_stays_on(state, max(day_of(at), state.day), book, (name,)))
    return _row(found[name], state.standing)


def stays(state: State, name: str, to: int, book: Book) -> Iterator[Stay]:
    """The stays in one machine from the open day, after what happened on it, up to a day.

    One stay may come in parts, where other rules led to the same stage.
    """
    track, standing = state.tracks.get(name), state.standing
    machine, ends = book.at(name, state.day)
    if track and machine:
        stay = Stay(machine, track.since, track.stand, _returns(state, track.dawn, machine))
        yield stay
        stage, since, day, returns = stay.stage, track.since, min(track.until, ends), stay.returns
    else:
        stage, since, day, returns = "", NEVER, ends, _NO_RETURNS
    while day <= to:
        if day == ends:
            machine, ends = book.at(name, day)
        if machine:
            stand = machine.stand(standing, returns, day)
            if machine.stages[stand[0]].name != stage:
                stage, since = machine.stages[stand[0]].name, day
            yield Stay(machine, since, stand, returns)
            day = min(stand[1], ends)


def _stays_on(
    state: State, day: int, book: Book, names: Iterable[str] | None = None
) -> Iterator[tuple[str, Stay]]:
    """The stay in each machine, or in those named, on ``day``, not before the open day."""
    machines, tracks = book.on(day), state.tracks
    has_same_rules = machines is book.on(state.day)
    for name in machines if names is None else names:
        machine, track = machines[name], tracks.get(name)
        if track and has_same_rules and day < track.until:
            # As for most customers on most days: neither time nor other rules led elsewhere.
            returns = _returns(state, track.dawn, machine)
            yield name, Stay(machine, track.since, track.stand, returns)
        else:
            *_, last = stays(state, name, day, book)
            yield name, last


def _dawns(state: State, day: int, book: Book) -> Mapping[str, Dawn]:
    """Where a later day than the open one begins, in each machine."""
    if not state.day:
        return {}
    machines, dawns = book.on(day), {}
    has_same_rules = machines is book.on(state.day)
    for name, machine in machines.items():
        track = state.tracks.get(name)
        if track and has_same_rules and day < track.until:
            # As in most machines on most days: time led nowhere since the open day.
            stage, since, returns = track.stage, track.since, _returns(state, track.dawn, machine)
            is_same = stage == track.dawn.stage and returns is track.dawn.returns
            dawns[name] = track.dawn if is_same else Dawn(stage, since, returns)
        else:
            *_, stay = stays(state, name, day, book)
            dawns[name] = Dawn(stay.stand[0], stay.since, stay.returns)
    return dawns


def _track(state: State, machine: Machine, dawn: Dawn) -> Track:
    stage, until, following = machine.stand(
        state.standing, _returns(state, dawn, machine), state.day
    )
    since = dawn.since if stage == dawn.stage else state.day
    return Track(dawn, since, stage, until, following)


def _returns(state: State, dawn: Dawn, machine: Machine) -> Returns:
    """Those of earlier days, and the open day's if it began in a stage that the rules ask about."""
    if state.purchases > 0 and dawn.stage in machine.asked:
        before = state.standing.orders - state.purchases
        return {**dawn.returns, machine.stages[dawn.stage].name: Return(state.day, before)}
    return dawn.returns


def _row(stay: Stay, standing: Standing) -> dict[str, Any]:
    _, until, following = stay.stand
    then = stay.machine.stages[following].name if until < FOREVER else ""
    return {
        "stage": stay.stage,
        "since": date_of(stay.since),
        "policy_version": stay.machine.version,
        "why": stay.why(standing),
        "next": {"stage": then, "on": date_of(until)} if then else None,
    }


_NO_RETURNS: Final[Returns] = {}
_FIRST: Final = Dawn(NONE, NEVER)
