"""Features: what is known of a customer at a time, as numbers that a churn model learns from.

``features(entries, at_s)`` looks at entries until ``at_s`` and at nothing else, in whatever order
they are given: a training set is right for its point in time because there is no other way to make
one. No feature is ever missing: where there is nothing, it has the value that says so.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from math import log
from statistics import median
from typing import Final

from services.scoring.model.history import DAY_S, Entry, until

ANSWERS: Final = frozenset({"case.replied", "chat.ended", "call.ended"})
REFUSALS: Final = frozenset({"email.unsubscribed", "email.complained", "consent.withdrawn"})
VISITS: Final = frozenset({"web.visited", "web.acted", "purchase.completed"})
NO_RHYTHM: Final = 90.0
"""Days between purchases of who has not come twice yet."""


@dataclass(frozen=True, slots=True)
class Features:
    """One customer at one time; days, counts, shares, or logarithms of ratios."""

    purchase_days: float
    """Days with a purchase that was not cancelled."""
    age_days: float
    """Since the first of them."""
    silence_days: float
    """Since the last of them."""
    rhythm_days: float
    """Median days between one and the next."""
    silence_in_rhythms: float
    """Silence against the customer's own rhythm: at 3 they missed two visits."""
    longest_gap_days: float
    purchases_28: float
    purchases_84: float
    purchase_trend: float
    """Log of the last 28 days against a third of the last 84, each plus one."""
    spend_28: float
    """Net of refunds, in the currency they use most; log of whole units plus one."""
    spend_84: float
    spend_trend: float
    basket: float
    """Log of the median purchase."""
    refunds_84: float
    visits_28: float
    visit_trend: float
    complaints_open: float
    complaint_days: float
    """Since the oldest open one was opened."""
    cases_84: float
    answer_hours: float
    """Median wait for an answer in the last 84 days."""
    abandoned_84: float
    """Calls and chats that they gave up waiting for."""
    scores_given: float
    """In the last 180 days."""
    satisfaction: float
    """Mean of their last three scores, as a share of the scale; 0.5 without any."""
    detractions_180: float
    """Scores in the lower half of their scale."""
    mails_84: float
    mail_interest: float
    """Mails opened or clicked against mails sent in 84 days, one of each added."""
    refusals: float
    """Unsubscribed, complained of mail or withdrew a consent, in the last 180 days."""
    rewards_84: float
    payments_failed: float
    """Since the last that went through, in 84 days."""
    points_expiring: float
    """Log of announced points, plus one, that have not expired yet and were not redeemed since."""


NAMES: Final = tuple(field.name for field in fields(Features))


def features(entries: Iterable[Entry], at_s: int) -> Features:
    """What ``entries`` say at ``at_s``; later ones are not looked at."""
    known = until(entries, at_s)
    of = _Windows(known, at_s)
    cancelled = {entry.about for entry in known if entry.type == "purchase.cancelled"}
    bought = [entry for entry in _orders(known) if entry.about not in cancelled]
    money = _Money(bought, known, at_s)
    days = sorted({entry.day for entry in bought})
    today = at_s // DAY_S
    gaps = [after - before for before, after in pairwise(days)]
    silence = float(today - days[-1]) if days else 0.0
    rhythm = float(median(gaps)) if gaps else NO_RHYTHM
    recent, longer = (sum(day > today - span for day in days) for span in (28, 84))
    visits = [sorted({e.day for e in of.last(span) if e.type in VISITS}) for span in (28, 84)]
    complaints = _open_complaints(known)
    waits = [e.value / 3600 for e in of.last(84) if _is_answer(e)]
    given = [e.value for e in of.last(180) if e.type == "feedback.given" and e.unit != "comment"]
    last = given[-3:]
    mails = of.count(84, {"email.sent"})
    return Features(
        purchase_days=float(len(days)),
        age_days=float(today - days[0]) if days else 0.0,
        silence_days=silence,
        rhythm_days=rhythm,
        silence_in_rhythms=silence / max(rhythm, 1.0),
        longest_gap_days=float(max(gaps, default=0)),
        purchases_28=float(recent),
        purchases_84=float(longer),
        purchase_trend=_trend(recent, longer),
        spend_28=_size(money.net(28)),
        spend_84=_size(money.net(84)),
        spend_trend=_trend(money.net(28), money.net(84)),
        basket=_size(money.basket()),
        refunds_84=of.count(84, {"purchase.refunded"}),
        visits_28=float(len(visits[0])),
        visit_trend=_trend(len(visits[0]), len(visits[1])),
        complaints_open=float(len(complaints)),
        complaint_days=(at_s - min(complaints)) / DAY_S if complaints else 0.0,
        cases_84=of.count(84, {"case.opened"}),
        answer_hours=float(median(waits)) if waits else 0.0,
        abandoned_84=float(sum("abandoned" in e.unit for e in of.last(84))),
        scores_given=float(len(given)),
        satisfaction=sum(last) / len(last) if last else 0.5,
        detractions_180=float(sum(score < 0.5 for score in given)),
        mails_84=mails,
        mail_interest=(of.count(84, {"email.opened", "email.clicked"}) + 1) / (mails + 1),
        refusals=of.count(180, REFUSALS),
        rewards_84=of.count(84, {"reward.granted", "points.redeemed"}),
        payments_failed=float(_failed(of.last(84))),
        points_expiring=log(1 + _expiring(known, at_s)),
    )


