"""Telling of alerts: each episode once, whatever became known when."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.alert import AlertClosed, AlertRaised
from services.scoring.model.history import Entry
from services.scoring.rules import Rulebook, Told, episodes, news
from services.scoring.rules.episodes import Episode
from services.scoring.rules.telling import Close, Raise, alert_id, closed, raised
from tests.alert_lives import END_S, RULED, Kept, histories, life_of
from tests.alerting import Story, at_s, book, rule

CUSTOMER = "0" * 32


def episode(began: int, ended: int | None = None, *, is_raised: bool = True) -> Episode:
    return Episode(
        "rule", began, 1, raised_s=began if is_raised else None, severity="info",
        ended_s=ended, ended_by=None if ended is None else "recovered",
    )  # fmt: skip


class Teller:
    """What was told, as a store keeps it."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.log: list[str] = []

    def tell(self, found: list[Episode]) -> None:
        for one in news(list(self.told.values()), found, CUSTOMER):
            match one:
                case Raise(id_, told):
                    assert id_ not in self.told
                    self.told[id_] = Told(id_, told.rule, told.began_s)
                    self.log.append(f"raised {told.began_s}")
                case Close(id_, _, reason, at):
                    assert self.told[id_].closed_s is None
                    ended = self.told[id_].began_s if at is None else at
                    self.told[id_] = self.told[id_]._replace(closed_s=ended)
                    self.log.append(f"{reason} {at}")


def test_an_alert_is_raised_and_closed_once() -> None:
    teller = Teller()

    for found in ([episode(5)], [episode(5)], [episode(5, 9)], [episode(5, 9)]):
        teller.tell(found)

    assert teller.log == ["raised 5", "recovered 9"]


def test_what_began_and_ended_while_nobody_looked_is_told_in_order() -> None:
    teller = Teller()

    teller.tell([episode(5, 9), episode(12)])

    assert teller.log == ["raised 5", "recovered 9", "raised 12"]


def test_an_episode_that_a_late_event_moves_is_not_told_again() -> None:
    teller = Teller()

    for found in ([episode(5)], [episode(3)], [episode(7)], [episode(7, 9)]):
        teller.tell(found)

    assert teller.log == ["raised 5", "recovered 9"]


def test_a_reason_that_never_was_is_withdrawn() -> None:
    teller = Teller()

    teller.tell([episode(5)])
    teller.tell([])
    teller.tell([])

    assert teller.log == ["raised 5", "withdrawn None"]


def test_an_episode_in_quiet_is_not_told() -> None:
    teller = Teller()

    teller.tell([episode(5, is_raised=False)])

    assert teller.log == []


def test_another_episode_after_one_that_was_closed_is_told() -> None:
    teller = Teller()

    teller.tell([episode(5, 9)])
    teller.tell([episode(5, 9), episode(9)])

    assert teller.log == ["raised 5", "recovered 9", "raised 9"]


def test_an_alert_as_an_event_says_why() -> None:
    story = Story("2026-01-01T08:00 visited\n2026-01-01 value potential\n"
                  "2026-01-02 score churn_risk 0.75")  # fmt: skip
    found = episodes(book("churn_risk"), story.life, at_s("2026-02-01"))

    [told] = news([], found, CUSTOMER)
    assert isinstance(told, Raise)
    event = raised(told, CUSTOMER, is_restated=False)

    assert (event.rule, event.severity, event.policy_version) == ("churn_risk", "warning", 1)
    assert (event.score, event.threshold) == (0.75, 0.3)
    assert event.evidence == {
        "score.churn_risk": 0.75,
        "score.enters_at": 0.3,
        "score.leaves_at": 0.2,
        "owner": "customer_success",
        "events": "",
    }
    adapter = TypeAdapter(AlertRaised)
    assert adapter.validate_json(adapter.dump_json(event)) == event


def test_an_alerts_id_begins_with_its_rule_and_is_the_same_for_the_same_episode() -> None:
    one, again = alert_id(CUSTOMER, "silence", 5), alert_id(CUSTOMER, "silence", 5)
    others = {alert_id(CUSTOMER, "silence", 6), alert_id("1" * 32, "silence", 5)}

    assert one == again
    assert one.startswith("silence.")
    assert one not in others


def test_a_closing_as_an_event_says_who_and_why() -> None:
    assert closed(Close("silence.1", "silence", "recovered", 5)) == AlertClosed(
        alert_id="silence.1", by="scoring", reason="recovered"
    )


@given(RULED, histories(), st.integers(0, 2**32), st.integers(1, 9))
def test_whatever_comes_late_nothing_is_told_twice_and_in_the_end_all_is_told(
    ruled: Rulebook, entries: list[Entry], seed: int, size: int
) -> None:
    teller, kept, shuffled = Teller(), Kept(ruled), list(entries)
    Random(seed).shuffle(shuffled)

    for at in range(0, len(shuffled), size):
        batch = shuffled[at : at + size]
        kept.take_in(batch, max(one.at_s for one in batch))
        teller.tell(kept.episodes)
    kept.take_in([], END_S)
    teller.tell(kept.episodes)
    before = list(teller.log)
    teller.tell(kept.episodes)

    assert teller.log == before
    if any(one.closed_s is None for one in teller.told.values()):
        assert episodes(ruled, life_of(entries), END_S)[-1].ended_s is None


@given(RULED, histories())
def test_told_in_the_order_in_which_it_happened_each_alert_is_told_as_it_was(
    ruled: Rulebook, entries: list[Entry]
) -> None:
    teller, kept = Teller(), Kept(ruled)

    for at in sorted({one.at_s for one in entries} | {END_S}):
        kept.take_in([one for one in entries if one.at_s == at], at)
        teller.tell(kept.episodes)

    alerted = [one for one in kept.episodes if one.raised_s is not None]
    assert [(one.began_s, one.closed_s) for one in teller.told.values()] == [
        (one.began_s, one.ended_s) for one in alerted
    ]


def test_alerts_of_different_rules_are_told_apart() -> None:
    other = rule(when=[{"happened": {"types": ["feedback.given"], "within_days": 3}}])
    story = Story("2026-01-01 nps 1")
    found = [
        *episodes(book("detractor"), story.life, at_s("2026-01-02")),
        *episodes(book(other, "other"), story.life, at_s("2026-01-02")),
    ]
    teller = Teller()

    teller.tell(found)
    teller.tell(found)

    assert len(teller.log) == 2
