"""Points over HTTP: a balance that is explained, as of now and of any day in the past."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from schemas import Control, PointsAdjusted, PointsRedeemed
from services.fold.decisions import decision
from services.store.urls import Urls
from tests.integration.house import START, House, Json, bought, called, event, serving

DAY = 86_400
TODAY = (datetime.now(UTC) - START).total_seconds()


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def loyalty(house: House, identifier: str = "user:1") -> Json:
    return house.found(f"/v1/customers/{house.id_of(identifier)}/loyalty")


def lines(house: House, query: str = "", identifier: str = "user:1") -> list[Json]:
    """A statement's lines of all pages, oldest first."""
    path = f"/v1/customers/{house.id_of(identifier)}/loyalty/statement"
    page = house.found(f"{path}?sort=at&limit=3{query}")
    found: list[Json] = page["items"]
    while cursor := page["next_cursor"]:
        page = house.found(f"{path}?sort=at&limit=3{query}&cursor={cursor}")
        found += page["items"]
    assert len(found) == page["lines"]
    return found


def decide(house: House, data: Control, id_: str, *, at: float, identifier: str = "user:1") -> None:
    """A decision about a customer, folded."""
    occurred_at = START + timedelta(seconds=at)
    about = [house.id_of(identifier)]
    told = decision(data, id_=id_, occurred_at=occurred_at, identifiers=about)
    house.decided(("shop", told))
    house.fold()


def earned_before(at: datetime) -> datetime:
    """When what the default rules let expire at ``at``, or up to 3 days before, was earned."""
    year, month = divmod(at.year * 12 + at.month - 1 - 18, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, 28))


def redeemed(points: int, id_: str) -> PointsRedeemed:
    return PointsRedeemed(redemption_id=id_, points=points, reason="voucher")


def refunded(order_id: str, amount_minor: int, **more: Any) -> Json:
    data: Json = {"order_id": order_id, "amount_minor": amount_minor, "currency": "EUR"}
    return event("purchase.refunded", "user:1", **data | more)


def a_story(house: House) -> None:
    """Bought twice, gave back a part, redeemed, was corrected, answered a survey."""
    house.told(
        bought("o1", 500_00, "user:1", at=0, id="p1"),
        bought("o2", 100_00, "user:1", at=10 * DAY, id="p2"),
        event("feedback.given", "user:1", at=12 * DAY, survey="nps", score=9, id="f1"),
        refunded("o2", 50_00, at=20 * DAY, id="b2"),
    )
    decide(house, redeemed(300, "r1"), "r1", at=30 * DAY)
    decide(house, PointsAdjusted(adjustment_id="a1", points=-7, by="test"), "a1", at=31 * DAY)


def test_a_balance_is_explained_by_lots_and_by_lines(house: House) -> None:
    a_story(house)

    found, told = loyalty(house), lines(house)

    assert [(line["kind"], line["points"], line["id"]) for line in told] == [
        ("purchase", 550, "p1"),
        ("purchase", 125, "p2"),
        ("feedback", 10, "f1"),
        ("refund", -62, "b2"),
        ("redemption", -300, "r1"),
        ("adjustment", -7, "a1"),
    ]
    assert told[0]["remark"] == "euro 500, first purchase 50"
    assert told[4]["source"] == "touchline"
    running = 0
    for line in told:
        running += line["points"]
        assert line["balance"] == running
    assert found["balance"] == running == 316
    assert found["balance"] == sum(lot["left"] for lot in found["lots"]) - found["debt"]
    assert found["balance"] == (
        found["earned"] - found["redeemed"] - found["expired"] - found["reversed"]
        + found["adjusted"]
    )  # fmt: skip
    assert found["tier"] == "silver"
    assert (found["pending"], found["available"], found["debt"]) == (0, 316, 0)


