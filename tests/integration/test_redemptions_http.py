"""Points spent, corrected and given back over HTTP."""

import json
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from services.store.urls import Urls
from tests.integration.house import House, Json, bought, called, event, serving, waiting_for


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def ask(
    house: House, path: str, body: object, *, key: str | None = "k-1", as_: str = "secret"
) -> httpx.Response:
    """Post a command under an Idempotency-Key."""
    headers = house._headers(as_) | ({"Idempotency-Key": key} if key else {})
    return house.client.post(path, content=json.dumps(body).encode(), headers=headers)


def member(house: House, amount_minor: int = 100_000) -> str:
    """The id of a customer who has bought, long ago; 1050 points by the default rules."""
    house.told(bought("o1", amount_minor, "user:1", "email:a@x.org"))
    return house.id_of("user:1")


def test_points_are_spent_once_and_the_answer_stays_the_same(house: House) -> None:
    one = member(house)

    first = ask(house, f"/v1/customers/{one}/redemptions", {"points": 400, "reason": "voucher"})
    again = ask(house, f"/v1/customers/{one}/redemptions", {"points": 400, "reason": "voucher"})

    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.json() == again.json()
    assert first.json()["available"] == 650
    assert first.headers["Touchline-Position"] == first.json()["position"]
    rest = ask(house, f"/v1/customers/{one}/redemptions", {"points": 651}, key="k-2")
    assert rest.status_code == 409
    assert "650 are available" in rest.json()["problem"]


def test_a_caller_reads_its_own_redemption(house: House) -> None:
    one = member(house)

    with house.running():
        spent = ask(house, f"/v1/customers/{one}/redemptions", {"points": 400})
        house.found(f"/v1/customers/{one}", **waiting_for(spent.headers["Touchline-Position"]))

    assert house.rows("SELECT balance FROM live.loyalty") == [(650,)]
    assert house.rows("SELECT * FROM touchline.pending_redemption") == []


def test_another_request_under_a_used_key_is_refused(house: House) -> None:
    one = member(house)
    path = f"/v1/customers/{one}/redemptions"
    ask(house, path, {"points": 400})

    for other in ({"points": 401}, {"points": 400, "reason": "another"}):
        response = ask(house, path, other)
        assert (response.status_code, response.json()["field"]) == (422, "Idempotency-Key")
    assert ask(house, path, {"points": 1}, key="k-9").json()["available"] == 649


def test_a_refusal_for_too_few_points_stays_the_answer_of_its_key(house: House) -> None:
    one = member(house)
    path = f"/v1/customers/{one}/redemptions"
    refused = ask(house, path, {"points": 2000})
    house.told(bought("o2", 500_000, "user:1"))

    again = ask(house, path, {"points": 2000})
    anew = ask(house, path, {"points": 2000}, key="k-2")

    assert (refused.status_code, again.status_code, anew.status_code) == (409, 409, 201)
    assert refused.json() == again.json()


def test_no_number_is_too_odd_to_be_refused(house: House) -> None:
    one = member(house)

    for raw in (b"1" + b"0" * 5000, b"-1" + b"0" * 400, b"1e400", b"NaN"):
        response = house.client.post(
            f"/v1/customers/{one}/redemptions",
            content=b'{"points": ' + raw + b"}",
            headers=house._headers("secret") | {"Idempotency-Key": "k"},
        )
        assert response.status_code in {400, 422}, response.text
        assert response.json()["remedy"]


