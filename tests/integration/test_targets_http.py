"""Targets and deliveries over HTTP, as administrators see them."""

from collections.abc import Iterator

import pytest

from services.store.urls import Urls
from tests.integration.house import House, Json, serving

PATH = "/v1/targets"
HOOK: Json = {"kind": "webhook", "address": "https://example.org/hook?token=hidden"}


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def made(house: House, **more: object) -> Json:
    response = house.post(PATH, HOOK | more, "admin")
    assert response.status_code == 201, response.text
    found: Json = response.json()
    return found


def patch(house: House, target_id: str, body: Json) -> Json:
    response = house.client.patch(
        f"{PATH}/{target_id}", json=body, headers=house._headers("admin")
    )  # fmt: skip
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


def test_a_target_is_made_and_its_secret_shown_once(house: House) -> None:
    target = made(house, name="Team", types=["tier.changed"], language="zh")

    (item,) = house.found(PATH, "admin")["items"]

    assert target["secret"].startswith("whsec_")
    assert item == {
        **{name: value for name, value in target.items() if name != "secret"},
        "waiting": 0,
        "dead": 0,
        "delivered_at": None,
        "problem": None,
    }
    assert item["address"] == "https://example.org/…"
    assert (item["name"], item["types"], item["language"]) == ("Team", ["tier.changed"], "zh")


def test_by_default_it_is_told_of_alerts(house: House) -> None:
    assert made(house)["types"] == ["alert.raised", "alert.acknowledged", "alert.closed"]


def test_a_target_is_changed_where_that_is_asked_for_and_nowhere_else(house: House) -> None:
    target = made(house, name="Team")
    kept = {name: value for name, value in target.items() if name not in {"secret", "changed_at"}}

    disabled = patch(house, target["target_id"], {"is_enabled": False})
    moved = patch(house, target["target_id"], {"address": "https://example.com/", "name": "New"})

    assert {**disabled, "is_enabled": True}.items() >= kept.items()
    assert (moved["address"], moved["name"], moved["is_enabled"]) == (
        "https://example.com/…", "New", False,
    )  # fmt: skip


def test_a_secret_is_rotated(house: House) -> None:
    target = made(house)

    response = house.post(f"{PATH}/{target['target_id']}/rotate-secret", None, "admin")

    assert response.status_code == 200
    assert response.json()["secret"] not in {None, target["secret"]}


def test_a_trial_is_queued_and_can_be_looked_at_and_sent_again(house: House) -> None:
    target = made(house)
    queued = house.post(f"{PATH}/{target['target_id']}/test", None, "admin")
    number = queued.json()["delivery_id"]

    found = house.found(f"/v1/deliveries/{number}", "admin")
    again = house.post(f"/v1/deliveries/{number}/redeliver", None, "admin")
    (item,) = house.found(f"/v1/deliveries?target_id={target['target_id']}", "admin")["items"]

    assert queued.status_code == 202
    assert (found["state"], found["type"], found["attempts"]) == ("waiting", "touchline.test", 0)
    assert again.status_code == 200
    assert item == again.json()
    assert house.found("/v1/deliveries?state=dead", "admin")["items"] == []
    assert house.found(PATH, "admin")["items"][0]["waiting"] == 1


def test_a_list_of_deliveries_goes_on_where_it_stopped(house: House) -> None:
    target = made(house)
    for _ in range(5):
        house.post(f"{PATH}/{target['target_id']}/test", None, "admin")

    numbers, cursor = [], ""
    while True:
        page = house.found(f"/v1/deliveries?limit=2{cursor}", "admin")
        numbers += [item["delivery_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 5


@pytest.mark.parametrize("key", ["browser", "write", "secret"])
def test_administrators_alone_may(house: House, key: str) -> None:
    target = made(house)["target_id"]

    for path in (PATH, "/v1/deliveries", "/v1/deliveries/1"):
        assert house.get(path, key).status_code == 403
    for path in (PATH, f"{PATH}/{target}/test", "/v1/deliveries/1/redeliver"):
        assert house.post(path, HOOK, key).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"address": "http://example.org"}, "address"),
        ({"address": "https://127.0.0.1/"}, "address"),
        ({"types": ["purchase.completed"]}, "types"),
        ({"types": []}, "types"),
        ({"language": "fr"}, "language"),
        ({"secret": "mine"}, "secret"),
        ({"name": "a\nb"}, "name"),
        ({"more": 1}, "more"),
    ],
)
def test_what_is_wrong_is_named(house: House, wrong: Json, field: str) -> None:
    response = house.post(PATH, HOOK | wrong, "admin")

    assert (response.status_code, response.json()["field"]) == (422, field)
    assert response.json()["remedy"]
    assert "hidden" not in response.text


def test_what_is_not_there_is_not_found(house: House) -> None:
    assert house.post(f"{PATH}/t_none/test", None, "admin").status_code == 404
    assert house.post(f"{PATH}/t_none/rotate-secret", None, "admin").status_code == 404
    assert house.get("/v1/deliveries/7", "admin").status_code == 404
    assert house.post("/v1/deliveries/7/redeliver", None, "admin").status_code == 404


def test_metrics_say_what_waits(house: House) -> None:
    target = made(house)["target_id"]
    house.post(f"{PATH}/{target}/test", None, "admin")

    said = house.client.get("/metrics").text

    assert "touchline_deliveries_waiting 1.0" in said
    assert "touchline_deliveries_dead_lettered 0.0" in said
    assert "touchline_deliveries_oldest_seconds" in said
