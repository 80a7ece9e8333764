"""Alerts for tests: what raises one, and what is asked of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.house import House, Json, event
from tests.integration.telling_scores import decisions

PATH = "/v1/alerts"
STREAM = "/v1/alerts/stream"


def now(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def rated(score: int, who: str, **ago: float) -> Json:
    """An answer a moment ago."""
    return event("feedback.given", who, survey="nps", score=score) | {"occurred_at": now(**ago)}


def alerts(house: House, query: str = "", key: str = "secret") -> list[Json]:
    """The list's items."""
    items: list[Json] = house.found(f"{PATH}{query}", key)["items"]
    return items


def raised(house: House, who: str = "user:1") -> Json:
    """The alert of a detractor."""
    house.tell(rated(2, who))
    house.score()
    return alerts(house)[0]


def acted(house: House, alert: Json, verb: str, body: object = None) -> Json:
    """What was answered, once scoring knows of it."""
    answer = house.post(f"{PATH}/{alert['alert_id']}/{verb}", body)
    assert answer.status_code == 201, answer.text
    house.score()
    return house.found(f"{PATH}/{alert['alert_id']}")


def said(house: House) -> list[Any]:
    """What was said of alerts, as it lies in the log."""
    return decisions(house, "alert.")