def test_a_statement_of_any_day_ends_with_the_balance_of_that_day(house: House) -> None:
    a_story(house)
    everything = lines(house)

    for day in range(35):
        date = (START + timedelta(days=day)).date().isoformat()
        told = [line for line in everything if line["at"][:10] <= date]
        path = f"/v1/customers/{house.id_of('user:1')}/loyalty/statement?at={date}"

        page = house.found(path)

        assert page["balance"] == sum(line["points"] for line in told), date
        assert page["items"] == told[::-1], date


def test_pages_of_a_statement_hold_each_line_once_in_either_order(house: House) -> None:
    house.told(*(bought(f"o{n}", 1000 + n, "user:1", at=n // 3) for n in range(20)))
    path = f"/v1/customers/{house.id_of('user:1')}/loyalty/statement"

    for sort, limit in (("at", 3), ("at", 7), ("-at", 3), ("-at", 7), ("-at", 200)):
        everything = [line["id"] for line in house.found(f"{path}?sort=at&limit=200")["items"]]
        ids: list[str] = []
        cursor = ""
        while cursor is not None:
            query = f"?sort={sort}&limit={limit}{cursor and f'&cursor={cursor}'}"
            page = house.found(path + query)
            ids += [line["id"] for line in page["items"]]
            cursor = page["next_cursor"]
        house.told(bought(f"later-{sort}-{limit}", 100, "user:1", at=TODAY))

        assert ids == (everything if sort == "at" else everything[::-1]), (sort, limit)


def test_what_is_spoken_for_can_not_be_spent_and_is_owed_still(house: House) -> None:
    house.told(bought("o1", 500_00, "user:1"))
    one = house.id_of("user:1")
    headers = house._headers("secret") | {"Idempotency-Key": "k-1"}
    spent = house.client.post(
        f"/v1/customers/{one}/redemptions", json={"points": 500}, headers=headers
    )
    assert spent.status_code == 201, spent.text

    before, programme = loyalty(house), house.found("/v1/loyalty")
    house.fold()
    after = loyalty(house)

    names = ("balance", "pending", "spoken_for", "available", "redeemed")
    assert [before[name] for name in names] == [550, 500, 500, 50, 0]
    assert [after[name] for name in names] == [50, 0, 0, 50, 500]
    assert (programme["liability"], programme["spoken_for"]) == (550, 500)


def test_points_of_the_return_window_are_pending(house: House) -> None:
    house.told(bought("o1", 500_00, "user:1", at=TODAY - DAY))

    found = loyalty(house)

    names = ("balance", "pending", "returnable", "available")
    assert [found[name] for name in names] == [550, 550, 550, 0]
    assert found["lots"][0]["available_at"] > datetime.now(UTC).isoformat()


def test_points_expire_at_their_instant_whether_a_tick_came_or_not(house: House) -> None:
    over = earned_before(datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1))
    house.told(
        bought("o1", 500_00, "user:1", at=(over - START).total_seconds(), id="old"),
        bought("o2", 10_00, "user:1", at=TODAY - 60 * DAY),
    )

    found, told = loyalty(house), lines(house)

    assert (found["balance"], found["expired"]) == (10, 550)
    assert [(line["kind"], line["points"]) for line in told][-1] == ("expiry", -550)
    assert told[-1]["id"] == "old"
    assert [lot["left"] for lot in found["lots"]] == [10]


def test_a_refund_above_what_is_left_is_a_debt_that_is_shown(house: House) -> None:
    house.told(bought("o1", 500_00, "user:1", id="p1"))
    decide(house, redeemed(500, "r1"), "r1", at=30 * DAY)
    house.told(refunded("o1", 500_00, at=31 * DAY))

    found = loyalty(house)

    assert (found["balance"], found["debt"], found["available"]) == (-500, 500, 0)
    assert house.found("/v1/loyalty")["debt"] == 500


def test_who_never_had_points_has_none(house: House) -> None:
    house.told(called("user:1"))

    found = loyalty(house)

    assert [found[name] for name in ("balance", "available", "debt", "tier")] == [0, 0, 0, None]
    assert lines(house) == []


def test_customers_who_are_merged_have_one_statement(house: House) -> None:
    house.told(bought("o1", 100_00, "user:1"), bought("o2", 200_00, "email:a@x.org", at=5))
    apart = [loyalty(house, one)["balance"] for one in ("user:1", "email:a@x.org")]

    house.told(called("user:1", "email:a@x.org", at=9))

    # The bonus for a first purchase is given once.
    assert loyalty(house)["balance"] == sum(apart) - 50
    assert [line["points"] for line in lines(house)] == [150, 200]


def test_rows_that_rules_have_overtaken_are_told_by_the_new_ones(house: House, urls: Urls) -> None:
    a_story(house)
    before = loyalty(house)
    with psycopg.connect(urls.owner) as connection:
        connection.execute("UPDATE live.loyalty SET state = ''")
        connection.execute("UPDATE live.lifecycle SET state = ''")

    after = loyalty(house)

    assert {**after, "at": 0} == {**before, "at": 0}
    assert house.found(f"/v1/customers/{house.id_of('user:1')}/lifecycle")["stages"]


def test_the_programme_is_the_sum_of_its_members(house: House) -> None:
    a_story(house)
    last = (datetime.now(UTC) + timedelta(days=20)).replace(microsecond=0)
    soon = earned_before(last)
    house.told(
        bought("o9", 2500_00, "user:2", at=40 * DAY),
        bought("o8", 70_00, "user:3", at=(soon - START).total_seconds()),
        called("user:4"),
    )
    house.tick(datetime.now(UTC).replace(second=0, microsecond=0))

    programme = house.found("/v1/loyalty")

    members = [loyalty(house, f"user:{n}") for n in (1, 2, 3)]
    assert programme["members"] == 3
    assert programme["liability"] - programme["debt"] == sum(one["balance"] for one in members)
    assert programme["months"][-1]["outstanding"] == programme["liability"]
    january = next(month for month in programme["months"] if month["month"] == "2026-01")
    assert (january["earned"], january["redeemed"], january["reversed"]) == (685, 300, 62)
    assert {tier["tier"]: tier["members"] for tier in programme["tiers"]} == {
        "gold": 1, "silver": 1, "bronze": 1,
    }  # fmt: skip
    assert [tier["threshold"] for tier in programme["tiers"]] == [2000, 500, 0]
    (expiring,) = programme["expiring"]
    assert (expiring["points"], expiring["members"]) == (120, 1)
    assert programme["breakage_percent"] == 0.0


def test_wrong_questions_are_refused_by_name(house: House) -> None:
    house.told(*(bought(f"o{n}", 100, "user:1", at=n) for n in range(5)))
    path = f"/v1/customers/{house.id_of('user:1')}/loyalty/statement"
    given = house.found(f"{path}?limit=2")["next_cursor"]
    future = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()

    for query, field in (
        ("at=yesterday", "at"),
        ("at=2026-02-30", "at"),
        ("at=2026-01-01T10:00:00", "at"),
        (f"at={future}", "at"),
        ("limit=0", "limit"),
        ("sort=points", "sort"),
        ("cursor=xxxx", "cursor"),
        (f"at=2026-01-02&cursor={given}", "cursor"),
        ("page=2", "page"),
    ):
        response = house.get(f"{path}?{query}")
        assert (response.status_code, response.json()["field"]) == (422, field), query
        assert response.json()["remedy"]
    today = datetime.now(UTC).date().isoformat()
    assert house.found(f"{path}?at={today}")["lines"] == 5


def test_nobody_else_sees_points(house: House) -> None:
    house.told(bought("o1", 100_00, "user:1"))
    one = house.id_of("user:1")

    for path in (f"/v1/customers/{one}/loyalty", f"/v1/customers/{one}/loyalty/statement"):
        assert house.get(path, "other").status_code == 404
        assert house.get(path, "write").status_code == 403
        assert house.client.get(path).status_code == 401
    other = house.found("/v1/loyalty", "other")
    assert (other["members"], other["liability"], other["months"]) == (0, 0, [])
