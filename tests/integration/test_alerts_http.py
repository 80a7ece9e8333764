"""Alerts over HTTP: raised with their reasons, acted upon, closed, and heard as they come."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.store.urls import Urls
from tests.integration.alerted import PATH, STREAM, acted, alerts, now, raised, rated, said
from tests.integration.hearing import hearing
from tests.integration.house import House, event, serving, waiting_for


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served database."""
    with serving(urls, monkeypatch) as house:
        yield house


def test_a_detractor_is_alerted_with_the_reason(house: House) -> None:
    told = rated(2, "user:1")
    house.tell(told)
    house.score()

    [found] = alerts(house)

    assert (found["rule"], found["severity"], found["status"]) == ("detractor", "warning", "open")
    assert found["customer_id"] == house.id_of("user:1")
    assert found["evidence"] == {
        "feedback.survey": "nps",
        "feedback.answer": 2,
        "feedback.at_most": 6,
    }
    assert found["events"] == [told["id"]]
    assert (found["is_restated"], found["policy_version"], found["outcome"]) == (
        False, 1, "unknown",
    )  # fmt: skip
    assert house.found(f"{PATH}/{found['alert_id']}") == found


def test_a_better_answer_closes_it_and_nothing_is_told_twice(house: House) -> None:
    house.tell(rated(2, "user:1", seconds=9))
    house.score()
    [first] = alerts(house)
    house.score()

    house.tell(rated(9, "user:1"))
    house.score()

    [found] = alerts(house)
    assert found["alert_id"] == first["alert_id"]
    assert (found["status"], found["closed_by"], found["reason"]) == (
        "closed", "scoring", "recovered",
    )  # fmt: skip
    assert [one.type for one in said(house)] == ["alert.raised", "alert.closed"]


@pytest.mark.parametrize(
    ("type_", "said", "sign"),
    [
        ("note.written", "He said he wants to cancel his subscription.", "cancel subscription"),
        ("chat.ended", "我想取消订阅", "取消订阅"),
    ],
)
def test_who_says_that_they_want_to_cancel_is_alerted_and_the_words_stay_sealed(
    house: House, type_: str, said: str, sign: str
) -> None:
    told = event(type_, "user:1", personal={"text": said}) | {"occurred_at": now()}
    other = event(type_, "user:2", personal={"text": "Thanks!"}) | {"occurred_at": now()}
    house.tell(told, other)
    house.score()

    [found] = alerts(house)

    assert (found["rule"], found["severity"]) == ("cancellation_intent", "critical")
    assert found["evidence"]["said.sign"] == sign
    assert found["events"] == [told["id"]]


def test_absence_is_alerted_by_the_clock(house: House) -> None:
    opened = event("case.opened", "user:1", case_id="c-1", kind="complaint")
    house.tell(opened | {"occurred_at": now(hours=20)})
    house.tick(datetime.now(UTC).replace(second=0, microsecond=0))
    house.score()
    assert alerts(house) == []

    house.tick((datetime.now(UTC) + timedelta(hours=5)).replace(second=0, microsecond=0))
    house.score()

    [found] = alerts(house)
    assert (found["rule"], found["severity"]) == ("complaint_unanswered", "critical")
    assert found["evidence"]["unanswered.case"] == "c-1"
    assert found["events"] == [opened["id"]]


def test_what_is_of_the_past_is_recorded_and_nobody_is_told(house: House) -> None:
    with hearing(house.client, house.keys["secret"], path=STREAM) as heard:
        house.tell(rated(2, "user:1", days=20), rated(2, "user:2"))
        house.score()

        [told] = heard.decisions(1)

    assert told["customer_id"] == house.id_of("user:2")
    found = {one["customer_id"]: one["is_restated"] for one in alerts(house)}
    assert found == {house.id_of("user:1"): True, house.id_of("user:2"): False}
    assert len(alerts(house, "?restated=false")) == 1


