"""Episodes: the times in which a rule held of a customer, each of which raises one alert.

A rule is lived from one instant that may change something to the next: an entry it looks at, or
the instant at which time alone may (``due_s``). What happens at an instant depends on the entries
until then, the rule's versions and the standing, and on nothing else. So ticks, batches and
restarts change no episode, and living on from a stored track gives what living anew gives.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from services.scoring.model.history import Entry
from services.scoring.rules.book import ACKNOWLEDGED, ACTS, CLOSED, Rulebook
from services.scoring.rules.life import Life
from services.scoring.rules.looks import Evidence, Fact
from services.scoring.rules.ready import Ready
from services.scoring.rules.standing import FOREVER

PLATFORM: Final = "scoring"
"""Who closes an alert when its reason is gone: told, and no act of a person."""
Ended: TypeAlias = Literal["recovered", "rule"]
"""Recovered: the reason is gone; rule: another version does not see it, or none rules."""


class Episode(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A time in which a rule held; ``(rule, began_s)`` names it among a customer's."""

    rule: str
    began_s: int
    version: int
    """Of the rule as it began."""
    raised_s: int | None = None
    """When it was alerted: at once, or when a snooze or a cool-down ended; None while quiet."""
    severity: str = ""
    owner: str = ""
    facts: dict[str, Fact] = {}
    """Values beside thresholds, as they were when it was alerted."""
    events: tuple[str, ...] = ()
    """Ids of the events behind them."""
    acknowledged_s: int | None = None
    settled_s: int | None = None
    """When somebody closed the alert though its reason lasted: it is not alerted again."""
    ended_s: int | None = None
    ended_by: Ended | None = None

    @property
    def closed_s(self) -> int | None:
        """When the alert was closed, by whom ever."""
        known = [at_s for at_s in (self.settled_s, self.ended_s) if at_s is not None]
        return min(known, default=None)


