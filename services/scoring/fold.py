"""The fold of scores: a batch of the log, as far as the projector has come, in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from services.fold.batch import Batch
from services.fold.deciding import RESTATED_AFTER, Cause
from services.fold.garbage import not_collecting
from services.scoring.alerting import Around, Telling, tell_alerts
from services.scoring.decided import empty, take_in
from services.scoring.decided import read as read_decided
from services.scoring.kept import Leaf, by_leaf, history_of
from services.scoring.model.history import Entry
from services.scoring.rulebooks import Books
from services.scoring.scored import lived_until, score
from services.scoring.shelf import Shelf
from services.scoring.taking import Read, read
from services.scoring.telling import Now, may_be_news, tell
from services.scoring.watching import Decided, Looked, Watched, still, watch
from services.store.scores import (
    Member,
    Page,
    ScoreChanges,
    ScoreRow,
    Scores,
    ScoringTransaction,
)

if TYPE_CHECKING:
    from services.scoring.trained import Trained

REGROUPED: Final = 5_000
"""Customers that one transaction looks at again; the next one looks at others."""
AT_ONCE: Final = 100
"""Customers whose histories are at hand at once: with a thousand of them a third more time goes by,
as nothing that is looked at is in the processor's caches any more."""


@not_collecting()
def score_batch(batch: Batch, store: Scores, shelf: Shelf) -> int:
    """Take ``batch`` in and score whom it touches, and whom the projector regrouped since.

    Entries, rows, decisions and progress commit together: a batch given again raises ``NotOurs``.
    Gives how much there was to do. Raises ``Unavailable``: then give it again.
    """
    new = read(batch, store.skipped, shelf.listener)
    with store.transaction() as tx:
        tx.claim({piece.partition: piece.first for piece in batch})
        regrouped = tx.regrouped(REGROUPED)
        if not batch and not regrouped:
            return 0
        changes = ScoreChanges(
            promotions=new.promotions,
            overtaken={one.workspace for one in new.promotions},
            tick=new.tick,
            looked_at=regrouped.keys(),
            advance=new.advance,
        )
        work = Work(new, shelf, changes)
        named = new.entries.keys() | new.named | set(regrouped.values())
        seen = see(work, named, tx)
        write(work, seen, score_seen(work, seen), tx)
    shelf.rules.saved()
    return sum(len(piece.records) for piece in batch) + len(regrouped)


@dataclass(frozen=True, slots=True)
class Work:
    """What the steps that score some customers share."""

    read: Read
    shelf: Shelf
    changes: ScoreChanges


@dataclass(frozen=True, slots=True)
class Seen:
    """Customers as a transaction saw them, and all else that scoring them takes."""

    pages: Mapping[str, Sequence[Page]]
    """What is kept of all members."""
    decided: Mapping[str, Decided]
    stored: Mapping[str, ScoreRow]
    """Under all ids at hand."""
    models: Mapping[str, "tuple[Trained | None, Books | None]"]
    """What scores in each workspace, and its alert rules."""
    tick: datetime | None
    reached: datetime | None
    around: Around


@dataclass(slots=True)
class Outcome:
    """What became of those who were seen, of whom anything is left."""

    customers: set[str] = field(default_factory=set)
    rows: list[ScoreRow] = field(default_factory=list)
    """Those that are not as they were."""
    told: list[Now] = field(default_factory=list)
    """Of whom there may be scores to tell."""
    alerted: list[tuple[Now, Watched]] = field(default_factory=list)
    """Of whom there may be alerts to tell."""
    watched: list[str] = field(default_factory=list)
    """Who has alert rules at all."""


def see(work: Work, named: Collection[str], tx: ScoringTransaction) -> Seen:
    """Look up the customers that ``named`` identifiers are part of now."""
    new, shelf = work.read, work.shelf
    shelf.rules.look(tx, work.changes)
    groups: dict[str, list[Member]] = {}
    for one in tx.groups_of({*named, *_moved(work)}):
        groups.setdefault(one[1], []).append(one)
    everyone = {one[0] for group in groups.values() for one in group}
    workspaces = {group[0].workspace for group in groups.values()}
    trained = {one: shelf.trained(one, tx, new.promotions) for one in workspaces}
    tick, reached = max(filter(None, (new.tick, tx.tick())), default=None), tx.reached()
    known_at = max(filter(None, (reached, tick, new.received_at)), default=None)
    return Seen(
        by_leaf(tx.pages(everyone | new.entries.keys())),
        _decided(groups, work, tx),
        tx.rows(everyone.union(named)),
        {one: (trained[one], shelf.books(one)) for one in workspaces},
        tick,
        reached,
        Around(groups, new.acts, new.acted_on, new.to_judge, known_at),
    )


def score_seen(work: Work, seen: Seen) -> Outcome:
    """Score them and live alert rules on; asks the store nothing."""
    new, outcome = work.read, Outcome()
    by_workspace: dict[str, list[Sequence[Member]]] = {}
    for group in seen.around.groups.values():
        by_workspace.setdefault(group[0].workspace, []).append(group)
    left = {*new.entries}
    for workspace, groups in by_workspace.items():
        for first in range(0, len(groups), AT_ONCE):
            some = [
                (group, leaves)
                for group in groups[first : first + AT_ONCE]
                if (leaves := [leaf for one in group if (leaf := _leaf(one[0], work, seen))])
            ]
            if left:
                left.difference_update(leaf.leaf for _, leaves in some for leaf in leaves)
            _score(some, (work, seen, outcome), *seen.models[workspace])
    # Leaves that are nobody's yet.
    for one in left:
        _leaf(one, work, seen)
    return outcome