def test_an_alert_is_heard_with_all_that_becomes_of_it(house: House) -> None:
    with hearing(house.client, house.keys["secret"], path=STREAM) as heard:
        alert = raised(house)
        acted(house, alert, "act", {"action": "called"})
        acted(house, alert, "close", {"reason": "refunded"})

        told = heard.decisions(3)
        last = heard.last
    house.tell(rated(3, "user:2"))
    house.score()
    with hearing(house.client, house.keys["secret"], path=STREAM, last=last) as heard:
        [later] = heard.decisions(1)

    assert [one["type"] for one in told] == ["alert.raised", "alert.acknowledged", "alert.closed"]
    assert {one["customer_id"] for one in told} == {house.id_of("user:1")}
    assert told[1]["data"]["action"] == "called"
    assert later["customer_id"] == house.id_of("user:2")


def test_who_takes_care_of_it_is_known(house: House) -> None:
    alert = raised(house)

    found = acted(house, alert, "acknowledge")

    assert found["status"] == "acknowledged"
    assert found["acknowledged_by"].startswith("key:")
    found = acted(house, alert, "act", {"action": "called"})
    assert (found["action"], found["acted_at"] is not None) == ("called", True)
    found = acted(house, alert, "close", {"reason": "settled"})
    assert (found["status"], found["reason"]) == ("closed", "settled")
    assert found["closed_by"] == found["acknowledged_by"]
    house.tell(rated(9, "user:1"))
    house.score()
    assert house.found(f"{PATH}/{alert['alert_id']}")["reason"] == "settled"


def test_a_snooze_keeps_its_rule_quiet(house: House) -> None:
    alert = raised(house)

    found = acted(house, alert, "snooze", {"days": 40})

    assert found["status"] == "snoozed"
    house.tell(rated(9, "user:1"))
    house.tell(rated(1, "user:1"))
    house.score()
    later = datetime.now(UTC) + timedelta(days=31)
    house.tick(later.replace(second=0, microsecond=0))
    house.score()
    assert len(alerts(house)) == 1


def test_asked_twice_under_one_key_it_is_done_once(house: House) -> None:
    alert = raised(house)
    path = f"{PATH}/{alert['alert_id']}/act"
    headers = {"Authorization": f"Bearer {house.keys['secret']}", "Idempotency-Key": "k-1"}

    answers = [
        house.client.post(path, json={"action": action}, headers=headers)
        for action in ("called", "called", "wrote")
    ]

    assert [one.status_code for one in answers] == [201, 201, 422]
    assert answers[0].json()["event_id"] == answers[1].json()["event_id"]
    house.score()
    assert [one.type for one in said(house)] == ["alert.raised", "alert.acknowledged"]


def test_a_reader_waits_for_what_it_did(house: House) -> None:
    alert = raised(house)
    with house.running():
        position = house.post(f"{PATH}/{alert['alert_id']}/acknowledge").json()["position"]
        house.found("/v1/customers", **waiting_for(position))
    house.scoring.once()

    found = house.found(f"{PATH}/{alert['alert_id']}", **waiting_for(position))

    assert found["status"] == "acknowledged"


def test_what_can_not_be_done_is_refused_with_what_to_do(house: House) -> None:
    alert = raised(house)
    path = f"{PATH}/{alert['alert_id']}"
    acted(house, alert, "close")
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()

    for verb, body, status, field in (
        ("close", None, 409, "alert_id"),
        ("act", {}, 422, "action"),
        ("act", {"action": ""}, 422, "action"),
        ("snooze", {"until": past}, 422, "until"),
        ("snooze", {"until": "2999-01-01T00:00:00Z"}, 422, "until"),
        ("snooze", {"days": 0}, 422, "days"),
        ("acknowledge", {"by": "me"}, 422, "by"),
    ):
        answer = house.post(f"{path}/{verb}", body)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
        assert answer.json()["remedy"]
    assert house.post(f"{PATH}/made.up/acknowledge").status_code == 404
    assert house.get(f"{PATH}/made.up").status_code == 404
    assert house.get(PATH, "write").status_code == 403
    assert house.post(f"{path}/acknowledge", None, "write").status_code == 403


def test_another_workspace_sees_none_of_it(house: House) -> None:
    alert = raised(house)

    assert alerts(house, key="other") == []
    assert house.get(f"{PATH}/{alert['alert_id']}", "other").status_code == 404
    answer = house.post(f"{PATH}/{alert['alert_id']}/acknowledge", None, "other")
    assert answer.status_code == 404
