"""Rules on stages and tiers in the fold: decisions in the log say where customers are."""

from typing import Any, Final

import pytest

from schemas import LifecycleChanged
from schemas.codec import encode
from services.scoring.decided import decided_in, empty, read, take_in
from services.scoring.reading import envelope_of
from services.store.scores import DECIDED
from tests.alert_histories import Alerting
from tests.scoring import Followed, followed
from tests.unit.test_alert_fold_laws import told

BAD: Final = {"feedback": {"survey": "nps", "at_most": 6, "within_days": 30}}
AT_RISK: Final = {"when": [BAD], "who": {"stages": ["at_risk"]}}


def raised(done: Followed) -> list[tuple[str, str]]:
    """Whom and when, of alerts that were told and not withdrawn."""
    said = told(done)
    gone = {one["data"]["alert_id"] for one in said if one["type"] == "alert.closed"}
    return [
        (one["data"]["rule"], one["occurred_at"][:10])
        for one in said
        if one["type"] == "alert.raised" and one["data"]["alert_id"] not in gone
    ]


def story(rules: dict[str, Any] | None = None) -> Alerting:
    history = Alerting()
    for name, tree in (rules or {"risky": AT_RISK}).items():
        history.ruled(name, tree)
    history.ruled("default", {"stages": [{"name": "prospect"}]}, kind="lifecycle")
    return history


def test_a_decision_puts_a_customer_where_a_rule_asks() -> None:
    history = story()
    history.rated(2, "user:1", at=1)
    history.rated(2, "user:2", at=1)
    history.moved("at_risk", 0, "user:1", at=3)
    history.moved("loyal", 0, "user:2", at=3)
    history.ticked(at=4)

    done = followed(history.events, history.vault, batches=[1])

    assert raised(done) == [("risky", "2026-01-04")]


def test_other_machines_are_not_asked() -> None:
    history = story()
    history.rated(2, "user:1", at=1)
    customer = history.hash("user:1")
    elsewhere = LifecycleChanged(
        customer_id=customer, machine="crm", stage="at_risk", policy_version=1
    )
    history.say(elsewhere, "user:1", at=2)

    payload = encode(history.events[-1])

    assert decided_in(envelope_of(payload), payload) is None
    assert raised(followed(history.events, history.vault)) == []


def test_a_rule_of_later_knows_the_decisions_of_before() -> None:
    history = story({"other": {"when": [BAD]}})
    history.moved("at_risk", 0, "user:1", at=1)
    history.rated(2, "user:1", at=2)
    before = followed(history.events, history.vault)
    history.ruled("risky", AT_RISK, effective=5)
    history.ticked(at=6)

    done = followed(history.events, history.vault, batches=[len(history.events) - 2, 1])

    assert raised(before) == [("other", "2026-01-03")]
    assert raised(done) == [("other", "2026-01-03"), ("risky", "2026-01-06")]


def test_another_machine_moves_those_of_whom_nothing_was_decided() -> None:
    history = story({"early": {"when": [BAD], "who": {"stages": ["lead"]}}})
    history.rated(2, "user:1", at=1)
    history.ticked(at=2)
    renamed = {"stages": [{"name": "lead"}]}
    history.ruled("default", renamed, version=2, effective=5, kind="lifecycle")
    history.ticked(at=6)

    done = followed(history.events, history.vault, batches=[4, 1])

    assert raised(done) == [("early", "2026-01-06")]


def test_where_no_rule_asks_decisions_are_kept_and_nobody_is_looked_at() -> None:
    history = story({"other": {"when": [BAD]}})
    history.rated(2, "user:1", at=1)
    done = followed(history.events, history.vault)
    rows = done.rows()
    history.moved("at_risk", 0, "user:1", at=1)

    done.append(history.events[-1:])
    done.fold()
    done.scoring.once()

    assert done.rows() == rows
    [page] = [page for page in done.scores.tables.pages.values() if page.page == DECIDED]
    assert [one.unit for one in read(page)] == ["at_risk"]


def test_what_was_told_late_shows_that_there_was_no_reason() -> None:
    history = story()
    history.moved("at_risk", 0, "user:1", at=1)
    history.rated(2, "user:1", at=2)
    # Caused before, and taken after: by what was told late they never were at risk.
    history.moved("loyal", 9, "user:1", at=0.5)
    history.moved("loyal", 9, "user:1", at=1)
    history.ticked(at=3)

    done = followed(history.events, history.vault, batches=[4, 1])

    said = [(one["type"], one["data"].get("reason")) for one in told(done)]
    assert said == [("alert.raised", None), ("alert.closed", "withdrawn")]


@pytest.mark.parametrize("order", [(0, 1, 2, 1), (2, 1, 0)])
def test_a_page_of_decisions_is_the_same_bytes_in_any_order(order: tuple[int, ...]) -> None:
    history = Alerting()
    for stage, at in (("new", 1), ("loyal", 2), ("at_risk", 2)):
        history.moved(stage, 0, "user:1", at=at)
    found = [decided_in(envelope_of(one), one) for one in map(encode, history.events)]
    entries = [one[1] for one in found if one]

    page = empty("0a", "shop")
    for number in order:
        page = take_in(page, [entries[number]])

    assert page == take_in(empty("0a", "shop"), entries)
    assert len(read(page)) == 3
