"""The list of customers: found, sorted and paged, none twice and none left out."""

from collections.abc import Iterator

import pytest

from services.store.urls import Urls
from tests.integration.house import (
    House,
    bought,
    called,
    described,
    serving,
)


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def test_search_finds_by_identifier_by_order_and_by_part_of_a_name(house: House) -> None:
    house.told(
        described(
            {"name": "Ada Lovelace"}, "user:42", "email:ada@example.org", "phone:030 1234567"
        ),
        bought("R-1001", 1250, "user:42"),
        described({"name": "Grace O'Hopper 100%_\\"}, "user:43"),
        described({"name": "Łukasz Żółw"}, "user:44"),
    )

    def names(q: str) -> list[str]:
        found = house.client.get(
            "/v1/customers", params={"q": q}, headers=house._headers("secret")
        ).json()
        return [item["name"] for item in found["items"]]

    for q in (
        "Ada@Example.org",
        "email:ada@example.org",
        "030 1234567",
        "+49301234567",
        "42",
        "user:42",
        "R-1001",
        "LOVE",
        "  ada lov ",
        house.id_of("user:42"),
    ):
        assert names(q) == ["Ada Lovelace"], q
    assert names("100%_\\") == ["Grace O'Hopper 100%_\\"]
    assert names("%") == ["Grace O'Hopper 100%_\\"]
    assert names("żół") == ["Łukasz Żółw"]
    assert names("nobody") == []
    assert names("\0lovelace") == ["Ada Lovelace"]
    assert len(names("")) == 3


def test_every_sort_gives_each_customer_once(house: House) -> None:
    house.told(
        *(described({"name": f"C{9 - n}"}, f"user:c{n}", at=n) for n in range(5)),
        *(called(f"anonymous:a{n}", at=100 + n) for n in range(4)),
        *(bought(f"o{n}", 100, "user:c3", at=50) for n in range(3)),
    )
    everybody = {item["customer_id"] for item in house.found("/v1/customers")["items"]}

    for sort in ("customer_id", "-last_at", "first_at", "-orders", "name"):
        items, cursor = [], ""
        while cursor is not None:
            page = house.found(f"/v1/customers?limit=2&sort={sort}{cursor and f'&cursor={cursor}'}")
            items += page["items"]
            cursor = page["next_cursor"]

        ids = [item["customer_id"] for item in items]
        assert len(ids) == len(set(ids)) == len(everybody) == 9, sort
        key = sort.lstrip("-")
        values = [item[key] for item in items]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=sort.startswith("-")), sort
        assert values[: len(known)] == known, "those without a name come last"


def test_pages_never_skip_a_customer_while_others_arrive(house: House) -> None:
    house.told(*(called(f"user:c{n}") for n in range(20)))
    before = {item["customer_id"] for item in house.found("/v1/customers")["items"]}
    seen: list[str] = []
    cursor = ""
    for turn in range(100):
        page = house.found(f"/v1/customers?limit=3{cursor and f'&cursor={cursor}'}")
        seen += [item["customer_id"] for item in page["items"]]
        house.told(called(f"user:new{turn}"), called(f"user:c{turn}", at=turn))
        if (cursor := page["next_cursor"]) is None:
            break

    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_wrong_parameters_are_refused_by_name(house: House) -> None:
    cursor = "x" * 40
    house.told(*(called(f"user:c{n}") for n in range(3)))
    given = house.found("/v1/customers?limit=1")["next_cursor"]

    for query, field in (
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("sort=age", "sort"),
        ("age=7", "age"),
        ("identifier=ada", "identifier"),
        ("identifier=email:nobody", "identifier"),
        (f"cursor={cursor}", "cursor"),
        ("cursor=%F0%9F%98%80", "cursor"),
        (f"sort=name&cursor={given}", "cursor"),
        (f"q=a&cursor={given}", "cursor"),
    ):
        response = house.get(f"/v1/customers?{query}")

        assert (response.status_code, response.json()["field"]) == (422, field), query
        assert response.json()["remedy"]
