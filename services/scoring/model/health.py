"""Health and temperature: one figure for customers, one for leads, from what the models say."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from services.scoring.model import engagement
from services.scoring.model.explanation import Contribution, Explained, explained
from services.scoring.model.history import DAY_S, Entry, until

Band = Literal["healthy", "watch", "risk"]
Temperature = Literal["hot", "warm", "cold"]

WEIGHTS: Final[Mapping[str, float]] = {"stays": 0.45, "engagement": 0.30, "satisfaction": 0.25}
"""What each part weighs. A judgement, not a fit."""
PENALTIES: Final[Mapping[str, float]] = {"complaints_open": 15.0, "payments_failed": 10.0}
"""Points that each takes, at most twice."""
STRANGER: Final = 50.0
HEALTHY: Final = 70.0
WATCH: Final = 40.0

HOT: Final = 60.0
WARM: Final = 25.0
INTENT: Final[Mapping[str, float]] = {
    "deal.opened": 30.0,
    "appointment.booked": 30.0,
    "form.submitted": 20.0,
    "chat.ended": 10.0,
    "email.received": 10.0,
    "email.clicked": 5.0,
}
"""Points of somebody who may buy, for the latest of each kind, fading like engagement does."""


class Signs(NamedTuple):
    """What is known of a customer; None where nothing is, which then weighs nothing."""

    churn_risk: float | None = None
    """The chance to leave, from 0 to 1."""
    engagement: float | None = None
    """From 0 to 100."""
    satisfaction: float | None = None
    """Of the last answers, as a share of their scales."""
    complaints_open: int = 0
    payments_failed: int = 0


def health(signs: Signs) -> Explained:
    """From 0 to 100: the parts by their weights, less what is wrong now; 50 of a stranger.

    What is not known leaves it where it is: of whom only one visit is known nothing bad is said.
    """
    shares = _shares(signs)
    return explained(
        STRANGER,
        (
            Contribution(name, one, {"share": shares[name]} if name in shares else {})
            for name, one in health_parts(signs).items()
        ),
    )


def health_parts(signs: Signs) -> dict[str, float]:
    """What each part adds to 50 or takes from it.

    Who is like everybody else is neither praised nor blamed for it. Where penalties would take more
    than there is, they share what there is.
    """
    parts = {name: 100 * WEIGHTS[name] * (share - 0.5) for name, share in _shares(signs).items()}
    if not signs.complaints_open and not signs.payments_failed:
        return parts
    taken = {
        "complaints_open": min(signs.complaints_open, 2) * PENALTIES["complaints_open"],
        "payments_failed": min(signs.payments_failed, 2) * PENALTIES["payments_failed"],
    }
    total = sum(taken.values())
    scale = min(1.0, max(STRANGER + sum(parts.values()), 0.0) / total)
    return parts | {name: -points * scale for name, points in taken.items() if points}


def _shares(signs: Signs) -> dict[str, float]:
    shares: dict[str, float] = {}
    if signs.churn_risk is not None:
        shares["stays"] = 1 - signs.churn_risk
    if signs.engagement is not None:
        shares["engagement"] = signs.engagement / 100
    if signs.satisfaction is not None:
        shares["satisfaction"] = signs.satisfaction
    return shares


def band(score: float) -> Band:
    if score >= HEALTHY:
        return "healthy"
    return "watch" if score >= WATCH else "risk"


def heat(entries: Iterable[Entry], at_s: int) -> Explained:
    """How near a lead is to buying at ``at_s``, from 0 to 100.

    Half of the engagement score, and points for acts of intent, which share what is left of 100
    where they come to more.
    """
    known = until(entries, at_s)
    engaged = engagement.of_entries(known, at_s)
    latest = {entry.type: entry for entry in known if _is_intent(entry)}
    return heat_of(engaged.score, latest, at_s // DAY_S)


def heat_of(engaged: float, latest: Mapping[str, Entry], day: int) -> Explained:
    """The same, of an engagement score and the ``latest`` act of each kind of intent."""
    return explained(
        0.0,
        (
            Contribution(
                name,
                one,
                {"engagement": engaged} if name == "engagement" else {},
                (latest[name].id,) if name in latest else (),
            )
            for name, one in heat_parts(engaged, latest, day).items()
        ),
    )


def heat_parts(engaged: float, latest: Mapping[str, Entry], day: int) -> dict[str, float]:
    """What engagement and each act of intent add to it."""
    if not latest:
        return {"engagement": engaged / 2}
    points = {
        name: INTENT[name] * engagement.DECAY[age] / engagement.MICRO
        for name, entry in latest.items()
        if (age := day - entry.day) < len(engagement.DECAY)
    }
    room = 100 - engaged / 2
    scale = min(1.0, room / total) if (total := sum(points.values())) else 1.0
    return {"engagement": engaged / 2, **{name: one * scale for name, one in points.items()}}


def _is_intent(entry: Entry) -> bool:
    return entry.type in INTENT and engagement.is_act(entry)


def temperature(score: float) -> Temperature:
    """Hot: call today; warm: keep in touch; cold: leave to campaigns."""
    if score >= HOT:
        return "hot"
    return "warm" if score >= WARM else "cold"