ODD: Final[list[tuple[Json, str | None, int, str]]] = [
    ({"points": 1}, None, 400, "Idempotency-Key"),
    ({"points": 1}, "a b", 422, "Idempotency-Key"),
    ({"points": 1}, "k" * 201, 422, "Idempotency-Key"),
    ({"points": 0}, "k", 422, "points"),
    ({"points": -5}, "k", 422, "points"),
    ({"points": 10**12 + 1}, "k", 422, "points"),
    ({"points": 10**400}, "k", 422, "points"),
    ({"points": 1.5}, "k", 422, "points"),
    ({"points": "1"}, "k", 422, "points"),
    ({"points": True}, "k", 422, "points"),
    ({"points": None}, "k", 422, "points"),
    ({}, "k", 422, "points"),
    ({"points": 1, "reason": ""}, "k", 422, "reason"),
    ({"points": 1, "reason": "x" * 201}, "k", 422, "reason"),
    ({"points": 1, "reason": "a\0b"}, "k", 422, "data.reason"),
    ({"points": 1, "customer": "x"}, "k", 422, "customer"),
    ({"points": 10**12}, "k", 409, "points"),
]


def test_what_is_no_redemption_is_refused_with_field_and_remedy(house: House) -> None:
    one = member(house)

    for body, key, status, field in ODD:
        response = ask(house, f"/v1/customers/{one}/redemptions", body, key=key)

        assert (response.status_code, response.json()["field"]) == (status, field), response.text
        assert response.json()["remedy"]
    assert house.rows("SELECT * FROM touchline.pending_redemption") == []


def test_strangers_and_customers_of_others_have_no_points(house: House) -> None:
    one = member(house)

    for who, key in ((("0" * 32), "secret"), ("nobody", "secret"), (one, "other")):
        response = ask(house, f"/v1/customers/{who}/redemptions", {"points": 1}, as_=key)
        assert (response.status_code, response.json()["field"]) == (404, "customer_id")
    forbidden = ask(house, f"/v1/customers/{one}/redemptions", {"points": 1}, as_="write")
    assert forbidden.status_code == 403


def test_a_cancelled_redemption_gives_its_points_back(house: House) -> None:
    one = member(house)
    path = f"/v1/customers/{one}/redemptions"
    spent = ask(house, path, {"points": 400}).json()["redemption_id"]

    with house.running():
        cancelled = ask(house, f"{path}/{spent}/cancel", {"reason": "returned"}, key=None)
        again = house.client.delete(f"{path}/{spent}", headers=house._headers("secret"))

    assert (cancelled.status_code, again.status_code) == (200, 200), cancelled.text + again.text
    assert cancelled.json()["is_applied"]
    house.fold()
    assert house.rows("SELECT balance FROM live.loyalty") == [(1050,)]
    assert ask(house, path, {"points": 1050}, key="k-2").status_code == 201
    voids = "SELECT count(*) FROM live.ledger WHERE is_void"
    assert house.rows(voids) == [(1,)]


def test_only_a_customers_own_redemption_can_be_cancelled(house: House) -> None:
    one = member(house)
    house.told(called("user:2"))
    two = house.id_of("user:2")
    spent = ask(house, f"/v1/customers/{one}/redemptions", {"points": 1}).json()["redemption_id"]
    adjusted = ask(
        house,
        f"/v1/customers/{one}/adjustments",
        {"points": -1, "reason": "x"},
        as_="admin",
        key=None,
    ).json()["adjustment_id"]

    for who, id_ in ((two, spent), (one, "no-such"), (one, adjusted), ("nobody", spent)):
        response = ask(house, f"/v1/customers/{who}/redemptions/{id_}/cancel", {}, key=None)
        assert response.status_code == 404, response.text


def test_adjustments_need_an_admin_and_a_reason(house: House) -> None:
    one = member(house)
    path = f"/v1/customers/{one}/adjustments"

    forbidden = ask(house, path, {"points": 5, "reason": "goodwill"})
    unexplained = ask(house, path, {"points": 5}, as_="admin")
    zero = ask(house, path, {"points": 0, "reason": "goodwill"}, as_="admin")
    enormous = ask(house, path, {"points": -(10**13), "reason": "goodwill"}, as_="admin")

    assert forbidden.status_code == 403
    assert [one.json()["field"] for one in (unexplained, zero, enormous)] == [
        "reason", "points", "points",
    ]  # fmt: skip


