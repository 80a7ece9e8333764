"""Lifecycle over HTTP: where customers stand and why, the way there, and all of them in figures."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from services.store.urls import Urls
from tests.integration.house import START, House, Json, bought, called, event, serving

DAY = 86_400


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def lifecycle(house: House, identifier: str) -> Json:
    return house.found(f"/v1/customers/{house.id_of(identifier)}/lifecycle")


def on(day: int) -> str:
    """The day so many after the start."""
    return (START + timedelta(days=day)).date().isoformat()


def a_crowd(house: House) -> None:
    """A buyer who went silent, one who came back, two who look around, and time for all."""
    house.told(
        *(bought(f"a{n}", 100_00, "user:silent", at=10 * n * DAY) for n in range(3)),
        bought("b0", 300_00, "user:back", at=0),
        bought("b1", 300_00, "user:back", at=200 * DAY),
        *(event("web.visited", f"user:looks-{n}", page="/", at=205 * DAY) for n in range(2)),
        event("email.sent", "user:quiet", at=0),
    )
    house.tick(START + timedelta(days=210))


def test_a_customer_s_stage_comes_with_its_reasons_and_what_follows(house: House) -> None:
    house.told(*(bought(f"o{n}", 100_00, "user:1", at=10 * n * DAY) for n in range(3)))
    house.tick(START + timedelta(days=36))

    found = lifecycle(house, "user:1")

    assert found["stages"]["default"] == {
        "stage": "at_risk",
        # Two gaps of ten days: late after one and a half times as long.
        "since": on(35),
        "policy_version": 1,
        "why": {
            "rule": "at least 1 order, no purchase for 150 % of the own rhythm",
            "facts": {
                "orders": 3,
                "last_purchase_on": on(20),
                "overdue_from": on(35),
                "rhythm_days": 10,
            },
        },
        "next": {"stage": "lapsed", "on": on(50)},
    }
    assert found["at"] == "2026-02-06T00:00:00Z"
    profile = house.found(f"/v1/customers/{house.id_of('user:1')}")
    assert profile["stage"] == "at_risk"
    assert profile["stages"] == {
        machine: stay["stage"] for machine, stay in found["stages"].items()
    }


def test_the_whole_way_is_told_and_ends_where_the_customer_stands(house: House) -> None:
    a_crowd(house)

    found = lifecycle(house, "user:back")

    way = [one for one in found["history"] if one["machine"] == "default"]
    assert [(one["stage"], one["since"], one["until"]) for one in way] == [
        ("new", on(0), on(90)),
        ("at_risk", on(90), on(180)),
        ("lapsed", on(180), on(200)),
        ("won_back", on(200), None),
    ]
    assert way[2]["why"]["facts"]["overdue_from"] == on(180)
    for machine, stay in found["stages"].items():
        last = [one for one in found["history"] if one["machine"] == machine][-1]
        assert (last["stage"], last["since"], last["until"]) == (
            stay["stage"], stay["since"], None,
        )  # fmt: skip


def test_what_is_told_late_changes_the_way_from_its_own_day(house: House) -> None:
    a_crowd(house)
    house.told(bought("late", 100, "user:back", at=60 * DAY))

    way = [
        (one["stage"], one["since"])
        for one in lifecycle(house, "user:back")["history"]
        if one["machine"] == "default"
    ]

    assert ("active", on(60)) in way
    assert ("at_risk", on(90)) not in way


def test_a_customer_whom_nothing_happened_to_stands_nowhere(house: House) -> None:
    house.told(called("user:1", "email:a@x.org"))
    one = house.id_of("user:1")
    with house.running():
        parted = house.post(f"/v1/customers/{one}/split", {"identifiers": ["email:a@x.org"]})
    assert parted.status_code == 200, parted.text
    other = next(id_ for id_ in parted.json()["customer_ids"] if id_ != one)

    found = house.found(f"/v1/customers/{other}/lifecycle")

    assert (found["at"], found["stages"], found["history"]) == (None, {}, [])


def test_the_list_is_filtered_by_stage_machine_and_tier(house: House) -> None:
    a_crowd(house)

    def named(query: str) -> set[str]:
        items = house.found(f"/v1/customers?{query}")["items"]
        return {name.removeprefix("user:") for item in items for name in item["identifiers"]}

    assert named("stage=won_back") == {"back"}
    assert named("stage=won_back&machine=default") == {"back"}
    assert named("stage=engaged") == {"looks-0", "looks-1"}
    assert named("stage=retain&machine=crm") == {"silent", "back"}
    assert named("tier=silver") == {"back"}
    assert named("tier=bronze&stage=lapsed") == {"silent"}
    assert named("stage=buy&machine=journey&tier=silver") == set()
    assert named("stage=engaged&q=looks-1") == {"looks-1"}
    assert named("stage=engaged&identifier=user:quiet") == set()
    (item,) = house.found("/v1/customers?tier=silver")["items"]
    assert (item["stage"], item["stages"]["crm"], item["tier"]) == ("won_back", "retain", "silver")


def test_filtered_pages_hold_each_customer_once_in_every_order(house: House) -> None:
    house.told(
        *(bought(f"o{n}", 1000 + n, f"user:c{n:02}", at=n) for n in range(11)),
        *(called(f"user:d{n:02}", at=n) for n in range(7)),
    )
    filters = ("stage=new", "stage=convert&machine=crm", "tier=bronze", "stage=new&tier=bronze")

    for query in filters:
        for sort in ("customer_id", "-last_at", "first_at", "-orders", "name"):
            ids: list[str] = []
            cursor = ""
            while cursor is not None:
                page = house.found(
                    f"/v1/customers?{query}&sort={sort}&limit=4{cursor and f'&cursor={cursor}'}"
                )
                ids += [item["customer_id"] for item in page["items"]]
                cursor = page["next_cursor"]

            assert len(ids) == len(set(ids)) == 11, (query, sort)
            if sort == "customer_id":
                assert ids == sorted(ids)


def test_figures_count_each_customer_once_a_machine(house: House) -> None:
    a_crowd(house)

    found = house.found("/v1/lifecycle")

    machines = {one["machine"]: one for one in found["machines"]}
    assert list(machines) == ["default", "crm", "journey"]
    counted = {stage["stage"]: stage["customers"] for stage in machines["default"]["stages"]}
    assert list(counted) == [
        "prospect", "engaged", "new", "active", "loyal", "won_back", "at_risk", "lapsed",
    ]  # fmt: skip
    assert {name: many for name, many in counted.items() if many} == {
        "prospect": 1, "engaged": 2, "won_back": 1, "lapsed": 1,
    }  # fmt: skip
    for machine in machines.values():
        assert machine["customers"] == sum(stage["customers"] for stage in machine["stages"]) == 5
        assert machine["means"]
    medians = {stage["stage"]: stage["median_days"] for stage in machines["default"]["stages"]}
    # Since day 205, 50 and 200; nobody is new.
    assert [medians[name] for name in ("engaged", "lapsed", "won_back", "new")] == [
        5,
        160,
        10,
        None,
    ]


def test_moves_are_what_was_decided_by_the_day_on_which_it_began(house: House) -> None:
    house.told(bought("b0", 300_00, "user:1", at=0), bought("c0", 300_00, "user:2", at=0))
    for day in (1, 91, 181):
        house.tick(START + timedelta(days=day))
    house.told(bought("b1", 300_00, "user:1", at=200 * DAY))
    house.feed()

    whole = house.found(f"/v1/lifecycle?from={on(0)}&to={on(365)}")
    part = house.found(f"/v1/lifecycle?from={on(60)}&to={on(100)}")

    def moves(found: Json) -> Counter[tuple[str, str]]:
        return Counter(
            {(one["previous"], one["stage"]): one["moves"] for one in found["machines"][0]["moves"]}
        )

    # What came late, as all purchases here did, was history when it was told.
    assert moves(whole) == {("new", "at_risk"): 2, ("at_risk", "lapsed"): 2}
    assert moves(part) == {("new", "at_risk"): 2}
    stages = {stage["stage"]: stage for stage in whole["machines"][0]["stages"]}
    figures = ("newcomers", "left", "median_days_to_leave")
    assert [stages["new"][name] for name in figures] == [0, 2, 90]
    assert [stages["at_risk"][name] for name in figures] == [0, 2, 90]
    assert [stages["lapsed"][name] for name in figures] == [1, 0, None]
    assert [stages["won_back"][name] for name in figures] == [1, 0, None]
    assert (part["first"], part["last"]) == (on(60), on(100))


def test_wrong_questions_are_refused_by_name(house: House) -> None:
    house.told(*(bought(f"o{n}", 100, f"user:c{n}") for n in range(3)))
    given = house.found("/v1/customers?stage=new&limit=1")["next_cursor"]
    whole = house.found("/v1/customers?limit=1")["next_cursor"]

    for query, field in (
        ("stage=New", "stage"),
        ("stage=%00", "stage"),
        ("tier=", "tier"),
        ("machine=crm", "machine"),
        ("stage=new&machine=%00", "machine"),
        (f"stage=new&cursor={whole}", "cursor"),
        (f"stage=active&cursor={given}", "cursor"),
        (f"stage=new&machine=crm&cursor={given}", "cursor"),
        (f"cursor={given}", "cursor"),
    ):
        response = house.get(f"/v1/customers?{query}")
        assert (response.status_code, response.json()["field"]) == (422, field), query
    for query, field in (
        ("from=x", "from"),
        ("from=2026-02-01&to=2026-01-01", "from"),
        ("a=1", "a"),
    ):
        response = house.get(f"/v1/lifecycle?{query}")
        assert (response.status_code, response.json()["field"]) == (422, field), query
    assert house.found("/v1/lifecycle?to=0001-01-01")["first"] == date.min.isoformat()


def test_nobody_else_sees_stages(house: House) -> None:
    house.told(bought("o1", 100, "user:1"))
    path = f"/v1/customers/{house.id_of('user:1')}/lifecycle"

    assert house.get(path, "other").status_code == 404
    assert house.get(path, "write").status_code == 403
    assert house.get("/v1/lifecycle", "browser").status_code == 403
    assert house.found("/v1/customers?stage=new", "other")["items"] == []
    machines = house.found("/v1/lifecycle", "other")["machines"]
    assert [machine["customers"] for machine in machines] == [0, 0, 0]
