"""Engagement: how much a customer does with us, each act fading by half in two weeks.

Acts are counted by family and day, in integers, and so is their fading: the score is the same
whatever order they were counted in.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from services.scoring.model.explanation import Contribution, Explained, explained
from services.scoring.model.history import DAY_S, Entry, until

Buckets: TypeAlias = Mapping[tuple[str, int], int]
"""Acts by family and day since 1970."""

ACTS: Final = frozenset(
    "appointment.booked appointment.held call.ended case.opened case.replied chat.ended "
    "consent.given deal.opened deal.won email.clicked email.opened email.received feedback.given "
    "form.submitted message.received points.redeemed purchase.completed subscription.renewed "
    "subscription.started web.acted web.visited".split()
)
"""What customers do themselves; that we wrote to them says nothing of them."""

WEIGHTS: Final[Mapping[str, int]] = {
    "purchase": 10,
    "deal": 10,
    "appointment": 8,
    "subscription": 8,
    "form": 6,
    "points": 4,
    "feedback": 4,
    "chat": 3,
    "call": 3,
    "message": 2,
    "case": 2,
    "email": 1,
    "web": 1,
    "consent": 1,
}
"""What an act weighs. A judgement, not a fit: an outcome weighs ten times a look."""

HALF_LIFE_DAYS: Final = 14
HALF: Final = 30
"""Weight at which the score is 50: a purchase a week, about, with its visits and mails."""
CAP: Final = 10
"""More acts of a family on one day count as so many: a page that reloads itself is no interest."""
MICRO: Final = 1_000_000
DECAY: Final = tuple(round(MICRO * 0.5 ** (age / HALF_LIFE_DAYS)) for age in range(181))
DAYS: Final = len(DECAY)


def buckets(entries: Iterable[Entry]) -> Buckets:
    """``entries`` as they are counted."""
    return Counter((entry.family, entry.day) for entry in entries if is_act(entry))


def is_act(entry: Entry) -> bool:
    """Whether the customer did it, and no agent, bot or caller of ours."""
    is_ours = entry.unit in ("agent", "bot") or entry.unit.startswith("outbound")
    return entry.type in ACTS and not is_ours


def weight(acts: Buckets, day: int) -> dict[str, int]:
    """What each family weighs on ``day``, in millionths, from acts until then."""
    found: dict[str, int] = {}
    for (family, on), count in acts.items():
        if 0 <= day - on < DAYS:
            one = WEIGHTS[family] * min(count, CAP) * DECAY[day - on]
            found[family] = found.get(family, 0) + one
    return found


def shares(weights: Mapping[str, int]) -> dict[str, float]:
    """From 0 to 100 in all: w / (w + 30) of all weight w, shared out as the families weigh."""
    whole = sum(weights.values()) + HALF * MICRO
    return {family: 100 * one / whole for family, one in weights.items()}


def score(acts: Buckets, day: int) -> Explained:
    """The score, of what each family weighs."""
    weights = weight(acts, day)
    return explained(
        0.0,
        (
            Contribution(family, share, {"weight": weights[family] / MICRO})
            for family, share in shares(weights).items()
        ),
    )


def of_entries(entries: Iterable[Entry], at_s: int) -> Explained:
    """The score at ``at_s``, each contribution with the events that it comes from."""
    known = until(entries, at_s)
    acts = buckets(known)
    day = at_s // DAY_S
    counted: dict[str, list[str]] = {}
    for entry in known:
        if is_act(entry) and day - entry.day < len(DECAY):
            counted.setdefault(entry.family, []).append(entry.id)
    found = score(acts, day)
    return Explained(
        found.score,
        found.base,
        tuple(
            Contribution(part.name, part.value, part.evidence, tuple(counted[part.name]))
            for part in found.contributions
        ),
    )
