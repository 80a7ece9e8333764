"""Courses for queries: the pure functions that are handed in, the rules in force, the entries.

Rows are as of the last tick. What is asked of one customer is settled anew by the same functions,
so that it holds at the instant of the request.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Final, Protocol

from services.fold.course import AnyCourse, state_in
from services.fold.rules import BEGINNING, ZONE, Books, Time, in_order
from services.fold.source import FactsSource, LedgerSource
from services.fold.supply import entries_in
from services.store.course import LedgerRow, RuleRow
from services.store.reader import Reading

MOST_WORKSPACES: Final = 1_000
"""Whose rules are remembered; the one asked of for longest is read again."""
CONTROL: Final = "SELECT tick, revision FROM control"
RULES: Final = """
SELECT workspace, kind, name, occurred_at, source, id, version, effective_at, body FROM rule
WHERE workspace = %(workspace)s
"""
STATES: Final = {
    "lifecycle": """
SELECT CASE WHEN EXISTS (
    SELECT FROM unsettled
    WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
) THEN ''::bytea ELSE (
    SELECT state FROM lifecycle
    WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
) END
""",
    "loyalty": """
SELECT CASE WHEN EXISTS (
    SELECT FROM unsettled
    WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
) THEN ''::bytea ELSE (
    SELECT state FROM loyalty
    WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
) END
""",
}
LEAVES: Final = """
SELECT identifier FROM identifier
WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
"""
LEDGER: Final = """
SELECT leaf, source, id, is_void, workspace, type, entry FROM ledger
WHERE workspace = %(workspace)s AND leaf = ANY(%(leaves)s::uuid[])
"""
ORDERS: Final = """
SELECT facts FROM purchase_order
WHERE workspace = %(workspace)s AND leaf = ANY(%(leaves)s::uuid[])
"""
ACTIVITY: Final = """
SELECT facts FROM activity
WHERE workspace = %(workspace)s AND leaf = ANY(%(leaves)s::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Lifecycles:
    """What is asked of lifecycle's projection."""

    course: AnyCourse
    days: FactsSource
    path: Callable[[Iterable[Any], Any, datetime], Sequence[Any]]
    """All moves of a life, up to the day of an instant."""


class StatementLines(Sized, Protocol):
    """Changes of a balance, oldest first."""

    def until(self, at: datetime) -> Sequence[Any]:
        """Those up to that instant."""


class Statement(Protocol):
    """Every change of a balance; it goes on as entries and time do."""

    @property
    def lines(self) -> StatementLines:
        """Those so far, which stay as they are when it goes on."""

    def goes_on_to(self, entries: Sequence[Any], at: datetime) -> bool:
        """Whether these entries up to ``at`` are those that it has, and later ones."""

    def go_on(self, entries: Sequence[Any], at: datetime) -> StatementLines:
        """The lines up to ``at``."""


@dataclass(frozen=True, slots=True)
class Loyalties:
    """What is asked of loyalty's projection."""

    course: AnyCourse
    ledger: LedgerSource
    lots: Callable[[Any, datetime], Sequence[Any]]
    """The lots that are open at an instant."""
    statement: Callable[[Any], Statement]
    """One by these rules, as yet without a line."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A workspace's rules, and how far time has come in it."""

    workspace: str
    rules: Sequence[RuleRow]
    """In the order in which they override each other."""
    time: Time

    @property
    def tick(self) -> datetime | None:
        """The last minute told; None before the first."""
        return None if self.time.tick == BEGINNING else self.time.tick

    def book(self, course: AnyCourse) -> Any:
        """The rules as ``course`` reads them."""
        return self.time.books.of(self.workspace, course.book)

    def zone_at(self, at: datetime) -> str:
        """Where the workspace's days begin, an IANA name."""
        named = [rule for rule in self.rules if rule.kind == ZONE and _applies(rule, at)]
        return named[-1].body.decode() if named else "UTC"

    def in_force(self, kind: str, at: datetime) -> Mapping[str, RuleRow]:
        """The policies of ``kind`` that hold at an instant, by name."""
        return {rule.name: rule for rule in self.rules if rule.kind == kind and _applies(rule, at)}


class Courses:
    """Made once, by the composition root."""

    def __init__(self, lifecycle: Lifecycles, loyalty: Loyalties) -> None:
        self.lifecycle, self.loyalty = lifecycle, loyalty
        self._known: dict[str, tuple[Sequence[RuleRow], Books]] = {}

    def ruled(self, reading: Reading) -> Ruled:
        """The rules of the workspace that is read; made ready once a revision."""
        tick, revision = reading.rows(CONTROL)[0]
        workspace = reading.workspace
        known = self._known.pop(workspace, None)
        if known is None or known[1].revision != revision:
            rules = in_order([RuleRow._make(row) for row in reading.rows(RULES)])
            known = rules, Books(rules, revision)
        self._known[workspace] = known
        if len(self._known) > MOST_WORKSPACES:
            self._known.pop(next(iter(self._known)), None)
        return Ruled(workspace, known[0], Time(tick or BEGINNING, known[1]))

    def leaves(self, reading: Reading, customer_id: str) -> Sequence[str]:
        """The identifiers of a customer, with each of which facts may rest."""
        return [leaf for (leaf,) in reading.rows(LEAVES, customer_id=customer_id)]

    def active_days(self, reading: Reading, leaves: Sequence[str]) -> Sequence[Any]:
        """The days on which something happened, of a customer with these leaves."""
        projection = self.lifecycle.days.projection
        decode = projection.decoder()
        facts = [decode(encoded) for (encoded,) in reading.rows(ACTIVITY, leaves=leaves)]
        merged = reduce(projection.merge, facts, projection.initial)
        return list(self.lifecycle.days.entries_of(merged))

    def ledger(self, reading: Reading, leaves: Sequence[str]) -> Sequence[Any]:
        """All that moved points of a customer with these leaves, in order."""
        rows = map(LedgerRow._make, reading.rows(LEDGER, leaves=leaves))
        orders = [facts for (facts,) in reading.rows(ORDERS, leaves=leaves)]
        return entries_in(self.loyalty.ledger, rows, orders)

    def state(
        self,
        reading: Reading,
        customer_id: str,
        by: tuple[AnyCourse, Any],
        entries: Callable[[], Iterable[Any]],
    ) -> Any:
        """A customer's state as far as is folded, by a course and its book.

        Where rules have overtaken what is stored, or a backlog left it waiting, what the entries
        come to.
        """
        course, book = by
        [(stored,)] = reading.rows(STATES[course.name], customer_id=customer_id)
        return state_in(course, stored, book, entries)


def _applies(rule: RuleRow, at: datetime) -> bool:
    return rule.effective_at is None or rule.effective_at <= at
