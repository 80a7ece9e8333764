"""Stories of customers as a customer-success manager would tell them, by the rules that ship.

Each says when the alert came and when it closed by itself. What has no hour happened at noon;
silence and trends change at midnight.
"""

import pytest

from tests.alerting import alerts, book

WEEKLY = """
    2026-01-05 bought 40
    2026-01-12 bought 40
    2026-01-19 bought 40
    2026-01-26 bought 40
"""
MONTHLY = """
    2026-01-01 bought 90
    2026-01-31 bought 90
    2026-03-02 bought 90
    2026-04-01 bought 90
"""
STEADY = "\n".join(
    f"2026-{month:02}-{day:02} bought 40" for month in (1, 2, 3) for day in (1, 8, 15, 22)
)
"""Forty euros a week until the end of March."""


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(WEEKLY, ["2026-03-09 to 2026-05-11"], id="weekly: after six weeks, given up"),
        pytest.param(MONTHLY, ["2026-05-31 to 2026-08-29"], id="monthly: after two months"),
        pytest.param(
            MONTHLY + "2026-05-25 bought 90", ["2026-07-24 to 2026-10-22"],
            id="fifty days once are no rhythm",
        ),
        pytest.param(
            WEEKLY + "2026-02-05 bought 40", ["2026-03-19 to 2026-05-21"], id="ten days are no news"
        ),
        pytest.param(
            WEEKLY + "2026-03-13T15:30 bought 40",
            ["2026-03-09 to 2026-03-13T15:30", "2026-04-24 to 2026-06-26"],
            id="came back: closed; silent again: alerted again",
        ),
        pytest.param(
            WEEKLY + "2026-02-02 bought 40 as o-5\n2026-03-12T09:00 cancelled o-5",
            ["2026-03-12T09:00 to 2026-05-11"],
            id="a cancelled order never was: silent at once",
        ),
        pytest.param(
            "2026-01-05 bought 40\n2026-01-12 bought 40\n2026-01-19 bought 40", [],
            id="three purchases are no rhythm yet",
        ),
        pytest.param("2026-01-05 visited", [], id="who never bought is not missed"),
        pytest.param(
            WEEKLY + "2026-02-08 visited\n2026-03-10 nps 9", ["2026-03-09 to 2026-05-11"],
            id="visits are no purchases",
        ),
        pytest.param(
            "2026-01-01 bought 9\n2026-01-02 bought 9\n2026-01-03 bought 9\n2026-01-04 bought 9",
            ["2026-02-15 to 2026-04-19"], id="daily counts as every three weeks",
        ),
    ],
)  # fmt: skip
def test_silence_beyond_the_customers_own_rhythm(story: str, expected: list[str]) -> None:
    assert alerts(book("silence"), story) == expected


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(STEADY, ["2026-05-03 to 2026-07-12"], id="stopped on 22 March"),
        pytest.param(
            STEADY + "\n2026-04-01 bought 40\n2026-04-08 bought 40\n2026-04-15 bought 40",
            ["2026-05-27 to 2026-08-05"], id="stopped on 15 April",
        ),
        pytest.param(
            STEADY + "\n2026-05-10 bought 50\n2026-05-12T18:00 bought 120",
            ["2026-05-03 to 2026-05-12T18:00", "2026-07-07T18:00 to 2026-09-01"],
            id="a small order does not end it, a large one does",
        ),
        pytest.param(
            STEADY.replace("bought 40", "bought 9"), [], id="small change is no trend"
        ),
        pytest.param(
            "2026-01-05 bought 400\n2026-01-06 bought 400", [], id="two large orders are no habit"
        ),
        pytest.param(
            STEADY + 4 * "\n2026-04-12 refunded 40",
            ["2026-04-12T12:00 to 2026-06-14"], id="money given back was not spent",
        ),
    ],
)  # fmt: skip
def test_falling_spend(story: str, expected: list[str]) -> None:
    assert alerts(book("falling_spend"), story) == expected


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param("2026-01-05 nps 6", ["2026-01-05T12:00 to 2026-02-04T12:00"], id="six is"),
        pytest.param("2026-01-05 nps 7", [], id="seven is passive"),
        pytest.param("2026-01-05 nps 0", ["2026-01-05T12:00 to 2026-02-04T12:00"], id="zero is"),
        pytest.param(
            "2026-01-05 nps 3\n2026-01-08 nps 9", ["2026-01-05T12:00 to 2026-01-08T12:00"],
            id="a better answer closes it",
        ),
        pytest.param("2026-01-05 nps 9\n2026-01-05T13:00 csat 1", [], id="another survey"),
        pytest.param(
            "2026-01-05 nps 3\n2026-01-20 nps 5", ["2026-01-05T12:00 to 2026-02-19T12:00"],
            id="bad again: the same alert goes on",
        ),
    ],
)  # fmt: skip
def test_a_detractor(story: str, expected: list[str]) -> None:
    assert alerts(book("detractor"), story) == expected


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param("2026-01-05T10:00 complained c-1", ["2026-01-06T10:00 to open"], id="a day"),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-06T09:59 answered c-1", [], id="in time"
        ),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-06T10:00 answered c-1", [],
            id="at the last second",
        ),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-06T15:00 answered c-1",
            ["2026-01-06T10:00 to 2026-01-06T15:00"], id="answered late",
        ),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-05T10:01 bot c-1",
            ["2026-01-06T10:00 to open"], id="a bot is no answer",
        ),
        pytest.param("2026-01-05T10:00 asked c-1", [], id="a question is no complaint"),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-05T11:00 resolved c-1", [], id="resolved"
        ),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-05T11:00 resolved c-1\n"
            "2026-01-09T08:00 reopened c-1", ["2026-01-10T08:00 to open"], id="reopened",
        ),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-05T11:00 answered c-1\n"
            "2026-01-07T08:00 wrote c-1\n2026-01-07T20:00 wrote c-1",
            ["2026-01-08T08:00 to open"], id="wrote again: from the first word on",
        ),
        pytest.param(
            "2026-01-05T10:00 complained c-1\n2026-01-05T12:00 complained c-2\n"
            "2026-01-05T13:00 answered c-1", ["2026-01-06T12:00 to open"], id="the other one waits",
        ),
    ],
)  # fmt: skip
def test_a_complaint_unanswered(story: str, expected: list[str]) -> None:
    assert alerts(book("complaint_unanswered"), story) == expected


