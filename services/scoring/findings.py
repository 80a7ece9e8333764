"""Findings: what the scores of nobody's making ask of a history, in one pass over it.

The models find the same by themselves, score by score; a property test holds the two together.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple

from services.scoring.model import engagement
from services.scoring.model.health import INTENT
from services.scoring.model.history import DAY_S, Entry

_FAMILIES: Final = {type_: type_.partition(".")[0] for type_ in engagement.ACTS}
_OPINIONS: Final = frozenset(
    "feedback.given case.opened case.resolved case.reopened case.closed "
    "subscription.payment_failed subscription.renewed subscription.started".split()
)
"""What satisfaction, complaints and failed payments are told by."""
_CASES: Final = frozenset({"case.opened", "case.resolved", "case.reopened", "case.closed"})
_AT: Final = itemgetter(0)
ANSWERS: Final = 3
ANSWERED_DAYS: Final = 180
FAILED_DAYS: Final = 84
"""As the features of the churn models have them."""


class Findings(NamedTuple):
    """Of one customer on one day."""

    acts: Mapping[tuple[str, int], int]
    """By family and day, as far back as engagement looks."""
    latest: Mapping[str, Entry]
    """The last act of each kind of intent."""
    has_acted: bool
    """Ever: of who never did, engagement says nothing of how they are."""
    satisfaction: float | None = None
    """Of the last answers, as a share of their scales; None without any."""
    complaints_open: int = 0
    payments_failed: int = 0


def findings(history: Sequence[Entry], at_s: int) -> Findings:
    """What ``history``, in time order and all of it until ``at_s``, says."""
    first_s = (at_s // DAY_S - len(engagement.DECAY) + 1) * DAY_S
    acts: dict[tuple[str, int], int] = {}
    latest: dict[str, Entry] = {}
    # By index: names would cost as much as all the rest, for sixty entries of each customer.
    family_of, count_of = _FAMILIES.get, acts.get
    for entry in islice(history, bisect_left(history, first_s, key=_AT), None):
        kind = entry[1]
        family = family_of(kind)
        if family is None or (entry[6] and not engagement.is_act(entry)):
            continue
        key = family, entry[0] // DAY_S
        acts[key] = count_of(key, 0) + 1
        if kind in INTENT:
            latest[kind] = entry
    has_acted = bool(acts) or any(map(engagement.is_act, history))
    told = [entry for entry in history if entry[1] in _OPINIONS]
    if not told:
        return Findings(acts, latest, has_acted)
    given = answers(told, at_s)
    return Findings(
        acts,
        latest,
        has_acted,
        sum(entry.value for entry in given) / len(given) if given else None,
        len(open_complaints(told)),
        len(failed_payments(told, at_s)),
    )


def answers(history: Iterable[Entry], at_s: int) -> Sequence[Entry]:
    """The answers that satisfaction is the mean of: the last three of half a year."""
    since_s = at_s - ANSWERED_DAYS * DAY_S
    given = [
        entry
        for entry in history
        if entry.at_s > since_s and entry.type == "feedback.given" and entry.unit != "comment"
    ]
    return given[-ANSWERS:]


def open_complaints(history: Iterable[Entry]) -> Sequence[Entry]:
    """What opened the complaints that are still open."""
    opened: dict[str, Entry] = {}
    over: dict[str, bool] = {}
    for entry in history:
        if entry.type == "case.opened" and entry.unit == "complaint":
            opened[entry.about] = entry
        if entry.type in _CASES:
            over[entry.about] = entry.type in ("case.resolved", "case.closed")
    return [entry for case, entry in opened.items() if not over[case]]


def failed_payments(history: Iterable[Entry], at_s: int) -> Sequence[Entry]:
    """Failed payments after which none went through, of twelve weeks."""
    since_s = at_s - FAILED_DAYS * DAY_S
    failed: dict[str, list[Entry]] = {}
    for entry in history:
        if entry.at_s > since_s and entry.type == "subscription.payment_failed":
            failed.setdefault(entry.about, []).append(entry)
        elif entry.type in ("subscription.renewed", "subscription.started"):
            failed.pop(entry.about, None)
    return sorted(entry for entries in failed.values() for entry in entries)
