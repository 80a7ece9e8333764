"""Merging and splitting over HTTP: asked for, applied, and taken back."""

from collections.abc import Iterator
from functools import partial

import pytest

from services import web
from services.commands.customers import Customers
from services.store.urls import Urls
from tests.integration.house import House, bought, called, described, serving, waiting_for


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def test_merged_customers_are_one_and_a_split_takes_it_back(house: House) -> None:
    house.told(bought("o1", 100, "user:1"), bought("o2", 20, "user:2", "email:b@x.org"))
    one, two = house.id_of("user:1"), house.id_of("user:2")

    with house.running():
        merged = house.post(f"/v1/customers/{one}/merge", {"merged": two, "reason": "same person"})
        together = house.found(f"/v1/customers/{two}")
        split = house.post(f"/v1/customers/{one}/split", {"identifiers": ["user:2"]})

    assert (merged.status_code, split.status_code) == (200, 200), merged.text + split.text
    assert merged.json()["customer_ids"] == [min(one, two)]
    assert merged.json()["is_applied"]
    assert together["customer_id"] == min(one, two)
    assert (together["orders"], together["spend_minor"]) == (2, {"EUR": 120})
    assert split.json()["customer_ids"] == sorted([one, two])
    assert house.found(f"/v1/customers/{one}")["spend_minor"] == {"EUR": 100}
    assert house.found(f"/v1/customers/{two}")["identifiers"] == ["user:2", "email:b@x.org"]
    identity = house.found(f"/v1/customers/{one}/identity")
    assert [edge["why"] for edge in identity["refused"]] == ["split"]
    assert len(identity["splits"]) == 1


def test_what_makes_no_sense_is_refused_with_a_remedy(house: House) -> None:
    house.told(called("user:1", "email:a@x.org"), called("user:2"))
    one = house.id_of("user:1")

    for path, body, status, field in (
        (f"{one}/merge", {"merged": one}, 409, "merged"),
        (f"{one}/merge", {"merged": "email:a@x.org"}, 409, "merged"),
        (f"{one}/merge", {"merged": "user:404"}, 404, "merged"),
        (f"{one}/merge", {"merged": "ada"}, 404, "merged"),
        (f"{'0' * 32}/merge", {"merged": one}, 404, "customer_id"),
        (f"{one}/merge", {}, 422, "merged"),
        (f"{one}/merge", {"merged": "user:2", "reason": "x" * 201}, 422, "reason"),
        (f"{one}/split", {"identifiers": []}, 422, "identifiers"),
        (f"{one}/split", {"identifiers": ["user:2"]}, 422, "identifiers"),
        (f"{one}/split", {"identifiers": ["user:1", "email:a@x.org"]}, 422, "identifiers"),
    ):
        response = house.post(f"/v1/customers/{path}", body)

        assert (response.status_code, response.json()["field"]) == (status, field), response.text
        assert response.json()["remedy"]
    unknown = house.post(f"/v1/customers/{one}/merge", {"merged": "user:404"})
    assert unknown.json()["value"] == "user:404"
    for content, status in ((b"[[", 400), (b"", 422), (b"[]", 422), (b"\xff", 400)):
        response = house.client.post(
            f"/v1/customers/{one}/merge", content=content, headers=house._headers("secret")
        )
        assert response.status_code == status, response.text


def test_a_customer_of_another_workspace_can_not_be_merged(house: House) -> None:
    house.told(called("user:1"))
    house.tell(called("user:9"), key="other")
    house.fold()
    foreign = house.id_of("user:9", "other")

    response = house.post(f"/v1/customers/{house.id_of('user:1')}/merge", {"merged": foreign})

    assert (response.status_code, response.json()["field"]) == (404, "merged")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "Customers", partial(Customers, patience_s=0.05))


def test_what_is_not_applied_in_time_is_answered_with_a_position_to_wait_for(
    impatient: None, house: House
) -> None:
    house.told(called("user:1"), called("user:2"))
    one, two = house.id_of("user:1"), house.id_of("user:2")

    response = house.post(f"/v1/customers/{one}/merge", {"merged": two})

    assert response.status_code == 202
    assert not response.json()["is_applied"]
    with house.running():
        position = response.json()["position"]
        customer = house.found(f"/v1/customers/{two}", **waiting_for(position))
    assert customer["customer_id"] == min(one, two)


def test_identity_says_why_identifiers_are_apart(house: House) -> None:
    house.told(
        *(called(f"user:t{n}", "anonymous:tablet", at=n) for n in range(5)),
        called("user:1", "email:a@x.org", at=10),
        called("user:2", "email:a@x.org", at=11),
    )

    tablet = house.found(f"/v1/customers/{house.id_of('user:t0')}/identity")
    two = house.found(f"/v1/customers/{house.id_of('user:2')}/identity")

    assert [edge["why"] for edge in tablet["refused"]] == ["common"]
    assert [edge["why"] for edge in two["refused"]] == ["two_users"]
    assert two["refused"][0]["names"] == ["user:2", "email:a@x.org"]
    assert [member["value"] for member in two["members"]] == ["2"]


def test_a_parted_identifier_without_events_of_its_own_is_a_customer_without_any(
    house: House,
) -> None:
    house.told(described({"name": "Ada"}, "user:1", "email:a@x.org"))
    one = house.id_of("user:1")

    with house.running():
        split = house.post(f"/v1/customers/{one}/split", {"identifiers": ["email:a@x.org"]})
    parted = [id_ for id_ in split.json()["customer_ids"] if id_ != one]

    customer = house.found(f"/v1/customers/{parted[0]}")
    assert customer["identifiers"] == ["email:a@x.org"]
    assert (customer["name"], customer["counts"]) == (None, {})
