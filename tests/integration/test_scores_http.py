"""Scores over HTTP: what they are worth, why, and read after one's own writes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import fsum, isclose

import pytest

from services.store.urls import Urls
from tests.integration.house import START, House, Json, bought, called, event, serving, waiting_for
from tests.integration.telling_scores import decisions

DAY_S = 86_400


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served database."""
    with serving(urls, monkeypatch) as house:
        yield house


def scores(house: House, identifier: str, *, explain: bool = False) -> dict[str, Json]:
    """The customer's scores by name."""
    path = f"/v1/customers/{house.id_of(identifier)}/scores"
    found = house.found(f"{path}?explain=true" if explain else path)
    return {one["name"]: one for one in found["scores"]}


def test_a_purchase_engages_and_warms_and_says_by_what(house: House) -> None:
    house.tell(bought("o-1", 1250, "user:1", id="p-1"))
    house.score()

    found = scores(house, "user:1", explain=True)

    engagement = found["engagement"]
    assert (engagement["value"], engagement["band"]) == (25.0, "medium")
    assert engagement["contributions"] == [
        {
            "name": "purchase",
            "value": 25.0,
            "evidence": {"weight": 10.0, "events": 1.0},
            "events": ["p-1"],
        }
    ]
    assert found["temperature"]["value"] == 12.5
    assert found["health"]["base"] == 50


def test_contributions_add_up_to_their_score(house: House) -> None:
    house.tell(*everything("user:1"))
    house.score()

    found = scores(house, "user:1", explain=True)

    assert {"engagement", "temperature", "health", "satisfaction"} <= found.keys()
    for one in found.values():
        parts = [one["base"], *(part["value"] for part in one["contributions"])]
        assert isclose(fsum(parts), one["value"], abs_tol=1e-6), one


def test_scores_without_a_reason_leave_it_out(house: House) -> None:
    house.tell(called("user:1"))
    house.score()

    found = scores(house, "user:1")

    assert {"base": None, "contributions": None}.items() <= found["engagement"].items()


def test_a_reader_waits_until_scoring_has_taken_its_write_in(house: House) -> None:
    with house.running():
        position = house.tell(called("user:1"))
        assert house.found("/v1/customers?identifier=user:1", **waiting_for(position))["items"]
    path = f"/v1/customers/{house.id_of('user:1')}/scores"
    house.scoring.once()

    answer = house.get(path, **waiting_for(position))

    assert answer.status_code == 200
    assert answer.json()["scores"][0]["value"] > 0


def test_of_whom_scoring_knows_nothing_yet_the_scores_are_a_strangers(house: House) -> None:
    house.told(called("user:1"))

    found = house.found(f"/v1/customers/{house.id_of('user:1')}/scores")

    assert (found["day"], found["tier"]) == (None, None)
    assert {one["name"]: one["value"] for one in found["scores"]} == {
        "engagement": 0,
        "temperature": 0,
        "health": 50,
    }


def test_nobody_is_not_found(house: House) -> None:
    assert house.get(f"/v1/customers/{'0' * 32}/scores").status_code == 404
    assert house.get("/v1/customers/ada/scores").status_code == 404


def test_another_workspace_sees_none_of_it(house: House) -> None:
    house.tell(bought("o-1", 1250, "user:1"))
    house.score()

    assert house.get(f"/v1/customers/{house.id_of('user:1')}/scores", "other").status_code == 404


def test_silence_cools_by_the_day(house: House) -> None:
    house.tell(bought("o-1", 1250, "user:1"))
    house.score()
    before = scores(house, "user:1")["engagement"]["value"]

    house.tick(START + timedelta(days=14))
    house.score()

    after = scores(house, "user:1")["engagement"]["value"]
    assert before == 25.0
    assert after == pytest.approx(100 * 5 / 35)
    assert stored(house)[0][1]["engagement"][0] == after


def test_a_score_in_another_band_is_told_once_in_the_log(house: House) -> None:
    house.tell(bought("o-1", 1250, "user:1", id="p-1"))
    house.score()

    told = decisions(house)

    assert [(one.data.score, one.data.band) for one in told] == [("engagement", "medium")]
    assert {one.cause for one in told} == {"p-1"}
    assert all(one.data.is_restated for one in told), "it is months old"
    house.score()
    assert decisions(house) == told


def test_of_today_it_is_news_and_not_restated(house: House) -> None:
    now = datetime.now(UTC).isoformat()
    house.tell({**bought("o-1", 1250, "user:1"), "occurred_at": now})
    house.score()

    assert [one.data.is_restated for one in decisions(house)] == [False]


def test_merged_customers_have_the_scores_of_all_their_events_and_parted_ones_their_own(
    house: House,
) -> None:
    house.tell(bought("o-1", 1250, "user:1"), bought("o-2", 1250, "user:2"))
    house.score()
    apart = stored(house)
    other = house.id_of("user:2")

    with house.running():
        path = f"/v1/customers/{house.id_of('user:1')}"
        assert house.post(f"{path}/merge", {"merged": "user:2"}, "admin").status_code == 200
    house.score()
    merged = stored(house)
    with house.running():
        asked = house.post(f"{path}/split", {"identifiers": ["user:2"]}, "admin")
        assert asked.status_code == 200, asked.text
    house.score()

    assert [scores["engagement"][0] for _, scores in merged] == [40.0]
    assert stored(house) == apart
    assert house.id_of("user:2") == other


def everything(who: str) -> list[Json]:
    """A little of all that scores look at."""
    return [
        bought("o-1", 5000, who),
        bought("o-2", 2500, who, currency="USD"),
        event("purchase.refunded", who, order_id="o-1", amount_minor=9000, currency="EUR"),
        called(who, at=DAY_S),
        event("form.submitted", who, form_id="offer"),
        event("feedback.given", who, survey="nps", score=9),
        event("feedback.given", who, survey="csat", score=2),
        event("case.opened", who, case_id="c-1", kind="complaint"),
        event("email.clicked", who, campaign_id="c"),
    ]


def stored(house: House) -> list[tuple[str, Json]]:
    """Customers and the scores in their rows."""
    return [
        (str(customer), scores)
        for customer, scores in house.rows("SELECT customer_id, scores FROM score ORDER BY 1")
    ]