def test_points_taken_by_hand_can_not_be_spent_before_they_are_folded(house: House) -> None:
    one = member(house)
    path = f"/v1/customers/{one}"
    taken = ask(house, f"{path}/adjustments", {"points": -1000, "reason": "fraud"}, as_="admin")

    response = ask(house, f"{path}/redemptions", {"points": 51}, key="k-2")

    assert (taken.status_code, taken.json()["available"]) == (201, 50), taken.text
    assert response.status_code == 409
    house.fold()
    assert house.rows("SELECT balance FROM live.loyalty") == [(50,)]
    assert house.rows("SELECT * FROM touchline.pending_redemption") == []


def test_an_adjustment_below_zero_is_a_debt_that_is_shown(house: House) -> None:
    one = member(house)
    house.told(called("user:2"))
    two = house.id_of("user:2")

    for who in (one, two):
        path = f"/v1/customers/{who}/adjustments"
        ask(house, path, {"points": -2000, "reason": "fraud"}, as_="admin", key=who)
    house.fold()

    assert house.rows("SELECT balance, debt FROM live.loyalty ORDER BY balance") == [
        (-2000, 2000), (-950, 950),
    ]  # fmt: skip


def test_a_purchase_is_taken_back_and_its_points_with_it(house: House) -> None:
    one = member(house)
    house.told(bought("o2", 5_000, "user:1", id="e-x", source="shop"))

    with house.running():
        voided = ask(
            house, "/v1/events/void", {"source": "shop", "id": "e-x", "reason": "test order"},
            as_="admin", key=None,
        )  # fmt: skip
        again = ask(
            house, "/v1/events/void", {"source": "shop", "id": "e-x"}, as_="admin", key="k-7"
        )

    assert (voided.status_code, again.status_code) == (200, 200), voided.text + again.text
    assert voided.json()["voided_type"] == "purchase.completed"
    assert voided.json()["void_id"] == again.json()["void_id"]
    assert house.rows("SELECT balance FROM live.loyalty") == [(1050,)]
    assert house.found(f"/v1/customers/{one}")["counts"]["purchase"] == 2


def test_touches_can_not_be_taken_back(house: House) -> None:
    house.told(called("user:1", id="c-1", source="pbx"))

    touch = ask(house, "/v1/events/void", {"source": "pbx", "id": "c-1"}, as_="admin", key=None)
    secret = ask(house, "/v1/events/void", {"source": "pbx", "id": "c-1"}, key=None)
    foreign = ask(house, "/v1/events/void", {"source": "pbx", "id": "c-2"}, as_="admin", key=None)

    assert (touch.status_code, touch.json()["field"]) == (422, "id")
    assert "call.ended" in touch.json()["problem"]
    assert (secret.status_code, foreign.status_code) == (403, 404)


def test_a_reward_is_granted_for_its_price(house: House) -> None:
    one = member(house)
    path = f"/v1/customers/{one}/rewards"

    granted = ask(house, path, {"reward": "voucher_10"}, key=None)
    short = ask(house, path, {"reward": "voucher_5"}, key=None)
    unknown = ask(house, path, {"reward": "yacht"}, key=None)

    assert granted.status_code == 201, granted.text
    assert (granted.json()["cost_points"], granted.json()["available"]) == (900, 150)
    assert (short.status_code, short.json()["field"]) == (409, "reward")
    assert (unknown.status_code, unknown.json()["field"]) == (404, "reward")
    assert "voucher_5" in unknown.json()["remedy"]
    house.fold()
    assert house.rows("SELECT balance FROM live.loyalty") == [(150,)]
    assert house.rows("SELECT * FROM touchline.pending_redemption") == []


def test_feedback_of_a_key_can_not_pass_for_a_redemption(house: House) -> None:
    forged = event("points.redeemed", "user:1", redemption_id="x", points=1)

    response = house.post("/v1/events", [forged], "admin")

    assert response.json()["rejected"][0]["field"] == "type"
