"""Alerts of the running platform: each heard once, whoever is killed."""

from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg

from tests.integration.hearing import hearing
from tests.integration.running import Json, RunningPlatform
from tests.integration.test_scores_killed import is_scored, tell

CUSTOMERS = 12


def test_kills_of_engine_and_scorer_lose_and_double_no_alert(platform: RunningPlatform) -> None:
    with hearing(platform.client, platform.keys["secret"], path="/v1/alerts/stream") as heard:
        for number in range(CUSTOMERS):
            tell(platform, [rated(number), complained(number)])
            if number % 4 == 1:
                platform.kill(*(("scorer",) if number % 8 == 1 else ("engine", "scorer")))
        told = heard.decisions(2 * CUSTOMERS)
    platform.wait_until(partial(is_scored, platform), "everything is scored")

    found = platform.get("/v1/alerts?limit=200")["items"]
    raised = rows(
        platform, f"SELECT count(*) FROM touchline.alert WHERE workspace = '{platform.workspace}'"
    )

    assert len({one["data"]["alert_id"] for one in told}) == 2 * CUSTOMERS
    assert {one["type"] for one in told} == {"alert.raised"}
    assert raised == 2 * CUSTOMERS
    assert {one["alert_id"] for one in found} == {one["data"]["alert_id"] for one in told}
    assert {one["rule"] for one in found} == {"detractor", "complaint_unanswered"}


def rated(number: int) -> Json:
    """A bad answer of just now."""
    return {
        "id": f"r-{number}",
        "type": "feedback.given",
        "identifiers": [f"user:u{number}"],
        "data": {"survey": "nps", "score": 1},
    }


def complained(number: int) -> Json:
    """A complaint that has waited for a day."""
    at = datetime.now(UTC) - timedelta(hours=24, minutes=1)
    return {
        "id": f"c-{number}",
        "type": "case.opened",
        "occurred_at": at.isoformat(),
        "identifiers": [f"user:u{number}"],
        "data": {"case_id": f"c-{number}", "kind": "complaint"},
    }


def rows(platform: RunningPlatform, query: str) -> int:
    """What the owner counts."""
    with psycopg.connect(platform.addresses().store.owner) as connection:
        row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else -1
