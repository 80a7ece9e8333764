"""Alerting: what the fold tells of alerts, and what became of those that were told.

Level-triggered, as all decisions are: episodes are compared with the alerts that were told, and the
event, that memory and the customer's row commit together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, TypeAlias

from schemas import AlertClosed, AlertRaised
from services.fold.deciding import RESTATED_AFTER, Cause
from services.fold.decisions import decision
from services.scoring.rules import Leaving, Life, Told, judged, news
from services.scoring.rules.episodes import PLATFORM, Episode
from services.scoring.rules.leaving import purchased
from services.scoring.rules.telling import Close, Raise, closed, raised
from services.scoring.telling import CauseOf, Now
from services.scoring.watching import Watched
from services.store.alerts import Act, AlertRow
from services.store.scores import Member, ScoreChanges, ScoringTransaction

LEFT: Final = Leaving()
"""What counts as having left, in every figure of every rule."""

Known: TypeAlias = tuple[Life, int]
"""A life, and how far it is known."""


@dataclass(frozen=True, slots=True)
class Around:
    """What else a transaction knows."""

    groups: Mapping[str, Sequence[Member]]
    """All identifiers of each customer: under each of them alerts may have been told."""
    acts: Sequence[Act]
    """What people did."""
    acted_on: frozenset[str] | set[str]
    """Identifiers of those whom these acts are about."""
    to_judge: frozenset[str] | set[str]
    """Identifiers of whom it may be known what became of them."""
    known_at: datetime | None
    """How far time had come when it was decided: what is much older is history."""

    def may_be_news(self, now: Now, found: Watched) -> bool:
        """Whether there may be something to tell of a customer as they stand now."""
        if found.is_anew or found.anew:
            return True
        if found.episodes and any(one.raised_s is not None for one in found.episodes):
            return True
        if not self.acted_on and not self.to_judge:
            return False
        members = self.members(now)
        return not self.acted_on.isdisjoint(members) or not self.to_judge.isdisjoint(members)

    def members(self, now: Now) -> list[str]:
        """All identifiers of a customer."""
        return [one.identifier for one in self.groups[now.customer]]


def tell_alerts(
    news: Sequence[tuple[Now, Watched]], watched: Iterable[str], telling: "Telling"
) -> None:
    """Tell what is new of those who may be news, each alert once; ``watched`` has everybody."""
    if news:
        telling.tell(news)
    telling.give_up(watched)


class Telling:
    """Tells, and remembers what was told."""

    def __init__(
        self, around: Around, cause_of: CauseOf, tx: ScoringTransaction, changes: ScoreChanges
    ) -> None:
        self._around, self._cause_of, self._tx, self._changes = around, cause_of, tx, changes
        self._rows: dict[str, AlertRow] = {}

    def tell(self, watched: Sequence[tuple[Now, Watched]]) -> None:
        """Compare the episodes of each with what was told."""
        members = {now.customer: self._around.members(now) for now, _ in watched}
        known = self._tx.alerts({one for named in members.values() for one in named})
        by_identifier: dict[str, list[AlertRow]] = {}
        for row in known:
            by_identifier.setdefault(row.customer_id, []).append(row)
        for now, found in watched:
            rows = [row for one in members[now.customer] for row in by_identifier.get(one, ())]
            self._of(now, found, rows)
        stored = {row.alert_id: row for row in known}
        self._changes.alerts += [
            row for id_, row in self._rows.items() if row != stored.get(id_)
        ]  # fmt: skip

    def give_up(self, watched: Iterable[str]) -> None:
        """Ask no more what became of those of whom nothing is left to watch."""
        if not self._around.to_judge:
            return
        groups = self._around.groups
        named = {one.identifier for customer in watched for one in groups[customer]}
        if gone := self._around.to_judge - named:
            self._changes.alerts += [
                row._replace(outcome_due_at=None) for row in self._tx.alerts(gone)
            ]  # fmt: skip

    def _of(self, now: Now, found: Watched, rows: list[AlertRow]) -> None:
        rows = [self._acted(row) for row in rows]
        self._rows |= {row.alert_id: row for row in rows}
        rules = {one.rule for one in found.episodes} | found.anew
        told = [_told(row) for row in rows if found.is_anew or row.rule in rules]
        life = Life(now.lived.history)
        for one in news(told, found.episodes, now.customer):
            match one:
                case Raise():
                    self._raise(now, one, (life, found.until_s))
                case Close():
                    self._close(now, one)
        if self._around.to_judge and not self._around.to_judge.isdisjoint(
            self._around.members(now)
        ):
            for row in rows:
                self._judge(self._rows[row.alert_id], (life, found.until_s))

    def _acted(self, row: AlertRow) -> AlertRow:
        named = row.workspace, row.alert_id
        for act in sorted((one for one in self._around.acts if one[:2] == named), key=_when):
            if act.is_closing and row.closed_at is None:
                row = row._replace(closed_at=act.at, closed_by=act.by, reason=act.action)
            elif not act.is_closing:
                row = row._replace(
                    acknowledged_at=row.acknowledged_at or act.at,
                    acknowledged_by=row.acknowledged_by or act.by,
                    action=act.action or row.action,
                    acted_at=row.acted_at or (act.at if act.action else None),
                    snoozed_until=act.snoozed_until or row.snoozed_until,
                )
        return row

    def _raise(self, now: Now, told: Raise, known: Known) -> None:
        episode = told.episode
        at = _at(episode.raised_s or 0)
        is_old = self._around.known_at is not None and (
            self._around.known_at - at > RESTATED_AFTER
        )  # fmt: skip
        data = raised(told, now.customer, is_restated=is_old)
        self._say(now, data, at)
        row = AlertRow(
            now.workspace, told.alert_id, now.customer, episode.rule, episode.version,
            episode.severity, episode.owner, _at(episode.began_s), at, dict(episode.facts),
            list(episode.events), is_old,
        )  # fmt: skip
        self._rows[told.alert_id] = row
        self._judge(row._replace(outcome_due_at=at), known)

    def _close(self, now: Now, told: Close) -> None:
        row = self._rows[told.alert_id]
        # Of a reason that never was, as of when the alert was: it can't come before its alert.
        at = row.raised_at if told.at_s is None else max(_at(told.at_s), row.raised_at)
        data = closed(told, is_restated=row.is_restated)
        self._say(now, data, at)
        self._rows[told.alert_id] = row._replace(
            closed_at=at, closed_by=PLATFORM, reason=told.reason
        )  # fmt: skip

    def _say(self, now: Now, data: AlertRaised | AlertClosed, at: datetime) -> None:
        key = f"{data.type}\0{now.workspace}\0{data.alert_id}"
        id_ = blake2b(key.encode(), digest_size=16).hexdigest()
        cause: Cause = self._cause_of(now)
        is_cause = cause.id is not None and cause.at.replace(microsecond=0) == at
        event = decision(
            data,
            id_=id_,
            occurred_at=at,
            identifiers=[now.customer],
            cause=cause.id if is_cause else None,
        )
        self._changes.outbox.append((now.workspace, event))

    def _judge(self, row: AlertRow, known: Known) -> None:
        """Note what became of the customer, as far as it is known."""
        life, until_s = known
        if row.outcome_due_at is None or row.outcome_due_at.timestamp() > until_s:
            return
        raised_s = int(row.raised_at.timestamp())
        episode = Episode(row.rule, raised_s, row.policy_version, raised_s)
        [found] = judged([episode], life, LEFT, until_s)
        due_s = purchased(life, LEFT, until_s).next_look_s(raised_s)
        acted_at = row.acted_at or (_at(found.acted_s) if found.acted_s is not None else None)
        self._rows[row.alert_id] = row._replace(
            outcome=found.outcome,
            acted_at=acted_at,
            outcome_due_at=None if found.outcome != "unknown" or due_s is None else _at(due_s),
        )


def _told(row: AlertRow) -> Told:
    closed_s = None if row.closed_at is None else int(row.closed_at.timestamp())
    return Told(row.alert_id, row.rule, int(row.began_at.timestamp()), closed_s)


def _at(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _when(act: Act) -> tuple[datetime, bool]:
    return act.at, act.is_closing
