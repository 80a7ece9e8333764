"""Histories under alert rules: complaints, answers, silence, and what people do about alerts."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec
from hypothesis import strategies as st

from schemas import (
    AlertAcknowledged,
    AlertClosed,
    CaseOpened,
    CaseReplied,
    CaseResolved,
    ClockTicked,
    Data,
    EventVoided,
    FeedbackGiven,
    LifecycleChanged,
    PolicyPublished,
    TierChanged,
)
from tests.histories import START, History, Step

DAY_S: Final = 86_400
LAST_DAY: Final = 80
_BAD: Final = {"feedback": {"survey": "nps", "at_most": 6, "within_days": 5}}
RULES: Final[Mapping[str, Mapping[str, Any]]] = {
    "silence": {"when": [{"silent": {
        "rhythm_percent": 150, "until_percent": 400, "min_days": 2, "max_days": 9, "least_days": 2,
    }}], "severity": "warning", "owner": "us"},
    "detractor": {"when": [_BAD], "snooze_days": 6, "cool_down_days": 4},
    "unanswered": {"when": [{"unanswered": {"hours": 12}}], "severity": "critical"},
    "spender": {"when": [_BAD], "who": {"least_spend_minor": 5000, "currency": "EUR"}},
    "engaged": {"when": [{"score": {"name": "engagement", "enters_at": 30.0, "leaves_at": 10.0}}]},
    "staged": {"when": [_BAD], "who": {"stages": ["at_risk", "prospect"]}},
    "tiered": {"when": [_BAD], "who": {"tiers": ["gold", "bronze"]}, "cool_down_days": 2},
    "modelled": {"when": [{"score": {"name": "p_alive", "enters_at": 0.3, "leaves_at": 0.5}}]},
}  # fmt: skip


NEWCOMERS: Final[Mapping[Literal["lifecycle", "loyalty"], Mapping[str, Any]]] = {
    "lifecycle": {"stages": [{"name": "prospect"}]},
    "loyalty": {
        "tiers": {"window": {"days": 30}, "levels": [{"name": "bronze", "threshold": 0}]}
    },
}  # fmt: skip
"""Policies by which customers of whom nothing was decided are somewhere, too."""


class Alerting(History):
    """A history that alert rules look at; times are in days."""

    def tell(self, data: Data, *identifiers: str, at: float = 0, **more: Any) -> Any:
        """As ``History``, with days for seconds."""
        return super().tell(data, *identifiers, at=at * DAY_S, **more)

    def ruled(
        self,
        name: str,
        tree: Mapping[str, Any],
        *,
        version: int = 1,
        effective: float | None = None,
        kind: Literal["alert", "lifecycle", "loyalty"] = "alert",
    ) -> None:
        """An alert rule is published, or another policy."""
        effective_at = None if effective is None else START + timedelta(days=effective)
        data = PolicyPublished(
            kind=kind, name=name, policy_version=version, effective_at=effective_at,
            rules=dict(tree), by="test",
        )  # fmt: skip
        self.say(data, at=max(0.0, (effective or 0) - 1))

    def ticked(self, *, at: float) -> None:
        """Time passes."""
        self.say(ClockTicked(ticked_at=START + timedelta(days=at)), at=at)

    def rated(self, score: int, name: str, *, at: float) -> None:
        """A customer gives feedback."""
        data = FeedbackGiven(survey="nps", score=score, scale_min=0, scale_max=10)
        self.tell(data, name, at=at)

    def complained(self, case: str, name: str, *, at: float) -> None:
        """A complaint is opened."""
        self.tell(CaseOpened(case_id=case, kind="complaint"), name, at=at)

    def answered(self, case: str, name: str, *, at: float) -> None:
        """We answer."""
        self.tell(CaseReplied(case_id=case), name, at=at)

    def resolved(self, case: str, name: str, *, at: float) -> None:
        """The case is settled."""
        self.tell(CaseResolved(case_id=case), name, at=at)

    def acknowledged(self, rule_: str, name: str, *, at: float) -> None:
        """Somebody takes care of an alert of that rule."""
        self.say(AlertAcknowledged(alert_id=f"{rule_}.x", by="key:k"), name, at=at)

    def settled(self, rule_: str, name: str, *, at: float) -> None:
        """Somebody closes it."""
        self.say(AlertClosed(alert_id=f"{rule_}.x", by="key:k"), name, at=at)

    def taken_back(self, number: int, *, at: float) -> None:
        """One of the earlier purchases."""
        found = [event for event in self.events if event.type == "purchase.completed"]
        if found:
            event = found[number % len(found)]
            data = EventVoided(
                event_source=event.source, event_id=event.id, event_type="purchase.completed",
                leaf=event.leaf, order_id=getattr(event.data, "order_id", None), by="test",
            )  # fmt: skip
            self.say(data, at=at)

    def moved(self, stage: str, lag: float, name: str, *, at: float) -> None:
        """The projector decides, so many days after the cause."""
        self._decided(LifecycleChanged(customer_id=self.hash(name), stage=stage, policy_version=1),
                      lag, name, at)  # fmt: skip

    def levelled(self, tier: str | None, lag: float, name: str, *, at: float) -> None:
        """The same of a tier."""
        self._decided(TierChanged(customer_id=self.hash(name), tier=tier, policy_version=1),
                      lag, name, at)  # fmt: skip

    def _decided(self, data: Data, lag: float, name: str, at: float) -> None:
        self.say(data, name, at=at)
        taken_at = START + timedelta(days=at + lag)
        self.events[-1] = msgspec.structs.replace(self.events[-1], received_at=taken_at)

    def say(self, data: Data, *identifiers: str, at: float) -> None:
        """As the platform does."""
        self.tell(data, *identifiers, at=at, source="touchline", key_kind="platform")


def _step(verb: str, *arguments: Any, is_named: bool = True) -> st.SearchStrategy[Step]:
    drawn = st.tuples(*(one if isinstance(one, st.SearchStrategy) else st.just(one)
                        for one in arguments))  # fmt: skip
    days = st.integers(0, 4 * LAST_DAY).map(lambda quarter: quarter / 4)
    return st.builds(
        lambda of, name, day: Step(verb, of, (name,) if is_named else (), {"at": day}),
        drawn, st.sampled_from(("user:1", "user:2", "email:a@b.example")), days,
    )  # fmt: skip


LAGS: Final = st.sampled_from((0.0, 0.0, 0.5, 20.0))
ORDERS = st.integers(1, 30).map(lambda number: f"o{number}")
HAPPENINGS: Final = st.one_of(
    *(_step("bought", ORDERS, st.sampled_from((900, 4_000))) for _ in range(5)),
    _step("rated", st.sampled_from((2, 9))),
    _step("complained", st.sampled_from(("c-1", "c-2"))),
    _step("answered", st.sampled_from(("c-1", "c-2"))),
    _step("resolved", st.just("c-1")),
    _step("acknowledged", st.sampled_from([*RULES])),
    _step("settled", st.sampled_from([*RULES])),
    _step("moved", st.sampled_from(("at_risk", "loyal", "prospect")), LAGS),
    _step("levelled", st.sampled_from(("gold", "silver", None)), LAGS),
    _step("taken_back", st.integers(0, 20), is_named=False),
)
STORIES: Final = st.lists(HAPPENINGS, min_size=1, max_size=30)
TICKS: Final = st.lists(st.integers(1, 4 * LAST_DAY), max_size=4)


def lived(steps: Sequence[Step], ticks: Sequence[int], *, ends: bool = True) -> Alerting:
    """Under all rules, one of which changes; ended by a last minute."""
    history = Alerting()
    for name, tree in RULES.items():
        history.ruled(name, tree)
    history.ruled("detractor", {"when": [_BAD], "snooze_days": 2}, version=2, effective=40)
    for kind, tree in NEWCOMERS.items():
        history.ruled("default", tree, kind=kind)
    for step in steps:
        getattr(history, step.verb)(*step.arguments, *step.named, **step.more)
    for tick in ticks:
        history.ticked(at=tick / 4)
    if ends:
        history.ticked(at=LAST_DAY + 40)
    return history
