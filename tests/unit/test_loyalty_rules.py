"""Loyalty rules: what is wrong is refused with its place and what to write instead."""

import json
import tomllib
from importlib import resources
from typing import Any

import pytest

from schemas.rules.loyalty import Loyalty, default_loyalty, default_rules, parse

EURO = {"name": "euro", "currency": "EUR", "per_minor": 100}
SILVER = {"name": "silver", "threshold": 500}
GOLD = {"name": "gold", "threshold": 1000}
YEAR = {"months": 12}


def tiers(*levels: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Rules with these tiers."""
    return {"earn": [EURO], "tiers": {"window": YEAR, "levels": list(levels), **more}}


def earn(**more: Any) -> dict[str, Any]:
    """Rules with one to earn by."""
    return {"earn": [{**EURO, **more}]}


def boost(start: str, end: str) -> dict[str, Any]:
    """A boost from one day to another."""
    at = {"from_at": f"{start}T00:00:00Z", "until_at": f"{end}T00:00:00Z"}
    return {**at, "percent": 200}


@pytest.mark.parametrize(
    ("rules", "field", "problem", "remedy"),
    [
        pytest.param(
            tiers(GOLD, SILVER), "tiers.levels.1.threshold", "is not above 1000 of gold",
            "list silver before gold", id="tiers that do not ascend",
        ),
        pytest.param(
            tiers(SILVER, {**GOLD, "threshold": 500}), "tiers.levels.1.threshold", "not above 500",
            "raise it", id="tiers of one threshold",
        ),
        pytest.param(
            tiers(SILVER, {**GOLD, "name": "silver"}), "tiers.levels.1.name", "is there twice",
            "rename", id="tiers of one name",
        ),
        pytest.param(
            tiers(SILVER, window={"days": 0}), "tiers.window", "is empty", "months = 12",
            id="an empty window",
        ),
        pytest.param(
            tiers({**SILVER, "threshold": -1}), "tiers.levels.0.threshold", "greater than or equal",
            "change it", id="a negative threshold",
        ),
        pytest.param(
            tiers(SILVER, window={"days": 1, "months": 1}), "tiers.window", "days and months",
            "change it", id="a span of days and months",
        ),
        pytest.param(
            earn(tier_percent={"gold": 200}), "earn.0.tier_percent", "is no tier", "tiers.levels",
            id="a multiplier for a tier where there are none",
        ),
        pytest.param(
            {**tiers(SILVER, GOLD), **earn(tier_percent={"glod": 200})}, "earn.0.tier_percent",
            "is no tier", "did you mean gold?", id="a multiplier for a tier misspelt",
        ),
        pytest.param(
            {"earn": [EURO, {**EURO, "currency": "USD"}]}, "earn.1.name", "is there twice",
            "rename", id="earn rules of one name",
        ),
        pytest.param(
            earn(points=5, most_per_day=4), "earn.0.most_per_day", "below the 5", "raise it to 5",
            id="a cap below a single gain",
        ),
        pytest.param(
            {"feedback": {"points": 10, "most_per_day": 9}}, "feedback.most_per_day",
            "below the 10", "raise it to 10", id="a cap below one answer's points",
        ),
        pytest.param(
            earn(boosts=[boost("2026-02-01", "2026-02-01")]), "earn.0.boosts.0.until_at",
            "is not after from_at", "first instant that is out", id="an empty boost",
        ),
        pytest.param(
            earn(boosts=[boost("2026-02-01", "2026-02-03"), boost("2026-02-02", "2026-02-04")]),
            "earn.0.boosts.1.from_at", "lasts until 2026-02-03", "move it",
            id="boosts that overlap",
        ),
        pytest.param(
            earn(boosts=[{**boost("2026-02-01", "2026-02-02"), "from_at": "2026-02-01T00:00:00"}]),
            "earn.0.boosts.0.from_at", "not an RFC 3339 time with a zone", "change it",
            id="a time without a zone",
        ),
        pytest.param(
            earn(currency="EURO"), "earn.0.currency", "not an ISO 4217", "change it",
            id="no currency",
        ),
        pytest.param(
            earn(per_minor=0), "earn.0.per_minor", "greater than or equal to 1", "change it",
            id="points for nothing",
        ),
        pytest.param(
            earn(categories=["tea", "tea"]), "earn.0.categories.1", "is there twice", "remove",
            id="a category twice",
        ),
        pytest.param(
            earn(poinst=1), "earn.0.poinst", "is no field here", "did you mean points?",
            id="a field misspelt",
        ),
        pytest.param(
            earn(points="1"), "earn.0.points", "is not a whole number", "without quotes",
            id="a number in quotes",
        ),
        pytest.param(
            {"expiry": {"rule": "rolling"}}, "expiry.after", "is missing for rolling",
            "{ months = 24 }", id="rolling without how long",
        ),
        pytest.param(
            {"expiry": {"rule": "never", "after": YEAR}}, "expiry.after", "says nothing for never",
            "remove it", id="never, after a year",
        ),
        pytest.param(
            {"expiry": {"rule": "rolling", "after": YEAR, "years": 1}}, "expiry.years",
            "says nothing for rolling", "end_of_year", id="rolling, with years",
        ),
        pytest.param(
            {"expiry": {"rule": "rolling", "after": {"days": 30}}, "return_window": {"days": 30}},
            "expiry.after", "lost before available", "shorten return_window",
            id="expired before available",
        ),
        pytest.param(
            {"rewards": [{"name": "mug", "cost_points": 5}, {"name": "mug", "cost_points": 6}]},
            "rewards.1.name", "is there twice", "rename", id="a reward twice",
        ),
        pytest.param(
            {"rewards": [{"name": "mug", "cost_points": 5, "stock": -1}]}, "rewards.0.stock",
            "greater than or equal to 0", "change it", id="a stock below nothing",
        ),
    ],
)  # fmt: skip
def test_wrong_rules_are_refused_with_place_and_remedy(
    rules: dict[str, Any], field: str, problem: str, remedy: str
) -> None:
    found = parse(rules)

    assert isinstance(found, list)
    (one,) = [each for each in found if each.field == field]
    assert problem in one.problem
    assert remedy in one.remedy


def test_everything_that_is_wrong_is_said_at_once() -> None:
    rules = {"earn": [EURO, EURO], "expiry": {"rule": "rolling"}, **tiers(GOLD, SILVER)}

    found = parse({**rules, "earn": [EURO, EURO]})

    assert isinstance(found, list)
    assert [each.field for each in found] == [
        "earn.1.name", "expiry.after", "tiers.levels.1.threshold",
    ]  # fmt: skip


@pytest.mark.parametrize("rules", [{"earn": 1}, {"earn": [None]}, {"expiry": []}, {"tiers": "x"}])
def test_what_is_no_tree_of_rules_is_refused_and_never_raises(rules: dict[str, Any]) -> None:
    assert isinstance(parse(rules), list)


def test_the_default_is_a_programme_and_is_published_as_the_file_has_it() -> None:
    text = (resources.files("schemas.rules") / "defaults" / "loyalty.toml").read_text("utf-8")

    published = json.loads(json.dumps(default_rules(), default=str))

    assert tomllib.loads(text) == default_rules()
    assert parse(published) == default_loyalty()
    assert default_loyalty().tiers


def test_every_line_that_the_default_teaches_is_right() -> None:
    taught = """
        points = 1
        per_minor = 100
        categories = ["coffee"]
        channels = ["store"]
        tier_percent = { gold = 300 }
        boosts = [{ from_at = 2026-11-27T00:00:00+01:00, until_at = 2026-11-30T00:00:00+01:00,\
 percent = 200 }]
        most_per_day = 5000
    """
    text = (resources.files("schemas.rules") / "defaults" / "loyalty.toml").read_text("utf-8")
    lines = [line.strip() for line in taught.strip().splitlines()]

    found = parse({**tiers(SILVER, GOLD), **earn(**tomllib.loads("\n".join(lines)))})

    assert isinstance(found, Loyalty), found
    assert all(line in text for line in lines)
