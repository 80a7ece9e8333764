"""Histories under rules: policies, time zones and ticks, points spent, adjusted and taken back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from schemas import (
    ClockTicked,
    Data,
    EventVoided,
    FeedbackGiven,
    PointsAdjusted,
    PointsRedeemed,
    PolicyPublished,
    RewardGranted,
    WorkspaceChanged,
)
from schemas.rules import lifecycle
from tests.happenings import AT, BATCHES, MERGES, NAMED, ORDERS, SHUFFLES, SPLITS, TRADE, many
from tests.histories import START, History, Step

DAY_S: Final = 86_400
PROGRAMMES: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "earn": [{"name": "spend", "currency": "EUR", "per_minor": 100, "points": 1}],
        "return_window": {"days": 3},
        "expiry": {"rule": "rolling", "after": {"days": 12}},
        "notice_days": 4,
        "tiers": {
            "window": {"days": 10},
            "grace": {"days": 5},
            "levels": [
                {"name": "silver", "threshold": 20},
                {"name": "gold", "threshold": 60, "percent": 150},
            ],
        },
    },
    {
        "earn": [
            {"name": "spend", "currency": "EUR", "per_minor": 50, "points": 2, "most_per_day": 40},
            {"name": "dollars", "currency": "USD", "per_minor": 100, "points": 1},
        ],
        "expiry": {"rule": "inactivity", "after": {"days": 8}},
        "feedback": {"points": 5},
        "first_purchase_points": 10,
    },
)
ZONES: Final = ("Asia/Kathmandu", "America/New_York", "UTC")
_VOIDABLE: Final = (
    "purchase.completed", "purchase.refunded", "points.redeemed", "points.adjusted",
    "reward.granted",
)  # fmt: skip


class Ruled(History):
    """A history that rules change; times are in days."""

    def tell(self, data: Data, *identifiers: str, at: float = 0, **more: Any) -> Any:
        """As ``History``, with days for seconds."""
        return super().tell(data, *identifiers, at=at * DAY_S, **more)

    def programme(self, number: int, *, at: float, effective: float | None) -> None:
        """A loyalty policy."""
        self._rule(("loyalty", "default"), PROGRAMMES[number], at, effective)

    def machine(self, name: str, *, at: float, effective: float | None) -> None:
        """A lifecycle machine that ships."""
        self._rule(("lifecycle", name), lifecycle.default_rules()[name], at, effective)

    def zoned(self, zone: str, *, at: float) -> None:
        """The workspace moves."""
        self._say(WorkspaceChanged(time_zone=zone, by="test"), at=at)

    def ticked(self, *, at: float) -> None:
        """Time passes."""
        self._say(ClockTicked(ticked_at=_instant(at)), at=at)

    def redeemed(self, points: int, name: str, *, at: float) -> None:
        """Points are spent, covered or not."""
        self._say(PointsRedeemed(redemption_id=f"r-{len(self.events)}", points=points), name, at=at)

    def adjusted(self, points: int, name: str, *, at: float) -> None:
        """Somebody corrects a balance."""
        id_ = f"a-{len(self.events)}"
        self._say(PointsAdjusted(adjustment_id=id_, points=points, by="test"), name, at=at)

    def granted(self, points: int, name: str, *, at: float) -> None:
        """A reward of points."""
        self.tell(RewardGranted(reward_id=f"w-{len(self.events)}", points=points), name, at=at)

    def rated(self, name: str, *, at: float) -> None:
        """A customer gives feedback."""
        data = FeedbackGiven(survey="nps", score=9, scale_min=0, scale_max=10)
        self.tell(data, name, at=at)

    def voided(self, number: int, *, at: float) -> None:
        """One of the earlier events is taken back, if that can be."""
        found = [event for event in self.events if event.type in _VOIDABLE]
        if found:
            event = found[number % len(found)]
            data = EventVoided(
                event_source=event.source,
                event_id=event.id,
                event_type=event.type,  # type: ignore[arg-type]
                leaf=event.leaf,
                order_id=getattr(event.data, "order_id", None),
                by="test",
            )
            self._say(data, at=at)

    def _rule(
        self, named: tuple[str, str], rules: Mapping[str, Any], at: float, effective: float | None
    ) -> None:
        kind, name = named
        data = PolicyPublished(
            kind=kind,  # type: ignore[arg-type]
            name=name,
            policy_version=1 + len(self.events),
            effective_at=None if effective is None else _instant(effective),
            rules=dict(rules),
            by="test",
        )
        self._say(data, at=at)

    def _say(self, data: Data, *identifiers: str, at: float) -> None:
        self.tell(data, *identifiers, at=at, source="touchline", key_kind="platform")


def _instant(days: float) -> datetime:
    return START + timedelta(days=days)


def _step(verb: str, *drawn: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[Step]:
    return st.tuples(st.tuples(*drawn), st.fixed_dictionaries({"at": AT, **more})).map(
        lambda one: Step(verb, one[0], (), one[1])
    )


_NAME = NAMED.map(lambda names: names[0])
_EFFECTIVE = st.none() | st.integers(0, 40)
RULES = st.one_of(
    _step("programme", st.integers(0, 1), effective=_EFFECTIVE),
    _step("machine", st.sampled_from(["default", "crm", "journey"]), effective=_EFFECTIVE),
    _step("zoned", st.sampled_from(ZONES)),
)
POINTS = st.one_of(
    _step("redeemed", st.integers(1, 80), _NAME),
    _step("adjusted", st.integers(-50, 50), _NAME),
    _step("granted", st.integers(0, 50), _NAME),
    _step("rated", _NAME),
    _step("voided", st.integers(0, 20)),
)
_TICKS = _step("ticked")
LIVES = many(st.one_of(RULES, RULES, TRADE, TRADE, TRADE, POINTS, POINTS, MERGES, SPLITS, _TICKS))
"""Lives under rules, in any order."""
RULED_APART = many(st.one_of(RULES, TRADE, TRADE, POINTS, _TICKS))
"""The same where nobody is joined or parted by hand."""

__all__ = ["BATCHES", "LIVES", "ORDERS", "RULED_APART", "SHUFFLES", "Ruled"]
