"""``kill -9`` of each process while members spend, get back and spend again: each effect once."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.campaign import Campaign
from tests.integration.running import PATIENCE_S, Json, Process, RunningPlatform
from tests.reported import Fault

MEMBERS: Final = 5
GIVEN: Final = 5_000
CLIENTS: Final = 8
KILLS: Final[tuple[tuple[Process, ...], ...]] = (
    ("engine",), ("web",), ("postgres",), ("engine", "web"), ("postgres", "engine"),
)  # fmt: skip


class Spender:
    """A shop's till: asks until it is answered, under the same key, and then the next."""

    def __init__(self, platform: RunningPlatform, members: list[str], number: int) -> None:
        self._platform, self._members, self._number = platform, members, number
        self._chance = random.Random(number)
        self.spent: Counter[str] = Counter()
        self.outcomes: Counter[int] = Counter()
        self.ids: list[str] = []

    def run(self, stop: threading.Event) -> None:
        """Spend until told to stop; what was asked for is known for certain then."""
        asked = 0
        with httpx.Client(base_url=str(self._platform.client.base_url), timeout=30) as client:
            while not stop.is_set():
                asked += 1
                member, points = self._chance.choice(self._members), self._chance.randint(1, 3)
                key = f"till-{self._number}-{asked}"
                answer = self._ask(client, f"/v1/customers/{member}/redemptions", key, points)
                if answer is not None:
                    self.spent[member] += points
                    self.ids.append(answer["redemption_id"])

    def _ask(self, client: httpx.Client, path: str, key: str, points: int) -> Json | None:
        """The answer to a redemption; None where the balance does not cover it."""
        headers = self._platform.reading | {"Idempotency-Key": key}
        while True:
            try:
                answer = client.post(path, json={"points": points}, headers=headers)
            except httpx.TransportError:
                self.outcomes[0] += 1
            else:
                self.outcomes[answer.status_code] += 1
                if answer.status_code == httpx.codes.CREATED:
                    found: Json = answer.json()
                    return found
                if answer.status_code == httpx.codes.CONFLICT:
                    return None
            threading.Event().wait(0.02)


@pytest.mark.fault(Fault.KILLS)
def test_no_kill_spends_a_point_twice_or_loses_one(tmp_path: Path, long_campaign: Campaign) -> None:
    chance = random.Random(long_campaign.seed)
    with RunningPlatform(tmp_path / "data") as platform:
        platform.start()
        members = enrolled(platform)
        spenders = [Spender(platform, members, number) for number in range(CLIENTS)]
        stop = threading.Event()

        with ThreadPoolExecutor(CLIENTS) as threads:
            running = [threads.submit(one.run, stop) for one in spenders]
            for names in chance.sample(KILLS, len(KILLS)):
                before = sum(len(one.ids) for one in spenders)
                platform.wait_until(
                    lambda before=before: (
                        sum(len(one.ids) for one in spenders) > before + 20  # type: ignore[misc]
                        or exhausted(spenders)
                    ),
                    "members spend",
                )
                platform.kill(*names)
                platform.wait_until(platform.is_ready, f"it can serve after {names}")
            stop.set()
            for one in running:
                one.result(PATIENCE_S)
        platform.settled()

        spent = sum((one.spent for one in spenders), Counter[str]())
        ids = [id_ for one in spenders for id_ in one.ids]
        outcomes = sum((one.outcomes for one in spenders), Counter[int]())
        assert len(ids) == len(set(ids)), "two requests were given one redemption"
        assert outcomes.keys() <= {0, 201, 409, 503, 504}, outcomes
        for member in members:
            left = platform.get(f"/v1/customers/{member}/loyalty")
            assert (left["balance"], left["debt"]) == (GIVEN - spent[member], 0)
        assert platform.verified()["ok"]


def exhausted(spenders: list[Spender]) -> bool:
    """Whether nothing is left to spend."""
    return sum(sum(one.spent.values()) for one in spenders) >= MEMBERS * GIVEN


def enrolled(platform: RunningPlatform) -> list[str]:
    """Members, and points for each."""
    events: list[Json] = [
        {
            "id": f"c-{number}",
            "type": "call.ended",
            "identifiers": [f"user:m{number}"],
            "data": {"direction": "inbound", "duration_s": 1},
        }
        for number in range(MEMBERS)
    ]
    position = platform.post(events).headers["Touchline-Position"]
    found = []
    for number in range(MEMBERS):
        items = platform.get(f"/v1/customers?identifier=user:m{number}", position)["items"]
        found.append(items[0]["customer_id"])
        given = platform.client.post(
            f"/v1/customers/{found[-1]}/adjustments",
            json={"points": GIVEN, "reason": "given"},
            headers={"Authorization": f"Bearer {platform.keys['admin']}"},
        )
        assert given.status_code == 201, given.text
        position = given.headers["Touchline-Position"]
        platform.get(f"/v1/customers/{found[-1]}", position)
    return found