class Track(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where one rule stands of one customer: what living on takes, and no more."""

    as_of_s: int
    """The last instant that was looked at; an entry of it or before is late."""
    due_s: int
    """The first instant after at which time alone may change something."""
    quiet_until_s: int = -FOREVER
    """No alert before that."""
    open: Episode | None = None
    was_raised: bool = False
    """Whether there ever was an alert to acknowledge."""


class Verdict(NamedTuple):
    """What a rule says of a customer at an instant."""

    holds: bool
    version: int | None
    """Of the rule; None where none rules."""
    due_s: int
    """The first instant after at which time alone may change it."""
    since_s: int | None = None
    """Since when, without a break."""
    evidence: Evidence = Evidence()


BEGINNING: Final = Track(-FOREVER, FOREVER)
"""Before anything happened."""


def follows(track: Track, book: Rulebook, entry: Entry) -> bool:
    """Whether ``entry`` may be lived on to from ``track``; else all is lived anew."""
    return entry.at_s > track.as_of_s or not book.looks_at(entry)


def may_wait(
    track: Track, book: Rulebook, life: Life, new: Iterable[Entry]
) -> bool:  # fmt: skip
    """Whether ``new`` entries only let what is due come later: it is enough to look then."""
    due_s = track.due_s
    # What is due is the rule's own, and not another version of it.
    if track.open or due_s >= book.next_change(track.as_of_s):
        return False
    ready = book.at(track.as_of_s)
    return ready is not None and all(
        entry[0] < due_s and ready.postpones(life, entry, due_s) for entry in new
    )


def advance(
    track: Track, book: Rulebook, life: Life, until_s: int
) -> tuple[Track, list[Episode]]:  # fmt: skip
    """Live on until ``until_s``; the episodes that ended, and last the one that is open, if any.

    ``life`` holds all that is known, and what is new in it follows ``track``.
    """
    living = _Living(track, book, life)
    new = iter(entry for entry in life.after(track.as_of_s) if book.looks_at(entry))
    following = living.first(new, next(new, None))
    while (now_s := min(following.at_s if following else FOREVER, living.due_s)) <= until_s:
        acts: list[Entry] = []
        while following and following.at_s <= now_s:
            if following.type in ACTS:
                acts.append(following)
            following = next(new, None)
        living.live(now_s, acts)
        following = living.first(new, following)
    return living.track(), living.ended + ([living.open] if living.open else [])


def episodes(book: Rulebook, life: Life, until_s: int) -> list[Episode]:
    """All episodes of a life until ``until_s``, in order."""
    return advance(BEGINNING, book, life, until_s)[1]


def evaluate(book: Rulebook, life: Life, at_s: int) -> Verdict:
    """What the rule says at ``at_s``."""
    track, _ = advance(BEGINNING, book, life, at_s)
    ready, found = book.at(at_s), track.open
    if ready is None or found is None:
        version = ready.version if ready else None
        return Verdict(holds=False, version=version, due_s=track.due_s)
    why = ready.why(life, at_s, has_just_begun=found.began_s == at_s)
    return Verdict(
        holds=True, version=ready.version, due_s=track.due_s, since_s=found.began_s, evidence=why
    )


class _Living:
    """One rule on its way through one life."""

    def __init__(self, track: Track, book: Rulebook, life: Life) -> None:
        self._book, self._life = book, life
        self._as_of_s, self.due_s = track.as_of_s, track.due_s
        self._quiet_until_s, self._was_raised = track.quiet_until_s, track.was_raised
        self.open = track.open
        self.ended: list[Episode] = []

    def track(self) -> Track:
        return Track(
            self._as_of_s, self.due_s, self._quiet_until_s, self.open, self._was_raised
        )  # fmt: skip

    def first(self, new: Iterator[Entry], following: Entry | None) -> Entry | None:
        """``following``, or the first of those after it that has to be looked at."""
        track = self.track()
        while following and may_wait(track, self._book, self._life, (following,)):
            following = next(new, None)
        return following

    def live(self, at_s: int, acts: Iterable[Entry]) -> None:
        """What happens at one instant: the reason goes or comes, an alert is due, people act."""
        ready = self._book.at(at_s)
        self.due_s = self._book.next_change(at_s)
        if ready is None:
            self._end(at_s, "rule", 0)
        else:
            self._look(ready, at_s)
        if ready and self.open and self.open.raised_s is None:
            self._raise(ready, at_s)
        for entry in acts:
            self._act(entry, ready)
        # Whatever a condition says, time goes on.
        self._as_of_s, self.due_s = at_s, max(self.due_s, at_s + 1)

    def _look(self, ready: Ready, at_s: int) -> None:
        if self.open:
            holds, due_s = ready.stays(self._life, at_s)
            if not holds:
                has_changed = self._book.next_change(at_s - 1) == at_s
                self._end(at_s, "rule" if has_changed else "recovered", ready.cool_down_s)
                due_s = min(due_s, ready.enters(self._life, at_s).due_s)
        else:
            holds, due_s = ready.enters(self._life, at_s)
            if holds:
                self.open = Episode(self._book.name, at_s, ready.version)
                due_s = min(due_s, ready.stays(self._life, at_s).due_s)
        self.due_s = min(self.due_s, due_s)

    def _end(self, at_s: int, ended_by: Ended, cool_down_s: int) -> None:
        if self.open is None:
            return
        if self.open.raised_s is not None:
            self._quiet_until_s = max(self._quiet_until_s, at_s + cool_down_s)
        self.ended.append(msgspec.structs.replace(self.open, ended_s=at_s, ended_by=ended_by))
        self.open = None

    def _act(self, entry: Entry, ready: Ready | None) -> None:
        """What a person did about this rule's alert; its id begins with the rule's name."""
        if entry.unit == PLATFORM or not self._was_raised:
            return
        if entry.type == ACKNOWLEDGED and ready:
            # Asked for by whoever acknowledged it, or as the rule says.
            snoozed_until_s = int(entry.value) or entry.at_s + ready.snooze_s
            self._quiet_until_s = max(self._quiet_until_s, snoozed_until_s)
        if self.open is None or self.open.raised_s is None:
            return
        if entry.type == ACKNOWLEDGED and self.open.acknowledged_s is None:
            self.open = msgspec.structs.replace(self.open, acknowledged_s=entry.at_s)
        elif entry.type == CLOSED and self.open.settled_s is None:
            self.open = msgspec.structs.replace(self.open, settled_s=entry.at_s)

    def _raise(self, ready: Ready, at_s: int) -> None:
        """Alert the open episode, or wait until a snooze or a cool-down is over."""
        if self.open is None or at_s < self._quiet_until_s:
            self.due_s = min(self.due_s, self._quiet_until_s)
            return
        why = ready.why(self._life, at_s, has_just_begun=self.open.began_s == at_s)
        self._was_raised = True
        self.open = msgspec.structs.replace(
            self.open,
            raised_s=at_s,
            version=ready.version,
            severity=ready.rule.severity,
            owner=ready.rule.owner,
            facts=dict(why.facts),
            events=why.events,
        )
