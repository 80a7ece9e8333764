"""Lives and rules for the laws of alerts: few days, small windows, so that much happens."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules import Episode, Life, Rulebook, Standing
from services.scoring.rules.episodes import BEGINNING, Track, advance, follows
from services.scoring.rules.looks import Look
from services.scoring.rules.stages import Eras, Newcomers
from services.scoring.rules.standing import FOREVER
from tests.alerting import at_s, rule

STEP_S: Final = 6 * 3600
FIRST_S: Final = at_s("2026-01-01")
DAYS: Final = 50
END_S: Final = FIRST_S + (DAYS + 20) * DAY_S
STEPS: Final = range(FIRST_S, END_S + 1, STEP_S)


def _kind(type_: str, about: str = "", value: float = 0.0, unit: str = "") -> Any:
    return st.just((type_, about, value, unit))


KINDS: Final = st.one_of(
    _kind("purchase.completed", "o-1", 4000.0, "EUR"),
    _kind("purchase.completed", "", 1000.0, "EUR"),
    _kind("purchase.completed", "", 9000.0, "EUR"),
    _kind("purchase.cancelled", "o-1"),
    _kind("purchase.refunded", "o-1", 3000.0, "EUR"),
    _kind("web.visited"),
    _kind("feedback.given", "", 0.2, "nps"),
    _kind("feedback.given", "", 0.9, "nps"),
    _kind("case.opened", "c-1", 0.0, "complaint"),
    _kind("case.replied", "c-1", 0.0, "agent"),
    _kind("case.replied", "c-1", 0.0, "customer"),
    _kind("case.resolved", "c-1"),
    _kind("case.reopened", "c-1"),
    _kind("subscription.payment_failed", "s-1"),
    _kind("subscription.renewed", "s-1"),
    _kind("email.complained"),
    _kind("consent.given"),
    _kind("points.expiring", str(FIRST_S + 30 * DAY_S), 600.0),
    _kind("points.redeemed", "r-1", 200.0),
    # Taken in another order than that of their causes.
    _kind("stage", "", 1.0, "at_risk"),
    _kind("stage", "", 3.0, "active"),
    _kind("stage", "", 2.0, "at_risk"),
    _kind("tier", "", 1.0, "gold"),
    _kind("tier", "", 2.0, ""),
    _kind("alert.acknowledged", "rule.x", 0.0, "key:k"),
    _kind("alert.closed", "rule.x", 0.0, "key:k"),
    _kind("alert.closed", "rule.x", 0.0, "scoring"),
)


MOODS: Final = st.one_of(
    _kind("feedback.given", "", 0.2, "nps"),
    _kind("feedback.given", "", 0.9, "nps"),
    _kind("alert.acknowledged", "rule.x", 0.0, "key:k"),
)
"""For rules that ask for answers: they begin and end soon."""


@st.composite
def histories(draw: st.DrawFn, kinds: Any = KINDS) -> list[Entry]:
    """Up to thirty things that happened, in the order in which they became known."""
    count = draw(st.integers(1, 30))
    found = []
    for number in range(count):
        at = FIRST_S + STEP_S * draw(st.integers(0, 4 * DAYS))
        type_, about, value, unit = draw(kinds)
        id_ = f"e{number:02}"
        about = about or (id_ if type_.startswith("purchase") else "")
        found.append(Entry(at, type_, "s", id_, about, value, unit))
    return found


def standing_of(entries: Sequence[Entry]) -> Any:
    """A score that falls by day: a function of entries alone."""

    def standing(at: int) -> Standing:
        today = at // DAY_S
        known = [one for one in entries if one.at_s <= at]
        engagement = sum(max(0, 40 - 8 * (today - one.day)) for one in known)
        scores = {"engagement": float(min(engagement, 100))}
        return Standing(scores=scores, due_s=(today + 1) * DAY_S)

    return standing


def life_of(entries: Sequence[Entry]) -> Life:
    """All that is known, in whatever order it became so."""
    return Life.of(entries, standing_of(entries))


_BAD: Final = {"feedback": {"survey": "nps", "at_most": 6, "within_days": 5}}
_TREES: Final[list[dict[str, Any]]] = [
    {"when": [{"silent": {
        "rhythm_percent": 150, "until_percent": 400, "min_days": 2, "max_days": 9, "least_days": 2,
    }}]},
    {"when": [{"silent": {"of": "visits", "days": 6, "until_days": 15}}], "snooze_days": 9},
    {"when": [{"silent": {"of": "contact", "days": 4}}], "cool_down_days": 3},
    {"when": [{"falling": {
        "of": "spend", "recent_days": 4, "before_days": 8, "enters_at_percent": 50,
        "leaves_at_percent": 90, "minimum": 2000, "least_days": 1,
    }}]},
    {"when": [{"falling": {
        "of": "visits", "recent_days": 4, "before_days": 8, "enters_at_percent": 60,
        "leaves_at_percent": 100, "minimum": 2, "least_days": 2,
    }}]},
    {"when": [_BAD], "snooze_days": 6, "cool_down_days": 4},
    {"when": [{"unanswered": {"hours": 12}}], "snooze_days": 2},
    {"when": [{"payments_failed": {"at_least": 2, "within_days": 8}}]},
    {"when": [{"happened": {
        "types": ["email.complained", "web.visited"], "at_least": 2, "within_days": 6,
        "undone_by": ["consent.given"],
    }}]},
    {"when": [{"points_expiring": {"at_least": 500, "within_days": 9}}]},
    {"when": [{"score": {"name": "engagement", "enters_at": 60.0, "leaves_at": 30.0}}],
     "snooze_days": 5},
    {"when": [{"score": {"name": "engagement", "enters_at": 10.0, "leaves_at": 50.0}}]},
    {"when": [_BAD, {"silent": {"days": 2}}], "who": {"stages": ["at_risk"]}},
    {"when": [_BAD], "who": {"least_spend_minor": 5000, "currency": "EUR"}},
    {"at_least": 2, "when": [_BAD, {"silent": {"days": 3}}, {"unanswered": {"hours": 6}}]},
    {"when": [{"combined": {"at_least": 2, "within_days": 7, "of": [
        {"feedback": {"at_most": 6}}, {"payments_failed": {"at_least": 1}},
        {"unanswered": {"hours": 12}}, {"happened": {"types": ["purchase.refunded"]}},
        {"score": {"name": "engagement", "enters_at": 20.0, "leaves_at": 40.0}},
    ]}}], "cool_down_days": 2},
    {"when": [_BAD], "who": {"tiers": ["gold", "bronze"]}},
    {"when": [_BAD], "who": {"stages": ["active"], "tiers": ["gold"]}, "snooze_days": 3},
]  # fmt: skip
RULES: Final = [rule(**tree) for tree in _TREES]


def _day(number: int) -> datetime:
    return datetime.fromtimestamp(FIRST_S + number * DAY_S, UTC)


ERAS: Final = Eras(
    [
        (-FOREVER, Newcomers("at_risk", "bronze")),
        (FIRST_S + 12 * DAY_S, Newcomers("active")),
        (FIRST_S + 25 * DAY_S, Newcomers("prospect", "gold")),
    ]
)
"""Where newcomers are."""


def book_of(number: int) -> Rulebook:
    """One of the rules; the last two are rules that change."""
    if number < len(RULES):
        return Rulebook("rule", [(None, 1, RULES[number])], ERAS)
    if number == len(RULES):
        first, second, third = RULES[2], RULES[5], RULES[8]
        return Rulebook("rule", [(None, 1, first), (_day(20), 2, second), (_day(30), 3, third)])
    # Begins late, and is switched off for a time.
    on, off = RULES[5], rule(**_TREES[5], is_enabled=False)
    return Rulebook("rule", [(_day(5), 1, on), (_day(15), 2, off), (_day(25), 3, on)])


QUIET: Final = st.just(5).map(book_of)
"""The one with a snooze and a cool-down."""
RULED: Final = st.integers(0, len(RULES) + 1).map(book_of)


class Kept:
    """A rule as a service lives it: batches as they come, ticks, a stored track."""

    def __init__(self, book: Rulebook) -> None:
        self._book = book
        self._entries: list[Entry] = []
        self._track = BEGINNING
        self._episodes: dict[int, Episode] = {}

    def take_in(self, batch: Sequence[Entry], until_s: int) -> None:
        """New entries, with time come so far; what is late makes all be lived anew."""
        self._entries += batch
        if not all(follows(self._track, self._book, entry) for entry in batch):
            self._track = BEGINNING
            self._episodes = {}
        self.tick(until_s)

    def tick(self, until_s: int) -> None:
        """Time came so far."""
        life = life_of(self._entries)
        self._track, found = advance(self._track, self._book, life, until_s)
        self._episodes |= {one.began_s: one for one in found}

    @property
    def episodes(self) -> list[Episode]:
        """All of them."""
        return [self._episodes[at] for at in sorted(self._episodes)]

    @property
    def track(self) -> Track:
        """As it is stored."""
        return self._track


def hour_by_hour(book: Rulebook, entries: Sequence[Entry]) -> list[tuple[int, int | None]]:
    """When it began and ended to hold: looked at every six hours, with what was known then alone.

    The plain way: no due times, no types left out, no state but whether it holds.
    """
    found: list[tuple[int, int | None]] = []
    for at in STEPS:
        life = life_of([entry for entry in entries if entry.at_s <= at])
        if not life.entries:
            # Nobody knows of this customer yet.
            continue
        ready = book.at(at)
        is_open = bool(found) and found[-1][1] is None
        look = (ready.stays if is_open else ready.enters)(life, at) if ready else Look(holds=False)
        if is_open and not look.holds:
            found[-1] = found[-1][0], at
        elif look.holds and not is_open:
            found.append((at, None))
    return found