def _leaf(identifier: str, work: Work, seen: Seen) -> Leaf | None:
    """What is kept of it, the new with it; None of nothing."""
    kept, new = seen.pages.get(identifier, ()), work.read.entries.get(identifier)
    if not new:
        return Leaf(identifier, kept[0].workspace, kept) if kept else None
    leaf = Leaf(identifier, work.read.workspaces[identifier], kept)
    work.changes.pages += leaf.take_in(new)
    return leaf


def _score(
    some: Iterable[tuple[Sequence[Member], Sequence[Leaf]]],
    within: tuple[Work, Seen, Outcome],
    trained: "Trained | None",
    rules: Books | None,
) -> None:
    """Some of one workspace: all that is at hand of them is let go afterwards."""
    work, seen, outcome = within
    tick_s = int(seen.tick.timestamp()) if seen.tick else 0
    histories = ((group, leaves, history_of(leaves)) for group, leaves in some)
    lives = [
        (group[0], leaves, lived_until(history, tick_s))
        for group, leaves, history in histories
        if history
    ]
    done = score([one for *_, one in lives], trained)
    for (member, leaves, one), scored in zip(lives, done, strict=True):
        customer = member.customer_id
        now = Now(customer, member.workspace, one, scored, seen.stored.get(customer))
        outcome.customers.add(customer)
        watched = None
        if rules:
            outcome.watched.append(customer)
            watched = _watch(now, [leaf.leaf for leaf in leaves], (work, seen, tick_s), rules)
            if seen.around.may_be_news(now, watched):
                outcome.alerted.append((now, watched))
        if (row := _row(now, watched)) != now.before:
            outcome.rows.append(row)
        if may_be_news(now):
            outcome.told.append(now)


def _watch(
    now: Now, leaves: Sequence[str], within: tuple[Work, Seen, int], rules: Books
) -> Watched:
    """Live alert rules on, as far as there is anything to live."""
    work, seen, tick_s = within
    new, put = work.read.entries, seen.decided.get(now.customer)
    if now.before and put is None and new.keys().isdisjoint(leaves):
        until_s = max(now.lived.history[-1][0], tick_s)
        if stands := still(now.before.alerts, leaves, until_s, rules):
            return stands
    entries = {leaf: new.get(leaf, ()) for leaf in leaves}
    return watch(Looked.of(now, entries, put or Decided(), tick_s=tick_s, books=rules), rules)


def write(work: Work, seen: Seen, outcome: Outcome, tx: ScoringTransaction) -> None:
    """Write what is not as it was, and tell what is news."""
    changes = work.changes
    # Ids that are part of another customer by now, and customers of whom nothing is left.
    changes.gone = seen.stored.keys() - outcome.customers
    changes.rows = outcome.rows

    def cause_of(one: Now) -> Cause:
        own = _cause(seen.around.groups[one.customer], work.read, seen.reached)
        return own or Cause.of_tick(seen.tick or _at(one.lived.history))

    tell(outcome.told, cause_of, tx, changes)
    telling = Telling(seen.around, cause_of, tx, changes)
    tell_alerts(outcome.alerted, outcome.watched, telling)
    tx.save(changes)


def _moved(work: Work) -> Iterable[str]:
    """Whom decisions put elsewhere, where a rule asks for that."""
    new, rules = work.read, work.shelf.rules
    return (one for one in new.decided if rules.asks_decisions(new.workspaces[one]))


def _decided(
    groups: Mapping[str, Sequence[Member]], work: Work, tx: ScoringTransaction
) -> Mapping[str, Decided]:
    """What was decided of the customers of whom rules ask it; what is new is kept of everybody."""
    new, asks = work.read, work.shelf.rules.asks_decisions
    asked = {customer for customer, group in groups.items() if asks(group[0].workspace)}
    if not asked and not new.decided:
        return {}
    pages = {page.leaf: page for page in tx.decided({*asked, *new.decided})}
    for customer, entries in new.decided.items():
        known = pages.get(customer) or empty(customer, new.workspaces[customer])
        pages[customer] = take_in(known, entries)
        work.changes.pages.append(pages[customer])
    return {
        customer: Decided(read_decided(pages[customer]), new.decided.get(customer, ()))
        for customer in asked & pages.keys()
    }


def _row(one: Now, watched: Watched | None) -> ScoreRow:
    done = one.scored
    scores: dict[str, list[object]] = {name: [*valued] for name, valued in done.scores.items()}
    due_at, alerts = done.due_at, b""
    if watched:
        due_at, alerts = watched.due_at(done.due_at), watched.kept
    return ScoreRow(one.customer, one.workspace, due_at, done.tier, scores, done.models, alerts)


def _at(history: Sequence[Entry]) -> datetime:
    """When the last of it was."""
    return datetime.fromtimestamp(history[-1].at_s, UTC)


def _cause(group: Iterable[Member], read: Read, reached: datetime | None) -> Cause | None:
    """The latest event of these leaves in this batch, if there is one.

    It is old where it was told late, and where scoring is: a log that was there before scoring was
    switched on is history.
    """
    events = [event for one in group for event in read.events.get(one.identifier, ())]
    if not events:
        return None
    last = max(events, key=lambda event: event.rank)
    known_at = max(last.received_at, reached or last.received_at)
    is_old = known_at - last.occurred_at > RESTATED_AFTER
    return Cause(f"{last.source}\0{last.id}", last.occurred_at, last.id, is_old)
