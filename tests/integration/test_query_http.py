"""Query over HTTP: what was told comes back, complete, fresh and to nobody else."""

from collections.abc import Iterator

import psycopg
import pytest

from services.errors import Unavailable
from services.store.urls import Urls
from tests.integration.house import (
    House,
    bought,
    called,
    described,
    event,
    serving,
    waiting_for,
)


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def test_a_customer_shows_what_its_events_said(house: House) -> None:
    house.told(
        described(
            {"name": "Ada Lovelace", "city": "London"},
            "user:42",
            "email:Ada@Example.org",
            at=1,
            id="i-1",
        ),
        bought("1001", 1250, "user:42", at=2),
        event(
            "purchase.refunded", "user:42", order_id="1001", amount_minor=250, currency="EUR", at=3
        ),
        event("message.sent", "email:ada@example.org", channel="sms", at=4),
    )

    customer = house.found(f"/v1/customers/{house.id_of('user:42')}")

    assert customer == {
        "customer_id": customer["customer_id"],
        "name": "Ada Lovelace",
        "identifiers": ["user:42", "email:ada@example.org"],
        "traits": {"name": "Ada Lovelace", "city": "London"},
        "trait_sources": {
            name: {"source": "api", "event_id": "i-1", "occurred_at": "2026-01-01T00:00:01Z"}
            for name in ("name", "city")
        },
        "stage": "new",
        "stages": {"default": "new", "crm": "convert", "journey": "buy"},
        "tier": "bronze",
        "orders": 1,
        "refunds": 1,
        "spend_minor": {"EUR": 1000},
        "first_at": "2026-01-01T00:00:01Z",
        "last_at": "2026-01-01T00:00:04Z",
        "counts": {"customer": 1, "purchase": 2, "message": 1},
        "channels": {"sms": 1},
        "completeness": customer["completeness"],
    }
    assert 0 < customer["completeness"] < 100


def test_every_member_answers_for_the_customer(house: House) -> None:
    house.told(called("anonymous:z"), called("email:a@x.org"))
    before = house.id_of("anonymous:z")

    house.told(called("user:1", "email:a@x.org"), called("user:1", "anonymous:z"))

    assert house.found(f"/v1/customers/{before}")["customer_id"] == house.id_of("user:1")
    assert house.id_of("email:a@x.org") == house.id_of("user:1")


def test_an_unknown_customer_is_not_found(house: House) -> None:
    for id_ in ("0" * 32, "nobody", "user:42", "0" * 33):
        response = house.get(f"/v1/customers/{id_}")

        assert response.status_code == 404
        assert response.json()["field"] == "customer_id"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Touchline-Position" in response.headers


def test_a_caller_reads_its_own_writes(house: House) -> None:
    with house.running():
        for number in range(20):
            position = house.tell(bought(f"o{number}", 100, "user:42"))
            page = house.found("/v1/customers?q=42", **waiting_for(position))

            assert page["items"][0]["orders"] == number + 1


def test_a_position_that_is_none_is_refused(house: House) -> None:
    house.told(called("user:1"))
    position = house.get("/v1/customers").headers["Touchline-Position"]
    assert house.get("/v1/customers", **waiting_for(position)).status_code == 200

    for garbage in ("garbage", position[:-1], position + "A", "outbox-", "1.5"):
        response = house.get("/v1/customers", **waiting_for(garbage))
        assert (response.status_code, response.json()["field"]) == (422, "Touchline-Wait-For")


def test_who_may_not_read_is_refused(house: House) -> None:
    house.told(called("user:1"))
    id_ = house.id_of("user:1")

    for path in (
        "/v1/customers",
        f"/v1/customers/{id_}",
        f"/v1/customers/{id_}/timeline",
        f"/v1/customers/{id_}/identity",
        "/v1/status",
        "/v1/dead-letters",
        "/v1/dead-letters/1",
    ):
        assert house.get(path, "browser").status_code == 403
        assert house.get(path, "write").status_code == 403
        assert house.get(path, "made-up").status_code == 401
        assert house.client.get(path).status_code == 401
        assert house.get(path, "admin").status_code in {200, 404}


def test_the_account_adds_up_in_every_answer(house: House) -> None:
    sent = [bought(f"o{n}", 1, f"user:c{n % 7}") for n in range(200)]
    house.tell(*sent)
    with house.running():
        for turn in range(30):
            house.tell(*sent[turn : turn + 5], bought(f"n{turn}", 1, "user:1"))
            status = house.found("/v1/status")

            for row in status["partitions"]:
                parts = row["applied"] + row["duplicate"] + row["dead_lettered"] + row["in_flight"]
                assert row["accepted"] == parts
                assert row["in_flight"] >= 0
    house.fold()

    status = house.found("/v1/status")
    assert sum(row["in_flight"] for row in status["partitions"]) == 0
    (own,) = status["workspaces"]
    assert own["workspace"] == "shop"
    assert own["duplicate"] == 150
    assert status["lag_s"] == 0


