"""Telling: what alerts are to be raised and closed, given what was told before.

Episodes are what is true by all that is known; what was told can't be taken back. A late event may
move an episode's beginning, end it earlier or show that there never was one. An alert that was
told stays the alert of the episode that it overlaps with, and the reason of one without is
withdrawn. So each episode is told once, however often it is looked at.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, Literal, NamedTuple, TypeAlias

from schemas.alert import AlertClosed, AlertRaised
from services.scoring.rules.episodes import PLATFORM, Episode
from services.scoring.rules.looks import Fact
from services.scoring.rules.standing import FOREVER

Reason: TypeAlias = Literal["recovered", "rule", "withdrawn"]
_LONGEST: Final = 1000
"""Characters of a fact (``schemas.fields.Scalar``)."""


class Told(NamedTuple):
    """An alert that was raised, as it was told."""

    alert_id: str
    rule: str
    began_s: int
    closed_s: int | None = None


class Raise(NamedTuple):
    """An alert to tell of."""

    alert_id: str
    episode: Episode


class Close(NamedTuple):
    """An alert whose reason is gone; as of when."""

    alert_id: str
    rule: str
    reason: Reason
    at_s: int | None
    """When it ended; None of a reason that never was."""


def alert_id(customer_id: str, rule: str, began_s: int) -> str:
    """The same for the same episode; begins with the rule, by which an act finds it."""
    digest = blake2b(f"{customer_id}\0{rule}\0{began_s}".encode(), digest_size=12)
    return f"{rule}.{digest.hexdigest()}"


def news(
    told: Sequence[Told], episodes: Iterable[Episode], customer_id: str
) -> list[Raise | Close]:  # fmt: skip
    """What to tell now; once it is told, nothing more until something changes."""
    rest = sorted(told, key=_began)
    found: list[Raise | Close] = []
    for episode in sorted(episodes, key=_began):
        ours = [one for one in rest if _is_of(one, episode)]
        rest = [one for one in rest if one not in ours]
        if episode.raised_s is None:
            # It was alerted, by what was known then, and is quiet by what is known now.
            found += _closed(ours, episode)
        elif ours:
            found += _closed(ours, episode)
        else:
            id_ = alert_id(customer_id, episode.rule, episode.began_s)
            found.append(Raise(id_, episode))
            if episode.ended_s is not None and episode.ended_by:
                found.append(Close(id_, episode.rule, episode.ended_by, episode.ended_s))
    found += [Close(one.alert_id, one.rule, "withdrawn", None) for one in rest if _is_open(one)]
    return found


def raised(told: Raise, customer_id: str, *, is_restated: bool) -> AlertRaised:
    """The event that tells of an alert."""
    episode = told.episode
    score, threshold = _score(episode)
    return AlertRaised(
        alert_id=told.alert_id,
        customer_id=customer_id,
        rule=episode.rule,
        policy_version=episode.version,
        severity=episode.severity,  # type: ignore[arg-type] # as the rule had it
        score=score,
        threshold=threshold,
        evidence={
            **{name: _short(fact) for name, fact in episode.facts.items()},
            "owner": episode.owner,
            "events": ", ".join(episode.events)[:_LONGEST],
        },
        is_restated=is_restated,
    )


def closed(told: Close, *, is_restated: bool = False) -> AlertClosed:
    """The event that tells that an alert's reason is gone."""
    return AlertClosed(
        alert_id=told.alert_id, by=PLATFORM, reason=told.reason, is_restated=is_restated
    )


def _is_of(told: Told, episode: Episode) -> bool:
    """Whether the two overlap; what was told is open until it was told closed."""
    if told.rule != episode.rule:
        return False
    ends = FOREVER if episode.ended_s is None else episode.ended_s
    closed_s = FOREVER if told.closed_s is None else told.closed_s
    return told.began_s < ends and episode.began_s < max(closed_s, told.began_s + 1)


def _closed(told: Iterable[Told], episode: Episode) -> list[Raise | Close]:
    if episode.ended_s is None or episode.ended_by is None:
        return []
    return [
        Close(one.alert_id, one.rule, episode.ended_by, episode.ended_s)
        for one in told
        if _is_open(one)
    ]


def _score(episode: Episode) -> tuple[float | None, float | None]:
    """The score that crossed a threshold, where the rule's own condition is one."""
    known = [
        (fact, episode.facts["score.enters_at"])
        for name, fact in episode.facts.items()
        if name.startswith("score.") and name not in ("score.enters_at", "score.leaves_at")
    ]
    return (float(known[0][0]), float(known[0][1])) if known else (None, None)


def _short(fact: Fact) -> Fact:
    return fact[:_LONGEST] if isinstance(fact, str) else fact


def _is_open(told: Told) -> bool:
    return told.closed_s is None


def _began(one: Told | Episode) -> tuple[int, str]:
    return one.began_s, one.rule
