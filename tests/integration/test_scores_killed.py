"""Scores of the running platform: behind its folds, whole after kills, and off where told so."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg
import pytest

from tests.campaign import Campaign
from tests.integration.running import Json, RunningPlatform
from tests.reported import Fault

CUSTOMERS = 30
POSTS = 24
ROWS = "SELECT customer_id::text, due_at, scores FROM touchline.score ORDER BY 1"
TOLD = "SELECT count(*), count(DISTINCT event_id) FROM touchline.score_told"


@pytest.mark.fault(Fault.KILLS)
def test_kills_of_the_scorer_and_the_database_change_no_score(
    tmp_path: Path, long_campaign: Campaign
) -> None:
    first = Random(long_campaign.seed).randrange(4)
    events, position = [posted(number) for number in range(POSTS)], ""
    with RunningPlatform(tmp_path / "killed") as killed, RunningPlatform(tmp_path / "calm") as calm:
        for platform in (killed, calm):
            platform.start()
        for number, some in enumerate(events):
            position = tell(killed, some)
            tell(calm, some)
            if number % 8 == first:
                killed.kill("scorer")
            elif number % 8 == first + 4:
                killed.kill("scorer", "engine", "postgres")
                killed.wait_until(killed.is_ready, "it is ready again")
        for platform in (killed, calm):
            platform.wait_until(partial(is_scored, platform), "everything is scored")
        # A midnight in between brings both to another day, one after the other.
        killed.wait_until(lambda: shown(killed) == shown(calm), "scores are the same")

        path = f"/v1/customers?identifier=user:u{POSTS % CUSTOMERS}"
        customer = killed.get(path, position)["items"][0]["customer_id"]
        assert killed.get(f"/v1/customers/{customer}/scores", position)["scores"]
        assert len(shown(killed)) == CUSTOMERS


def posted(number: int) -> list[Json]:
    """Purchases and visits of all customers, on a day of their own."""
    at = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=number)
    return [
        {
            "id": f"{kind}-{number}-{who}",
            "type": kind,
            "occurred_at": at.isoformat(),
            "identifiers": [f"user:u{who}"],
            "data": {"url": "/"}
            if kind == "web.visited"
            else {"order_id": f"o-{number}-{who}", "amount_minor": 900, "currency": "EUR"},
        }
        for who in range(CUSTOMERS)
        for kind in ("web.visited", "purchase.completed")[: 1 + (who + number) % 2]
    ]


def tell(platform: RunningPlatform, events: list[Json]) -> str:
    """Post them, as often as it takes while the database is on its way back."""
    answers: list[httpx.Response] = []

    def is_taken() -> bool:
        answers.append(platform.post(events))
        return answers[-1].status_code != httpx.codes.SERVICE_UNAVAILABLE

    platform.wait_until(is_taken, "events are taken in")
    assert answers[-1].status_code == httpx.codes.OK, answers[-1].text
    return answers[-1].headers["Touchline-Position"]


def is_scored(platform: RunningPlatform) -> bool:
    """Whether scoring has taken in whatever lies in the log."""
    behind = """
        SELECT count(*) FROM touchline.log_head head
        LEFT JOIN touchline.scoring_progress done USING (partition)
        WHERE head.next_offset > coalesce(done.next_offset, 0)
    """
    return bool(rows(platform, behind)[0][0] == 0)


def shown(platform: RunningPlatform) -> list[str]:
    """Every row without its hash, which differs by platform; nothing was told twice."""
    told, distinct = rows(platform, TOLD)[0]
    assert told == distinct
    return sorted(f"{due_at} {scores}" for _, due_at, scores in rows(platform, ROWS))


def rows(platform: RunningPlatform, query: str) -> list[tuple[Any, ...]]:
    """What the owner sees."""
    with psycopg.connect(platform.addresses().store.owner) as connection:
        return connection.execute(query.encode()).fetchall()
