"""The fold of scores: a batch of the log, as far as the projector has come, in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from schemas import ClockTicked, ModelPromoted
from schemas.codec import Undecodable, decode
from schemas.envelope import Recorded
from services.fold.batch import Batch
from services.fold.deciding import RESTATED_AFTER, Cause
from services.fold.garbage import not_collecting
from services.scoring.kept import Leaf, history_of, leaves_of
from services.scoring.model.history import Entry
from services.scoring.reading import Envelope, entry_in, envelope_of
from services.scoring.scored import Lived, lived, score
from services.scoring.shelf import Shelf
from services.scoring.telling import CauseOf, Now, tell
from services.store.scores import (
    ALWAYS_DUE,
    Member,
    PromotionRow,
    ScoreChanges,
    ScoreRow,
    Scores,
    ScoringTransaction,
)

REGROUPED: Final = 5_000
"""Customers that one transaction looks at again; the next one looks at others."""
DUE: Final = 2_000
"""Rows of one transaction that the passing of time changes."""


@dataclass(slots=True)
class Read:
    """What a batch says, before anything is asked of the store."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    """New ones by leaf."""
    workspaces: dict[str, str] = field(default_factory=dict)
    """Of these leaves."""
    events: dict[str, list[Envelope]] = field(default_factory=dict)
    """Where these entries come from."""
    named: set[str] = field(default_factory=set)
    """Everybody whom customers' events name. Of whom nobody had heard before there may be something
    that we ourselves said of them."""
    tick: datetime | None = None
    promotions: list[PromotionRow] = field(default_factory=list)
    advance: dict[int, int] = field(default_factory=dict)


@not_collecting()
def score_batch(batch: Batch, store: Scores, shelf: Shelf) -> int:
    """Take ``batch`` in and score whom it touches, and whom the projector regrouped since.

    Entries, rows, decisions and progress commit together: a batch given again raises ``NotOurs``.
    Gives how much there was to do. Raises ``Unavailable``: then give it again.
    """
    read = _read(batch, store)
    with store.transaction() as tx:
        tx.claim({piece.partition: piece.first for piece in batch})
        regrouped = tx.regrouped(REGROUPED)
        if not batch and not regrouped:
            return 0
        changes = ScoreChanges(
            promotions=read.promotions,
            overtaken={one.workspace for one in read.promotions},
            tick=read.tick,
            looked_at=regrouped.keys(),
            advance=read.advance,
        )
        _score(
            _Work(read, shelf, tx, changes),
            read.entries.keys() | read.named | set(regrouped.values()),
        )
        tx.save(changes)
    return sum(len(piece.records) for piece in batch) + len(regrouped)


@not_collecting()
def score_due(store: Scores, shelf: Shelf) -> int:
    """Score some whom time, or another model, may change; gives how many, 0 once none is left.

    Raises ``Unavailable``: then ask again.
    """
    with store.transaction() as tx:
        due = tx.due(tx.tick() or ALWAYS_DUE, DUE)
        if due:
            changes = ScoreChanges()
            _score(_Work(Read(), shelf, tx, changes), set(due))
            tx.save(changes)
    return len(due)


def decide(
    changed: Sequence[Now], cause_of: CauseOf, tx: ScoringTransaction, changes: ScoreChanges
) -> None:
    """All that is decided about customers whose scores were computed.

    Alerts' episodes belong here, beside what is told of scores: they see every customer's whole
    history, scores before and after, and commit with them.
    """
    tell(changed, cause_of, tx, changes)


def _read(batch: Batch, store: Scores) -> Read:
    read = Read(advance={piece.partition: piece.next for piece in batch})
    skipped = store.skipped({piece.partition: (piece.first, piece.next - 1) for piece in batch})
    for piece in batch:
        for stored in piece.records:
            if (piece.partition, stored.offset) in skipped:
                continue
            try:
                _take_in(envelope_of(stored.payload), stored.payload, read)
            except Undecodable:
                # The projector skips it too.
                continue
    return read


def _take_in(envelope: Envelope, payload: bytes, read: Read) -> None:
    if envelope.type in _CONTROL:
        _control(decode(payload), read)
    elif envelope.type not in _OURS:
        read.named.update(envelope.identifiers)
        if kept := entry_in(envelope, payload):
            leaf, entry = kept
            if leaf not in read.entries:
                read.entries[leaf], read.events[leaf] = [], []
                read.workspaces[leaf] = envelope.workspace
            read.entries[leaf].append(entry)
            read.events[leaf].append(envelope)


def _control(event: Recorded[Any], read: Read) -> None:
    match event.data:
        case ClockTicked(ticked_at=at):
            read.tick = max(read.tick or at, at)
        case ModelPromoted(model=model, model_version=version):
            read.promotions.append(PromotionRow(event.workspace, *event.rank, model, version))


_CONTROL: Final = frozenset({"clock.ticked", "model.promoted"})
_OURS: Final = frozenset({"lifecycle.changed", "tier.changed", "score.computed", "alert.raised"})
"""Decisions of ours, which are as many as what they are about: not even looked into."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What the steps of one transaction share."""

    read: Read
    shelf: Shelf
    tx: ScoringTransaction
    changes: ScoreChanges


def _score(work: _Work, named: Collection[str]) -> None:
    """Score the customers that ``named`` identifiers are part of now."""
    read, tx, changes = work.read, work.tx, work.changes
    groups = _groups(named, tx)
    everyone = [one.identifier for group in groups.values() for one in group]
    leaves = _leaves(everyone, read, tx, changes)
    tick = max(filter(None, (read.tick, tx.tick())), default=None)
    by_workspace: dict[str, dict[str, Lived]] = {}
    for customer, group in groups.items():
        kept = (leaves[one.identifier] for one in group if one.identifier in leaves)
        if history := history_of(kept):
            own = by_workspace.setdefault(group[0].workspace, {})
            own[customer] = lived(history, tick)
    stored = tx.rows({*named, *everyone})
    found: list[Now] = []
    for workspace, customers in by_workspace.items():
        trained = work.shelf.trained(workspace, tx, read.promotions)
        for (customer, one), done in zip(
            customers.items(), score([*customers.values()], trained), strict=True
        ):
            found.append(Now(customer, workspace, one, done, stored.get(customer)))
    # Ids that are part of another customer by now, and customers of whom nothing is left.
    changes.gone = stored.keys() - {one.customer for one in found}
    changes.rows = [row for one in found if (row := _row(one)) != one.before]
    reached = tx.reached()

    def cause_of(one: Now) -> Cause:
        own = _cause(groups[one.customer], read, reached)
        return own or Cause.of_tick(tick or _at(one.lived.history))

    decide(found, cause_of, tx, changes)


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


def _row(one: Now) -> ScoreRow:
    done = one.scored
    scores: dict[str, list[object]] = {name: [*valued] for name, valued in done.scores.items()}
    return ScoreRow(one.customer, one.workspace, done.due_at, done.tier, scores, done.models)


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
