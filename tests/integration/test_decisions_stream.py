"""Decisions as they are taken, heard by a real client: each once, through cuts and restarts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from schemas import TierChanged
from services.fold.decisions import decision
from services.log.position import encode
from services.query import decisions
from services.store.postgres_tenants import PostgresTenants
from services.store.urls import Urls
from tests.campaign import Campaign
from tests.integration.hearing import PATH, hearing
from tests.integration.house import House, Json, bought, serving
from tests.integration.running import RunningPlatform


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def now(**more: float) -> str:
    return (datetime.now(UTC) - timedelta(**more)).isoformat()


def buying(order_id: str, who: str, amount_minor: int = 1_000, **ago: float) -> Json:
    """A purchase a moment ago."""
    return bought(order_id, amount_minor, who, id=order_id) | {"occurred_at": now(**ago)}


def told(found: list[Json]) -> list[tuple[str, str]]:
    """What each says, in short."""
    return [
        (one["data"].get("machine", one["type"]), one["data"].get("stage") or one["data"]["tier"])
        for one in found
    ]


def by_customer(found: list[Json]) -> dict[str, list[str]]:
    """The ids of decisions about each customer, in their order."""
    ids: dict[str, list[str]] = {}
    for one in found:
        ids.setdefault(one["customer_id"], []).append(one["id"])
    return ids


def test_a_decision_is_heard_when_the_rows_say_it_too(house: House) -> None:
    with hearing(house.client, house.keys["secret"]) as heard, house.running():
        house.tell(buying("o1", "user:1", 600_00))

        found = heard.decisions(4)
        profile = house.found(f"/v1/customers/{house.id_of('user:1')}")

    assert sorted(told(found)) == [
        ("crm", "convert"),
        ("default", "new"),
        ("journey", "buy"),
        ("tier.changed", "silver"),
    ]
    assert {one["customer_id"] for one in found} == {profile["customer_id"]}
    assert {one["cause"] for one in found} == {"o1"}
    assert (profile["stage"], profile["tier"]) == ("new", "silver")


def test_types_are_chosen_and_workspaces_apart(house: House) -> None:
    key = house.keys["secret"]
    with (
        hearing(house.client, key, query="?type=tier.changed") as tiers,
        hearing(house.client, house.keys["other"]) as others,
        house.running(),
    ):
        house.tell(buying("o1", "user:1", 600_00))
        assert told(tiers.decisions(1)) == [("tier.changed", "silver")]
        house.post("/v1/events", [buying("o1", "user:1")], "other")

        first, *_ = others.decisions(1)

    assert first["customer_id"] == house.id_of("user:1", "other")


def test_a_stream_resumes_after_any_of_its_ids(house: House) -> None:
    key = house.keys["secret"]
    ids, everything = [], []
    with hearing(house.client, key) as heard:
        for number in range(1, 5):
            house.told(buying(f"o{number}", f"user:{number}"))
        for _ in range(12):
            ids.append(heard.last)
            everything += heard.decisions(1)

    for place, last in enumerate(ids):
        with hearing(house.client, key, last=last) as heard:
            found = heard.decisions(12 - place)

        # In order for each customer; who comes first is as it was read.
        assert by_customer(found) == by_customer(everything[place:])


def test_history_is_recorded_and_not_told(house: House) -> None:
    with hearing(house.client, house.keys["secret"]) as heard:
        house.told(buying("old", "user:1", days=3))
        house.told(buying("new", "user:2"))

        found = heard.decisions(3)

    assert {one["cause"] for one in found} == {"new"}


def test_a_decision_that_was_appended_twice_is_heard_once(house: House) -> None:
    house.told(buying("o1", "user:1"))
    about = [house.id_of("user:1")]

    with hearing(house.client, house.keys["secret"]) as heard:
        for id_ in ("d1", "d1", "d2"):
            data = TierChanged(customer_id=about[0], tier="gold", policy_version=1)
            at = datetime.now(UTC).replace(microsecond=0)
            raw = decision(data, id_=id_, occurred_at=at.replace(second=0), identifiers=about)
            house.decided(("shop", raw))
            house.fold()

        assert [one["id"] for one in heard.decisions(2)] == ["d1", "d2"]


def test_in_quiet_times_the_place_is_told_and_the_key_looked_at(
    house: House, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "HEARTBEAT_S", 0.05)
    with hearing(house.client, house.keys["secret"]) as heard:
        first = heard.last
        house.post("/v1/events", [buying("o1", "user:1")], "other")
        house.told(buying("o1", "user:1"))
        heard.decisions(3)
        for _ in range(3):
            heard._block()
        assert heard.last != first

        tenants = PostgresTenants(urls.fold)
        (key,) = [key for key in tenants.keys("shop") if key.kind == "secret"]
        tenants.revoke_key(key.key_id, datetime.now(UTC))
        tenants.close()

        heard.end()


def test_a_key_may_hold_ten_streams_and_no_more(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.keys['secret']}"}
    streams = [house.client.stream("GET", PATH, headers=headers) for _ in range(10)]
    for stream in streams:
        assert stream.__enter__().status_code == httpx.codes.OK

    refused = house.get(PATH)

    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert refused.headers["Retry-After"]
    assert refused.json()["remedy"]
    for stream in streams:
        stream.__exit__(None, None, None)
    # What left is noticed, and has its place taken.
    while (status := _status(house)) != httpx.codes.OK:
        assert status == httpx.codes.TOO_MANY_REQUESTS


def test_who_may_not_and_what_is_no_place_is_refused(house: House) -> None:
    position = house.tell(buying("o1", "user:1"))

    for key, status in (("write", 403), ("browser", 403), ("made-up", 401)):
        assert house.get(PATH, key).status_code == status
    for last in ("garbage", position[:-1], "outbox-1"):
        response = house.get(PATH, **{"Last-Event-ID": last})
        assert (response.status_code, response.json()["field"]) == (422, "Last-Event-ID"), last
    ahead = encode(dict.fromkeys(range(16), 10**6))
    response = house.get(PATH, **{"Last-Event-ID": ahead})
    assert (response.status_code, response.json()["field"]) == (422, "Last-Event-ID")
    assert house.get(f"{PATH}?type=score.computed").json()["field"].startswith("type")


def test_no_decision_is_lost_or_repeated_through_a_killed_server(
    platform: RunningPlatform, campaign: Campaign
) -> None:
    key = platform.keys["secret"]
    wanted = {f"k{number}" for number in range(30)}
    causes: list[str] = []
    with hearing(platform.client, key, query="?type=tier.changed") as heard:
        _buy(platform, range(10))
        causes += [one["cause"] for one in heard.decisions(7)]
        last = heard.last
    platform.kill("web")
    platform.wait_until(platform.is_ready, "it serves again")
    _buy(platform, range(10, 20))
    platform.settled()
    with hearing(platform.client, key, last=last, query="?type=tier.changed") as heard:
        causes += [one["cause"] for one in heard.decisions(13)]
        last = heard.last
        platform.kill("engine")
        _buy(platform, range(20, 25))
        causes += [one["cause"] for one in heard.decisions(5)]
        last = heard.last
    if campaign.is_long:
        platform.stop()
        platform.start()
    _buy(platform, range(25, 30))
    with hearing(platform.client, key, last=last, query="?type=tier.changed") as heard:
        causes += [one["cause"] for one in heard.decisions(5)]
        if campaign.is_long:
            # A stream that is open keeps nobody from stopping.
            platform.stop()
            heard.end()

    assert len(causes) == len(set(causes))
    assert set(causes) == wanted


def _buy(platform: RunningPlatform, numbers: range) -> None:
    answer = platform.post([buying(f"k{number}", f"user:k{number}", 600_00) for number in numbers])
    assert answer.status_code == httpx.codes.OK, answer.text


def _status(house: House) -> int:
    headers = {"Authorization": f"Bearer {house.keys['secret']}"}
    with house.client.stream("GET", PATH, headers=headers) as response:
        return response.status_code
