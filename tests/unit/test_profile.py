"""Profile: touches counted, traits by the canonical order, and how complete it all is."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from tests.histories import START, Step
from tests.replayed import ADA, bought, called, described, given, refunded


@pytest.mark.parametrize(
    ("told", "traits"),
    [
        pytest.param([described(city="Ulm")], {"city": "Ulm"}, id="set"),
        pytest.param(
            [described(city="Ulm", at=1), described(city="Bonn", at=2)],
            {"city": "Bonn"},
            id="set again, the later stands",
        ),
        pytest.param(
            [described(city="Ulm", at=1), described(city=None, at=2)], {}, id="set, then unset"
        ),
        pytest.param(
            [described(city=None, at=1), described(city="Ulm", at=2)],
            {"city": "Ulm"},
            id="unset, then set",
        ),
        pytest.param(
            [described(city="Ulm", at=1), described(city=None, at=2), described(city="Bonn", at=3)],
            {"city": "Bonn"},
            id="set, unset, set",
        ),
        pytest.param(
            [described(city="Ulm", source="crm"), described(city="Bonn", source="shop")],
            {"city": "Bonn"},
            id="at one time, the source that sorts last stands",
        ),
        pytest.param(
            [described(city="Ulm", at=1), described(name="Ada", at=2)],
            {"city": "Ulm", "name": "Ada"},
            id="each trait for itself",
        ),
        pytest.param(
            [described(vip=True, at=1), described(vip=1, at=2)], {"vip": 1}, id="1 is not true"
        ),
    ],
)
def test_traits_go_by_the_canonical_order_however_they_arrive(
    told: list[Step], traits: dict[str, object]
) -> None:
    for steps in itertools.permutations(told):
        found = given(*steps).traits()

        assert found == traits
        assert [*map(type, found.values())] == [*map(type, traits.values())]


def test_a_trait_tells_when_and_by_whom_it_was_set() -> None:
    row = given(described(city="Ulm", at=5, source="crm")).customer()

    assert row["traits"]["city"] == ["Ulm", START + timedelta(seconds=5), "crm", "e-1"]


def test_traits_that_name_nobody_lie_open_and_count_alike() -> None:
    found = given(
        Step("classified", ({"plan": "pro", "seats": 3},), (ADA,), {"at": 1}),
        described(plan="basic", at=2),
    )

    assert found.traits() == {"plan": "basic", "seats": 3}


def test_free_text_is_no_trait() -> None:
    found = given(described(text="I am Ada", subject="Hello", comment="well", city="Ulm"))

    assert found.traits() == {"city": "Ulm"}


@pytest.mark.parametrize(
    ("traits", "name"),
    [
        ({"name": "Ada Lovelace"}, "Ada Lovelace"),
        ({"first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace"),
        ({"last_name": "Lovelace"}, "Lovelace"),
        ({"name": "Lady Ada", "first_name": "Ada"}, "Lady Ada"),
        ({"name": "", "first_name": "Ada"}, "Ada"),
        ({"city": "Ulm"}, None),
        ({"name": None}, None),
    ],
)
def test_a_customer_is_called_by_name_or_by_first_and_last(
    traits: dict[str, Any], name: str | None
) -> None:
    assert given(described(**traits)).customer()["name"] == name


def test_the_first_and_last_touch_are_the_earliest_and_latest_that_happened() -> None:
    row = given(called(at=5), called(at=9), called(at=2)).customer()

    assert (row["first_at"], row["last_at"]) == (
        START + timedelta(seconds=2),
        START + timedelta(seconds=9),
    )


def test_touches_are_counted_by_family_and_channel() -> None:
    row = given(
        called(),
        called(),
        bought("o", 1_00, channel="store"),
        bought("p", 1_00, channel="web"),
        bought("q", 1_00, channel="web"),
        refunded("q", 1_00),
        described(city="Ulm"),
    ).customer()

    assert row["families"] == {"call": 2, "purchase": 4, "customer": 1}
    assert row["channels"] == {"store": 1, "web": 2}


@pytest.mark.parametrize(
    ("told", "per_cent"),
    [
        ([called("anonymous:x")], 0),
        ([called("user:ada")], 12),
        ([called("user:ada", "email:ada@x.org", "phone:+442079460018")], 37),
        ([described("anonymous:x", name="Ada")], 12),
        ([described("anonymous:x", first_name="Ada", last_name="L", name="Ada L")], 12),
        (
            [
                described(
                    "anonymous:x", city="Ulm", birthday="1815-12-10", gender="f", language="en"
                )
            ],
            50,
        ),
        (
            [
                described(
                    *("user:ada", "email:ada@x.org", "phone:+442079460018"),
                    name="Ada",
                    city="Ulm",
                    birthday="1815-12-10",
                    gender="f",
                    language="en",
                )
            ],
            100,
        ),
        ([described("user:ada", name="Ada"), described("user:ada", name=None, at=1)], 12),
    ],
)
def test_completeness_is_the_share_of_what_is_known(told: list[Step], per_cent: int) -> None:
    name = told[0].named[0]

    assert given(*told).customer(name)["completeness"] == per_cent


def test_a_customer_is_all_that_its_identifiers_are() -> None:
    found = given(
        bought("o", 10_00, "user:ada", at=1),
        called("email:ada@x.org", at=2),
        described("anonymous:x", city="Ulm", at=3),
        called("user:ada", "email:ada@x.org", "anonymous:x", at=9),
    )

    row = found.customer("anonymous:x")

    assert row == found.customer("user:ada")
    assert row["families"] == {"purchase": 1, "call": 2, "customer": 1}
    assert row["spend_minor"] == {"EUR": 10_00}
    assert found.traits("email:ada@x.org") == {"city": "Ulm"}