def row(found: Features) -> tuple[float, ...]:
    """As a model takes it, in the order of ``NAMES``."""
    return astuple(found)


class _Windows:
    """Entries in time order, cut at so many days before ``at_s``."""

    def __init__(self, known: Sequence[Entry], at_s: int) -> None:
        self._known, self._at_s = known, at_s
        self._times = [entry.at_s for entry in known]

    def last(self, days: int) -> Sequence[Entry]:
        return self._known[bisect_right(self._times, self._at_s - days * DAY_S) :]

    def count(self, days: int, types: Iterable[str]) -> float:
        wanted = frozenset(types)
        return float(sum(entry.type in wanted for entry in self.last(days)))


class _Money:
    """What was bought and given back, in the currency of most purchases."""

    def __init__(self, bought: Sequence[Entry], known: Sequence[Entry], at_s: int) -> None:
        units = sorted(entry.unit for entry in bought)
        unit = max(units, key=units.count, default="")
        self._at_s = at_s
        self._bought = [entry for entry in bought if entry.unit == unit]
        self._refunds = [e for e in known if e.type == "purchase.refunded" and e.unit == unit]

    def net(self, days: int) -> float:
        since = self._at_s - days * DAY_S
        bought, back = (
            sum(entry.value for entry in rows if entry.at_s > since)
            for rows in (self._bought, self._refunds)
        )
        return max(bought - back, 0.0) / 100

    def basket(self) -> float:
        return median(e.value for e in self._bought) / 100 if self._bought else 0.0


def _orders(known: Sequence[Entry]) -> list[Entry]:
    """Purchases, each order once: as it was reported first."""
    reported = (e for e in reversed(known) if e.type == "purchase.completed")
    return sorted({entry.about or entry.id: entry for entry in reported}.values())


def _trend(recent: float, longer: float) -> float:
    return log((recent + 1) / (longer / 3 + 1))


def _size(units: float) -> float:
    return log(1 + max(units, 0.0))


def _is_answer(entry: Entry) -> bool:
    return entry.type in ANSWERS and entry.value >= 0 and entry.unit not in ("customer", "bot")


def _open_complaints(known: Sequence[Entry]) -> list[int]:
    """When each complaint that is still open was opened."""
    opened = {e.about: e.at_s for e in known if e.type == "case.opened" and e.unit == "complaint"}
    states: dict[str, str] = {}
    for entry in known:
        if entry.type in ("case.opened", "case.resolved", "case.reopened", "case.closed"):
            states[entry.about] = entry.type
    return [at for case, at in opened.items() if states[case] in ("case.opened", "case.reopened")]


def _failed(recent: Sequence[Entry]) -> int:
    failed: dict[str, int] = {}
    for entry in recent:
        if entry.type == "subscription.payment_failed":
            failed[entry.about] = failed.get(entry.about, 0) + 1
        elif entry.type in ("subscription.renewed", "subscription.started"):
            failed[entry.about] = 0
    return sum(failed.values())


def _expiring(known: Sequence[Entry], at_s: int) -> float:
    announced = [e for e in known if e.type == "points.expiring" and int(e.about) > at_s]
    if not announced:
        return 0.0
    told = announced[-1]
    spent = sum(e.value for e in known if e.type == "points.redeemed" and e.at_s >= told.at_s)
    return max(told.value - spent, 0.0)