@pytest.mark.parametrize(
    ("name", "story", "expected"),
    [
        pytest.param(
            "payment_failed", "2026-01-05 failed s-1\n2026-01-08 failed s-1",
            ["2026-01-08T12:00 to 2026-02-04T12:00"], id="failed twice",
        ),
        pytest.param(
            "payment_failed", "2026-01-05 failed s-1\n2026-01-06 paid s-1\n2026-01-08 failed s-1",
            [], id="went through in between",
        ),
        pytest.param(
            "payment_failed", "2026-01-05 failed s-1\n2026-01-08 failed s-2", [],
            id="two contracts, once each",
        ),
        pytest.param(
            "payment_failed",
            "2026-01-05 failed s-1\n2026-01-08 failed s-1\n2026-01-09 paid s-1",
            ["2026-01-08T12:00 to 2026-01-09T12:00"], id="paid: closed",
        ),
        pytest.param(
            "unsubscribed", "2026-01-05 did email.unsubscribed",
            ["2026-01-05T12:00 to 2026-02-04T12:00"], id="unsubscribed",
        ),
        pytest.param(
            "unsubscribed", "2026-01-05 did email.complained\n2026-01-07 did consent.given",
            ["2026-01-05T12:00 to 2026-01-07T12:00"], id="called it spam, and consented again",
        ),
        pytest.param(
            "cancellation_intent", "2026-01-05 chatted I want to cancel my subscription",
            ["2026-01-05T12:00 to 2026-01-19T12:00"], id="said so in a chat",
        ),
        pytest.param(
            "cancellation_intent", "2026-01-05 chatted 你好，我想取消会员",
            ["2026-01-05T12:00 to 2026-01-19T12:00"], id="said so in Chinese",
        ),
        pytest.param(
            "cancellation_intent", "2026-01-05 chatted please cancel my order 17", [],
            id="an order is no contract",
        ),
        pytest.param(
            "cancellation_intent",
            "2026-01-05 chatted i will not renew\n2026-01-10 paid s-1",
            ["2026-01-05T12:00 to 2026-01-10T12:00"], id="renewed after all",
        ),
        pytest.param(
            "points_unused", "2026-01-05 expiring 600 2026-02-01",
            ["2026-01-18 to 2026-02-01"], id="two weeks before they expire, until they do",
        ),
        pytest.param(
            "points_unused", "2026-01-05 expiring 600 2026-02-01\n2026-01-20 redeemed 200",
            ["2026-01-18 to 2026-01-20T12:00"], id="redeemed: 400 are below the 500 asked for",
        ),
        pytest.param(
            "falling_visits",
            "\n".join(f"2026-01-{day:02} visited" for day in range(1, 31, 2)),
            ["2026-03-10 to 2026-06-04"], id="came every other day in January",
        ),
        pytest.param(
            "troubles", "2026-01-05 nps 4\n2026-01-20 failed s-1",
            ["2026-01-20T12:00 to 2026-02-04T12:00"], id="two troubles within a month",
        ),
        pytest.param(
            "troubles", "2026-01-05 nps 4\n2026-02-05 failed s-1", [], id="a month apart"
        ),
        pytest.param("troubles", "2026-01-05 nps 4\n2026-01-06 nps 2", [], id="one trouble twice"),
        pytest.param(
            "troubles", "2026-01-05 nps 4\n2026-01-10T10:00 complained c-1",
            ["2026-01-12T10:00 to 2026-02-04T12:00"], id="and a complaint that waits two days",
        ),
    ],
)  # fmt: skip
def test_what_the_other_rules_say(name: str, story: str, expected: list[str]) -> None:
    assert alerts(book(name), story) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param("0.29 0.25", [], id="never there"),
        pytest.param("0.30", ["2026-01-01T12:00 to open"], id="at the threshold"),
        pytest.param("0.35 0.25 0.35 0.21", ["2026-01-01T12:00 to open"], id="trembles: one alert"),
        pytest.param("0.35 0.20", ["2026-01-01T12:00 to 2026-01-02T12:00"], id="leaves at 0.2"),
        pytest.param(
            "0.35 0.1 0.4",
            ["2026-01-01T12:00 to 2026-01-02T12:00", "2026-01-30T12:00 to open"],
            id="a relapse waits for the cool-down of 28 days",
        ),
    ],
)
def test_a_score_enters_at_one_value_and_leaves_at_another(
    scores: str, expected: list[str]
) -> None:
    told = [
        f"2026-01-{day:02} score churn_risk {value}" for day, value in enumerate(scores.split(), 1)
    ]
    story = "2026-01-01T08:00 visited\n2026-01-01T08:00 value potential\n" + "\n".join(told)

    assert alerts(book("churn_risk"), story) == expected
