"""Lists of alerts over HTTP: asked for by what matters, in pages, of customers as they are now."""

from collections.abc import Iterator

import pytest

from services.store.urls import Urls
from tests.integration.alerted import PATH, acted, alerts, now, rated
from tests.integration.house import House, Json, bought, event, serving


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served database."""
    with serving(urls, monkeypatch) as house:
        yield house


def test_the_list_is_asked_for_by_what_matters(house: House) -> None:
    house.tell(*(rated(2, f"user:{number}", minutes=number) for number in range(1, 6)))
    house.tell(event("email.unsubscribed", "user:1") | {"occurred_at": now()})
    house.score()
    whole = alerts(house)
    acted(house, whole[1], "acknowledge")

    assert [one["raised_at"] for one in whole] == sorted(
        (one["raised_at"] for one in whole), reverse=True
    )
    for query, count in (
        ("rule=detractor", 5),
        ("rule=unsubscribed", 1),
        ("severity=info", 1),
        ("status=open", 5),
        ("status=acknowledged", 1),
        ("status=closed", 0),
        (f"customer={house.id_of('user:1')}", 2),
        (f"customer={house.id_of('user:1')}&rule=detractor", 1),
        (f"since={now(minutes=3.5).replace('+00:00', 'Z')}", 4),
    ):
        assert len(alerts(house, f"?{query}")) == count, query
    assert house.get(f"{PATH}?status=odd").json()["field"] == "status"
    assert house.get(f"{PATH}?customer={'0' * 32}").status_code == 404


def test_pages_follow_each_other(house: House) -> None:
    house.tell(*(rated(2, f"user:{number}", minutes=number) for number in range(1, 6)))
    house.score()
    found: list[Json] = []
    page: Json = {"next_cursor": None}

    for _ in range(3):
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else ""
        page = house.found(f"{PATH}?limit=2{cursor}")
        found += page["items"]

    assert page["next_cursor"] is None
    assert found == alerts(house)


def test_merged_customers_have_the_alerts_of_both(house: House) -> None:
    house.tell(rated(2, "user:1"), rated(3, "user:2"), bought("o-1", 100, "user:1"))
    house.score()
    before = {one["alert_id"] for one in alerts(house)}

    with house.running():
        path = f"/v1/customers/{house.id_of('user:1')}/merge"
        assert house.post(path, {"merged": "user:2"}, "admin").status_code == 200
    house.score()

    one = house.id_of("user:1")
    assert {alert["alert_id"] for alert in alerts(house, f"?customer={one}")} == before
    assert {alert["customer_id"] for alert in alerts(house)} == {one}
    house.tell(rated(9, "user:1"))
    house.score()
    assert {alert["status"] for alert in alerts(house)} == {"closed"}
