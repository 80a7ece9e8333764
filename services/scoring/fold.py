"""The fold of scores: a batch of the log, as far as the projector has come, in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.fold.batch import Batch
from services.fold.deciding import RESTATED_AFTER, Cause
from services.fold.garbage import not_collecting
from services.scoring.alerting import Around, Telling, tell_alerts
from services.scoring.decided import empty, take_in
from services.scoring.decided import read as read_decided
from services.scoring.kept import Leaf, history_of, leaves_of
from services.scoring.model.history import Entry
from services.scoring.scored import Lived, lived, score
from services.scoring.shelf import Shelf
from services.scoring.taking import Read, read
from services.scoring.telling import Now, tell
from services.scoring.watching import Decided, Looked, Watched, watch
from services.store.scores import (
    ALWAYS_DUE,
    Member,
    ScoreChanges,
    ScoreRow,
    Scores,
    ScoringTransaction,
)

REGROUPED: Final = 5_000
"""Customers that one transaction looks at again; the next one looks at others."""
DUE: Final = 2_000
"""Rows of one transaction that the passing of time changes."""


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
        _score(
            _Work(new, shelf, tx, changes),
            new.entries.keys() | new.named | set(regrouped.values()),
        )
        tx.save(changes)
    shelf.rules.saved()
    return sum(len(piece.records) for piece in batch) + len(regrouped)


@not_collecting()
def score_due(store: Scores, shelf: Shelf) -> int:
    """Score some whom time, or another model, may change; gives how many, 0 once none is left.

    Raises ``Unavailable``: then ask again.
    """
    with store.transaction() as tx:
        tick = tx.tick() or ALWAYS_DUE
        due, to_judge = tx.due(tick, DUE), tx.to_judge(tick, DUE)
        if not due and not to_judge:
            return 0
        changes = ScoreChanges()
        _score(_Work(Read(to_judge=set(to_judge)), shelf, tx, changes), {*due, *to_judge})
        tx.save(changes)
    shelf.rules.saved()
    return len(due) + len(to_judge)


@dataclass(frozen=True, slots=True)
class _Work:
    """What the steps of one transaction share."""

    read: Read
    shelf: Shelf
    tx: ScoringTransaction
    changes: ScoreChanges


def _score(work: _Work, named: Collection[str]) -> None:
    """Score the customers that ``named`` identifiers are part of now, and live alert rules on."""
    new, tx, changes = work.read, work.tx, work.changes
    work.shelf.rules.look(tx, changes)
    groups = _groups({*named, *_moved(work)}, tx)
    everyone = [one.identifier for group in groups.values() for one in group]
    leaves = _leaves(everyone, new, tx, changes)
    tick = max(filter(None, (new.tick, tx.tick())), default=None)
    by_workspace: dict[str, dict[str, Lived]] = {}
    for customer, group in groups.items():
        kept = (leaves[one.identifier] for one in group if one.identifier in leaves)
        if history := history_of(kept):
            own = by_workspace.setdefault(group[0].workspace, {})
            own[customer] = lived(history, tick)
    decided = _decided(groups, work)
    stored = tx.rows({*named, *everyone})
    found: list[Now] = []
    watched: dict[str, Watched] = {}
    tick_s = int(tick.timestamp()) if tick else 0
    for workspace, customers in by_workspace.items():
        trained = work.shelf.trained(workspace, tx, new.promotions)
        rules = work.shelf.books(workspace)
        for (customer, one), done in zip(
            customers.items(), score([*customers.values()], trained), strict=True
        ):
            now = Now(customer, workspace, one, done, stored.get(customer))
            found.append(now)
            if rules:
                members = (member.identifier for member in groups[customer])
                entries = {leaf: new.entries.get(leaf, ()) for leaf in members if leaf in leaves}
                put = decided.get(customer, Decided())
                looked = Looked.of(now, entries, put, tick_s=tick_s, books=rules)
                watched[customer] = watch(looked, rules)
    # Ids that are part of another customer by now, and customers of whom nothing is left.
    changes.gone = stored.keys() - {one.customer for one in found}
    changes.rows = [
        row for one in found if (row := _row(one, watched.get(one.customer))) != one.before
    ]
    reached = tx.reached()

    def cause_of(one: Now) -> Cause:
        own = _cause(groups[one.customer], new, reached)
        return own or Cause.of_tick(tick or _at(one.lived.history))

    tell(found, cause_of, tx, changes)
    known_at = max(filter(None, (reached, tick, new.received_at)), default=None)
    around = Around(groups, new.acts, new.acted_on, new.to_judge, known_at)
    tell_alerts(found, watched, Telling(around, cause_of, tx, changes))


def _groups(named: Collection[str], tx: ScoringTransaction) -> dict[str, list[Member]]:
    groups: dict[str, list[Member]] = {}
    for one in tx.members(set(tx.customers_of(named).values())):
        groups.setdefault(one.customer_id, []).append(one)
    return groups


def _leaves(
    everyone: Collection[str], read: Read, tx: ScoringTransaction, changes: ScoreChanges
) -> dict[str, Leaf]:
    """What is kept of everyone, the new with it."""
    leaves = dict(leaves_of(tx.pages({*everyone, *read.entries})))
    for leaf, new in read.entries.items():
        own = leaves.setdefault(leaf, Leaf(leaf, read.workspaces[leaf]))
        changes.pages += own.take_in(new)
    return leaves


def _moved(work: _Work) -> Iterable[str]:
    """Whom decisions put elsewhere, where a rule asks for that."""
    new, rules = work.read, work.shelf.rules
    return (one for one in new.decided if rules.asks_decisions(new.workspaces[one]))


def _decided(groups: Mapping[str, Sequence[Member]], work: _Work) -> Mapping[str, Decided]:
    """What was decided of the customers of whom rules ask it; what is new is kept of everybody."""
    new, asks = work.read, work.shelf.rules.asks_decisions
    asked = {customer for customer, group in groups.items() if asks(group[0].workspace)}
    if not asked and not new.decided:
        return {}
    pages = {page.leaf: page for page in work.tx.decided({*asked, *new.decided})}
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
