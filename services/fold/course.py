"""A course as data: how a customer's state grows along the canonical order, and what it comes to.

Its entries come one after the other, and the state depends on them and on the rules alone: so an
entry that is later than all others is taken in at once, and any other lets all be taken in again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from schemas import Control
from services.fold.rules import MakeBook, Time
from services.store.course import STALE, StateRow
from services.store.port import Identifier, Row, Transaction

State = TypeVar("State")


Said: TypeAlias = Mapping[str, str | None]
"""What a row says that is told once it is not what was told last, by kind."""


class Shown(NamedTuple):
    """A customer's row, and what it was made of."""

    customer: str
    row: Mapping[str, Any]
    state: Any
    at: datetime
    book: Any


class News(NamedTuple):
    """Something that a row says for the first time."""

    kind: str
    previous: str | None
    """What was told last."""
    is_restated: bool


class Says(NamedTuple):
    """What a course's rows tell."""

    said: Callable[[Mapping[str, Any]], Said]
    """What a row says."""
    expected: Callable[[Shown], Said]
    """What of it needs no telling of a newcomer."""
    tell: Callable[[Shown, News], Control | None]
    """The event's data; None tells nothing, though what the row says is remembered."""


@dataclass(frozen=True, slots=True)
class Course(Generic[State]):
    """Pure functions and the table they fill."""

    name: str
    """The table of its rows, keyed by customer."""
    columns: tuple[str, ...]
    """Those after ``told``."""
    book: MakeBook
    begin: Callable[[], State]
    post: Callable[[State, Any, Any], object]
    """Lets the state take in the next entry, by the book."""
    follows: Callable[[State, Any], bool]
    """Whether an entry can be posted onto the state."""
    as_of: Callable[[State], datetime | None]
    """When the last entry was."""
    settle: Callable[[State, datetime, Any], Mapping[str, Any]]
    """All that people ask for, as it is at an instant; the state stays as it is."""
    row: Callable[[State, datetime, Any], Mapping[str, Any]]
    """The columns of it, and ``due_at``: what time alone changes of them, and when it does."""
    says: Says
    """What of it is told."""

    def encode(self, state: State) -> bytes:
        """The state's bytes; equal states are equal bytes."""
        return _ENCODER.encode(state)

    def decode(self, encoded: bytes) -> State:
        """Reads what ``encode`` wrote."""
        if self.name not in _DECODERS:
            _DECODERS[self.name] = msgspec.msgpack.Decoder(type(self.begin()))
        state: State = _DECODERS[self.name].decode(encoded)
        return state


class Supply(Protocol):
    """Where a course's entries come from."""

    def fresh(self, leaves: Sequence[str]) -> Sequence[Any] | None:
        """A customer's new entries of this batch, in order; None where one was taken away."""

    def all(self, customers: Mapping[str, Sequence[str]]) -> Mapping[str, Iterable[Any]]:
        """All entries of customers with these leaves, in order."""


@dataclass(frozen=True, slots=True)
class Touched:
    """The customers whose rows may change, with their identifiers."""

    members: Mapping[str, Sequence[Identifier]]
    new: frozenset[str] = frozenset()
    """Who have no row, nor any leaf that had one."""
    regrouped: frozenset[str] = frozenset()
    """Whose leaves are not those they had."""


@dataclass(slots=True)
class Settled:
    """A row, and what it tells."""

    row: Row
    state: bytes
    said: Said
    shown: Shown
    says: Says
    is_new: bool
    """Whether there was no row."""
    is_same: bool
    """Whether there was one that said the same."""


@dataclass(frozen=True, slots=True)
class Run:
    """One course in one transaction."""

    course: Course[Any]
    supply: Supply
    time: Time
    tx: Transaction

    def settle(self, touched: Touched) -> tuple[dict[str, Settled], set[str]]:
        """The rows of those customers that change, or may, and who has none any more."""
        course, books = self.course, self.time.books
        rows = self.tx.courses.states(course.name, touched.members.keys() - touched.new)
        states: dict[str, Any] = {}
        again: dict[str, list[str]] = {}
        for customer, members in touched.members.items():
            if not members:
                continue
            leaves, row = [one.identifier for one in members], rows.get(customer)
            fresh = self.supply.fresh(leaves) if self._can_go_on(customer, row, touched) else None
            if fresh is None:
                again[customer] = leaves
            elif fresh or (row and row.due_at and row.due_at <= self.time.tick):
                state = self._state(customer, row)
                if self._post(members[0].workspace, state, fresh):
                    states[customer] = state
                else:
                    again[customer] = leaves
        for customer, entries in self.supply.all(again).items() if again else ():
            book = books.of(touched.members[customer][0].workspace, course.book)
            states[customer] = state = course.begin()
            for entry in entries:
                course.post(state, entry, book)
        settled = {
            customer: self._settled(touched.members[customer], customer, state, rows.get(customer))
            for customer, state in states.items()
            if course.as_of(state) is not None
        }
        # Of what was folded from the first there may be more in memory than is encoded.
        for customer in settled.keys() & rows.keys() - again.keys():
            self.time.kept.put(course.name, customer, settled[customer].state, states[customer])
        return settled, {
            customer
            for customer, members in touched.members.items()
            if not members or (customer in states and customer not in settled)
        } - touched.new

    def _can_go_on(self, customer: str, row: StateRow | None, touched: Touched) -> bool:
        """Whether there is a state that new entries may be posted onto."""
        if customer in touched.regrouped:
            return False
        return customer in touched.new if row is None else row.state != STALE

    def _state(self, customer: str, row: StateRow | None) -> Any:
        """The state in ``row``, to be changed."""
        if row is None:
            return self.course.begin()
        kept = self.time.kept.take(self.course.name, customer, row.state)
        return self.course.decode(row.state) if kept is None else kept

    def _post(self, workspace: str, state: Any, fresh: Sequence[Any]) -> bool:
        """Let the state take in new entries; false once one of them does not follow."""
        course, book = self.course, self.time.books.of(workspace, self.course.book)
        for entry in fresh:
            if not course.follows(state, entry):
                return False
            course.post(state, entry, book)
        return True

    def _settled(
        self, members: Sequence[Identifier], customer: str, state: Any, before: StateRow | None
    ) -> Settled:
        course, workspace = self.course, members[0].workspace
        as_of, book = course.as_of(state), self.time.books.of(workspace, course.book)
        at = self.time.at(as_of)
        found = course.row(state, at, book)
        said = course.says.said(found)
        told = _ENCODER.encode(said)
        columns = [found[column] for column in course.columns]
        encoded = course.encode(state)
        return Settled(
            row=(workspace, encoded, as_of, found["due_at"], told, *columns),
            state=encoded,
            said=said,
            shown=Shown(customer, found, state, at, book),
            says=course.says,
            is_new=before is None,
            is_same=before is not None and before.told == told,
        )


def state_in(
    course: Course[Any], stored: bytes | None, book: Any, entries: Callable[[], Iterable[Any]]
) -> Any:
    """The state that was stored; of one that is stale, what its entries come to."""
    if stored:
        return course.decode(stored)
    state = course.begin()
    if stored == STALE:
        for entry in entries():
            course.post(state, entry, book)
    return state


_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {}
"""By the course's name; making one takes as long as decoding a hundred states."""
_ENCODER = msgspec.msgpack.Encoder(order="sorted")
AnyCourse = Course[Any]