def test_a_timeline_is_newest_first_and_can_be_filtered_paged_and_opened(house: House) -> None:
    note = event(
        "message.received", "user:1", channel="sms", at=9, personal={"text": "Where is it?"}
    )
    custom = event("custom.shelf_seen", "user:1", at=5, shelf=7)
    house.told(*(called("user:1", "email:a@x.org", at=n) for n in range(5)), custom, note)
    house.told(called("email:a@x.org", at=7))
    house.feed()
    path = f"/v1/customers/{house.id_of('email:a@x.org')}/timeline"

    everything = house.found(path)["items"]
    opened = house.found(f"{path}?text=true")["items"]
    only = house.found(f"{path}?family=custom&family=message")["items"]
    pages, cursor = [], ""
    while cursor is not None:
        page = house.found(f"{path}?limit=3{cursor and f'&cursor={cursor}'}")
        pages += page["items"]
        cursor = page["next_cursor"]

    times = [item["occurred_at"] for item in everything]
    assert times == sorted(times, reverse=True)
    assert pages == everything
    everything = [item for item in everything if not item["type"].startswith("lifecycle.")]
    assert len(everything) == 8
    assert everything[0]["id"] == note["id"]
    assert everything[0]["text"] is None
    assert [item["text"] for item in opened if item["id"] == note["id"]] == ["Where is it?"]
    assert [item["summary"] for item in only] == [
        everything[0]["summary"],
        "Custom event shelf_seen",
    ]


def test_operators_can_see_whether_it_serves(house: House) -> None:
    house.fold()

    ready = house.client.get("/readyz")
    metrics = house.client.get("/metrics").text

    assert house.client.get("/healthz").status_code == 200
    assert ready.json() == {
        "status": "ready",
        "checks": {"store": "ready", "log": "ready", "archive": "ready"},
    }
    assert 'touchline_accepted_records_total{partition="0"} 32.0' in metrics
    assert "touchline_fold_lag_seconds" in metrics
    assert 'touchline_http_request_duration_seconds_count{method="GET",route="/readyz"' in metrics


def test_the_documentation_asks_nobody_else(house: House) -> None:
    answer = house.client.get("/docs")
    page, policy = answer.text, answer.headers["Content-Security-Policy"]
    openapi = house.client.get("/openapi.json").json()

    addresses = [word for word in page.replace("'", '"').split('"') if "//" in word]
    assert all("w3.org" in word or word.strip().startswith("//") for word in addresses), addresses
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"/docs/{name}" in page
        assert len(house.client.get(f"/docs/{name}").content) > 10_000
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert not {"unsafe-inline", "unsafe-eval", "http:", "https:", "*"} & {*policy.split()}
    assert "persistAuthorization" not in page
    assert house.client.get("/docs/secrets").status_code == 404
    assert "/v1/customers/{customer_id}/timeline" in openapi["paths"]
    described_ = openapi["components"]["schemas"]["Customer"]["properties"]["spend_minor"]
    assert "minor units" in described_["description"]


def test_another_workspace_sees_nothing_of_ours(house: House) -> None:
    house.told(
        described({"name": "Ada"}, "user:1", "email:a@x.org"), bought("o1", 5, "user:1", id="e")
    )
    house.told(bought("o1", 6, "user:1", id="e"))
    house.feed()
    id_ = house.id_of("user:1")

    for path in ("", "/timeline", "/identity"):
        assert house.get(f"/v1/customers/{id_}{path}", "secret").status_code == 200
        assert house.get(f"/v1/customers/{id_}{path}", "other").status_code == 404
    for query in ("", "?q=ada", "?q=o1", f"?q={id_}", "?identifier=user:1"):
        assert house.found(f"/v1/customers{query}", "secret")["items"]
        assert house.found(f"/v1/customers{query}", "other")["items"] == []
    (own,) = house.found("/v1/status", "other")["workspaces"]
    assert own == {"workspace": "bank", "applied": 16, "duplicate": 0, "dead_lettered": 0}


def test_what_was_lost_and_found_again_is_answered_again(house: House) -> None:
    house.told(called("user:1"))
    path = f"/v1/customers/{house.id_of('user:1')}"

    with psycopg.connect(house.urls.owner, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name LIKE 'touchline-%' AND datname = current_database()"
        )

    answers = [house.get(path).status_code for _ in range(20)]
    assert answers[-10:] == [200] * 10
    assert set(answers) <= {200, 503}


def test_a_timeline_needs_the_archive_and_a_profile_does_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("away")

    house.told(called("user:1"))
    path = f"/v1/customers/{house.id_of('user:1')}"
    monkeypatch.setattr(house.archive, "timeline", away)
    monkeypatch.setattr(house.archive, "touches", away)

    timeline = house.get(f"{path}/timeline")

    assert (timeline.status_code, timeline.headers["Retry-After"]) == (503, "1")
    assert house.get(path).status_code == 200
    ready = house.client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["archive"]) == (200, "away")


def test_the_rate_of_a_key_is_a_setting(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(urls, monkeypatch, requests_per_s=0.5, requests_burst=2.0) as house:
        answers = [house.get("/v1/status") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["problem"] == "more than 0.5 requests a second with this key"
