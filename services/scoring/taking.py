"""Taking in: what a batch of the log says of scores and alerts, before the store is asked of it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from schemas import AlertAcknowledged, AlertClosed, ClockTicked, ModelPromoted
from schemas.codec import Undecodable, decode
from schemas.envelope import Recorded
from services.fold.batch import Batch
from services.scoring.decided import DECISIONS, decided_in
from services.scoring.listening import Listener, Spoken
from services.scoring.model.history import Entry
from services.scoring.reading import Envelope, entry_in, envelope_of
from services.scoring.rules.book import ACTS
from services.scoring.rules.episodes import PLATFORM
from services.scoring.rules.intent import SPOKEN
from services.store.alerts import Act
from services.store.scores import PromotionRow

Skipped = Callable[[Mapping[int, tuple[int, int]]], Collection[tuple[int, int]]]
"""What the projector left out of spans of partitions, as partition and offset."""


@dataclass(slots=True)
class Read:
    """What a batch says."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    """New ones by leaf."""
    decided: dict[str, list[Entry]] = field(default_factory=dict)
    """Where the projector put customers, by their ids."""
    workspaces: dict[str, str] = field(default_factory=dict)
    """Of these leaves, and of these ids."""
    events: dict[str, list[Envelope]] = field(default_factory=dict)
    """Where these entries come from."""
    named: set[str] = field(default_factory=set)
    """Everybody whom customers' events name. Of whom nobody had heard before there may be something
    that we ourselves said of them."""
    received_at: datetime | None = None
    """The latest of all."""
    tick: datetime | None = None
    promotions: list[PromotionRow] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    acted_on: set[str] = field(default_factory=set)
    """Whom the alerts are about that these acts are about."""
    to_judge: set[str] = field(default_factory=set)
    """Of whom it may be known by now what became of them after an alert."""
    spoken: list[Spoken] = field(default_factory=list)
    """What may hold words of customers."""
    advance: dict[int, int] = field(default_factory=dict)


def read(batch: Batch, skipped: Skipped, listener: Listener | None = None) -> Read:
    """Read what the projector did not skip; raises ``Unavailable``."""
    found = Read(advance={piece.partition: piece.next for piece in batch})
    left_out = skipped({piece.partition: (piece.first, piece.next - 1) for piece in batch})
    for piece in batch:
        for stored in piece.records:
            if (piece.partition, stored.offset) in left_out:
                continue
            try:
                _take_in(envelope_of(stored.payload), stored.payload, found)
            except Undecodable:
                # The projector skips it too.
                continue
    if listener and found.spoken:
        for leaf, entry in listener.hear(found.spoken):
            found.entries[leaf].append(entry)
    return found


def _take_in(envelope: Envelope, payload: bytes, found: Read) -> None:
    if envelope.type in _CONTROL:
        _control(decode(payload), found)
    elif envelope.type in DECISIONS:
        if put := decided_in(envelope, payload):
            found.decided.setdefault(put[0], []).append(put[1])
            found.workspaces[put[0]] = envelope.workspace
    elif envelope.type not in _OURS:
        found.named.update(envelope.identifiers)
        if found.received_at is None or envelope.received_at > found.received_at:
            found.received_at = envelope.received_at
        if envelope.type in ACTS:
            _act(decode(payload), found)
        if kept := entry_in(envelope, payload):
            leaf, entry = kept
            if leaf not in found.entries:
                found.entries[leaf], found.events[leaf] = [], []
                found.workspaces[leaf] = envelope.workspace
            found.entries[leaf].append(entry)
            found.events[leaf].append(envelope)
            if envelope.type in SPOKEN:
                found.spoken.append(Spoken(leaf, envelope.workspace, entry, payload))


def _control(event: Recorded[Any], found: Read) -> None:
    match event.data:
        case ClockTicked(ticked_at=at):
            found.tick = max(found.tick or at, at)
        case ModelPromoted(model=model, model_version=version):
            found.promotions.append(PromotionRow(event.workspace, *event.rank, model, version))


def _act(event: Recorded[Any], found: Read) -> None:
    at = event.occurred_at
    match event.data:
        case AlertAcknowledged(alert_id=alert_id, by=by) as data:
            act = Act(event.workspace, alert_id, at, by, data.action, data.snoozed_until_at)
        case AlertClosed(alert_id=alert_id, by=by, reason=reason) if by != PLATFORM:
            act = Act(event.workspace, alert_id, at, by, reason, is_closing=True)
        case _:
            return
    found.acts.append(act)
    found.acted_on.update(event.identifiers)


_CONTROL: Final = frozenset({"clock.ticked", "model.promoted"})
_OURS: Final = frozenset({"score.computed", "alert.raised"})
"""What scoring itself decided: not even looked into."""
