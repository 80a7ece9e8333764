"""The edge of the language: what is right comes out typed, what is wrong is named with a remedy."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.custom import Custom
from schemas.email import EmailOpened
from schemas.feedback import FeedbackGiven
from tests.posted import accepted, bought, fields, posted, refused


def test_three_fields_make_an_event() -> None:
    event = accepted(posted(data=...))

    assert event.source == "api"
    assert event.version == 1
    assert event.occurred_at is None
    assert event.data == EmailOpened()


def test_times_become_utc() -> None:
    event = accepted(posted(occurred_at="2026-11-21T11:00:00.5+01:00"))

    assert event.occurred_at == datetime(2026, 11, 21, 10, 0, 0, 500_000, tzinfo=UTC)
    assert event.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21",
        "2026-11-21T10:00:00",
        "2026-11-21T25:00:00Z",
        "2026-02-30T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1700000000",
        1700000000,
        1.5,
        "yesterday",
        '2026-11-21T10:00:00Z"',
        "",
        {},
    ],
)
def test_a_time_without_a_zone_or_in_another_notation_is_refused(time: Any) -> None:
    assert fields(posted(occurred_at=time)) == ["occurred_at"]


@pytest.mark.parametrize("amount", [1.0, "1", -1, 10**12 + 1, 10**30, True, None, [1]])
def test_money_is_a_whole_number_of_minor_units_and_nothing_is_converted(amount: Any) -> None:
    assert fields(bought(amount_minor=amount)) == ["data.amount_minor"]


@pytest.mark.parametrize("currency", ["EURO", "eur", "XX", "", None, 978])
def test_a_currency_is_an_iso_code(currency: Any) -> None:
    assert fields(bought(currency=currency)) == ["data.currency"]


def test_historical_currencies_count_since_purchases_may_be_old() -> None:
    assert accepted(bought(currency="DEM")).data.currency == "DEM"


def test_an_amount_without_a_currency_is_refused_where_both_are_optional() -> None:
    problem = refused(posted("deal.won", data={"deal_id": "d", "amount_minor": 5}))[0]

    assert problem.problem == "amount_minor needs its currency"


def test_every_problem_of_an_event_is_named_with_its_place_and_value() -> None:
    lines = [{"sku": "a"}, {"sku": "b", "quantity": 0}, {"quantity": 1}]

    problems = refused(bought(order_id=..., amount_minor="9", lines=lines))

    found = {problem.field: problem.value for problem in problems}
    assert found == {
        "data.order_id": None,
        "data.amount_minor": "9",
        "data.lines.1.quantity": 0,
        "data.lines.2.sku": None,
    }


def test_a_long_value_is_shown_shortened() -> None:
    problem = refused(posted(data={"campaign_id": "x" * 5000}))[0]

    assert isinstance(problem.value, str)
    assert len(problem.value) < 100


def test_a_thousand_wrong_lines_give_fifty_problems() -> None:
    assert len(refused(bought(lines=[{"sku": 1}] * 1000))) == 50


def test_an_unknown_field_is_refused() -> None:
    problem = refused(posted(data={"campain_id": "spring"}))[0]

    assert problem.field == "data.campain_id"
    assert problem.problem == "is no field of email.opened"


@pytest.mark.parametrize("name", ["name", "text", "subject", "comment", "email"])
def test_what_names_a_person_is_sent_to_personal(name: str) -> None:
    problem = refused(posted("note.written", data={name: "Ada"}))[0]

    assert f"personal.{name}" in problem.remedy


def test_an_unknown_field_of_the_envelope_is_refused() -> None:
    assert fields(posted(recieved_at="now")) == ["recieved_at"]


def test_an_unknown_type_is_refused_with_its_neighbours() -> None:
    problem = refused(posted("purchase.complete"))[0]

    assert problem.field == "type"
    assert "purchase.completed" in problem.remedy
    assert "custom.<name>" in problem.remedy


@pytest.mark.parametrize("version", [0, 2, -1, 10**40])
def test_an_unknown_version_is_refused(version: int) -> None:
    problem = refused(posted(version=version))[0]

    assert problem.field == "version"
    assert "1" in problem.remedy


def test_an_older_version_is_brought_to_the_newest() -> None:
    event = accepted(posted("feedback.given", version=1, data={"stars": 4, "topic": "shop"}))

    assert event.version == 2
    assert event.data == FeedbackGiven(
        survey="csat", score=4, scale_min=1, scale_max=5, topic="shop"
    )


@pytest.mark.parametrize("data", [{}, {"stars": "4"}, {"stars": 6}, {"stars": None}, [], None, 1])
def test_a_wrong_event_of_an_older_version_is_refused(data: Any) -> None:
    assert all(
        each.startswith("data") for each in fields(posted("feedback.given", version=1, data=data))
    )


@pytest.mark.parametrize(
    ("survey", "scale"), [("nps", (0, 10)), ("csat", (1, 5)), ("ces", (1, 7)), ("review", (1, 5))]
)
def test_a_scale_follows_the_survey(survey: str, scale: tuple[int, int]) -> None:
    event = accepted(posted("feedback.given", data={"survey": survey, "score": scale[1]}))

    assert (event.data.scale_min, event.data.scale_max) == event.data.scale == scale
    assert fields(posted("feedback.given", data={"survey": survey, "score": scale[1] + 1})) == [
        "data"
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"survey": "nps"},
        {"survey": "review", "score": 3, "scale_min": 5, "scale_max": 1},
        {"survey": "stars", "score": 3},
        {"survey": "csat", "score": "3"},
    ],
)
def test_feedback_that_makes_no_sense_is_refused(data: Any) -> None:
    assert refused(posted("feedback.given", data=data))


def test_a_custom_event_keeps_its_data_as_posted() -> None:
    data: dict[str, object] = {"title": "Emma", "pages": [1, 2.5, None, {"a": True}]}

    event = accepted(posted("custom.book.read", version=3, data=data))

    assert event.data == Custom(name="book.read", data=data)
    assert event.version == 3


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_numbers_beyond_64_bits_are_refused(number: int) -> None:
    assert refused(posted("custom.x", data={"a": [{"b": number}]}))
    assert refused(posted("customer.identified", data={"traits": {"a": number}}))
    assert refused(posted(personal={"a": number}))


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0.1, 1e308])
def test_numbers_of_64_bits_are_taken_as_they_are(number: float) -> None:
    event = accepted(posted("customer.identified", data={"traits": {"a": number}}))

    assert event.data.traits == {"a": number}
    assert type(event.data.traits["a"]) is type(number)
    assert accepted(posted("custom.x", data={"a": number})).data.data == {"a": number}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ["data", "personal"])
def test_what_is_no_number_of_json_is_refused(value: str, field: str) -> None:
    assert refused(posted("custom.x", **{field: {"a": "HERE"}}).replace(b'"HERE"', value.encode()))


def test_a_trait_is_a_single_value() -> None:
    traits = {"a": [], "b": {}, "c": "x" * 1001, "d": 1, "e": None, "": 1}

    assert fields(posted("customer.identified", data={"traits": traits})) == [
        "data.traits.a",
        "data.traits.b",
        "data.traits.c",
        "data.traits.",
    ]


def test_personal_takes_further_keys_of_single_values() -> None:
    personal = {"name": "Ada", "colour": "green", "shoe": 39.5, "city": None}

    assert accepted(posted(personal=personal)).personal == personal
    assert fields(posted(personal={"name": 5, "likes": ["a"]})) == [
        "personal.name",
        "personal.likes",
    ]


def test_an_event_about_nobody_is_refused_unless_it_is_control() -> None:
    tick = {"ticked_at": "2026-11-21T10:00:00Z"}

    assert fields(posted(identifiers=...)) == ["identifiers"]
    assert fields(posted("custom.x", identifiers=[])) == ["identifiers"]
    assert accepted(posted("clock.ticked", identifiers=..., data=tick)).identifiers == []


def test_at_most_twenty_identifiers_are_taken() -> None:
    cards = [f"card:{number}" for number in range(21)]

    assert accepted(posted(identifiers=cards[:20])).identifiers == cards[:20]
    assert fields(posted(identifiers=cards)) == ["identifiers"]
