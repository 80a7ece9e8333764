"""Rules of one's own: versions that follow each other, and machines beside those that ship."""

from datetime import date
from typing import Any

from schemas.rules.lifecycle import default_machines, parse
from schemas.rules.lifecycle_tree import KINDS, Lifecycle
from services.projector.projections.lifecycle import Book
from tests.lives import Life, instant

WEEKLY = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02"]


def rules(*stages: dict[str, Any], **more: Any) -> Lifecycle:
    """A machine that may be published."""
    found = parse({"stages": [*stages], **more})
    assert isinstance(found, Lifecycle), found
    return found


def test_new_rules_apply_from_the_day_that_begins_under_them_and_not_before() -> None:
    strict = rules(
        {"name": "lapsed", "purchases": [{"at_least": 1}], "silent": [{"days": 10}]},
        {"name": "customer", "purchases": [{"at_least": 1}]},
        {"name": "prospect"},
    )
    old = default_machines()["default"]
    book = Book({"default": [(None, 1, old), (instant("2026-02-11T00:00:01"), 2, strict)]})
    life = Life(book).bought(*WEEKLY)

    before, after = life.row("2026-02-11")["stages"], life.row("2026-02-12")["stages"]

    assert (before["default"]["stage"], before["default"]["policy_version"]) == ("loyal", 1)
    assert (after["default"]["stage"], after["default"]["policy_version"]) == ("lapsed", 2)
    assert life.path("2026-03-01")[-2:] == [("2026-01-26", "loyal"), ("2026-02-12", "lapsed")]
    assert life.row("2026-02-11")["due_at"] == instant("2026-02-12")


def test_a_stage_that_new_rules_keep_goes_on_since_it_began() -> None:
    old = default_machines()["default"]
    book = Book({"default": [(None, 1, old), (instant("2026-02-08"), 2, old)]})

    row = Life(book).bought(*WEEKLY).row("2026-02-10")["stages"]["default"]

    assert (row["since"], row["policy_version"]) == (date(2026, 1, 26), 2)


def test_of_two_versions_from_one_time_the_later_published_applies() -> None:
    first = rules({"name": "one"})
    second = rules({"name": "two"})
    book = Book(
        {"default": [(None, 1, rules({"name": "zero"})), (None, 3, second), (None, 2, first)]}
    )

    assert Life(book).on("2026-01-01", "known").stage("2026-01-01") == "two"


def test_a_machine_that_begins_later_has_no_stages_before() -> None:
    book = Book({"vip": [(instant("2026-02-01"), 1, rules({"name": "guest"}))]})
    life = Life(book).bought("2026-01-05")

    assert life.row("2026-01-31") == {
        "stage": None,
        "stages": {},
        "due_at": instant("2026-02-01"),
    }
    assert life.path("2026-03-01", "vip") == [("2026-02-01", "guest")]


def test_fifty_purchases_in_a_window_are_counted_and_no_more_are_kept() -> None:
    often = rules(
        {"name": "addict", "purchases": [{"at_least": 50, "within_days": 60, "counted": "days"}]},
        {"name": "customer"},
    )
    life = Life(Book({"default": [(None, 1, often)]}))
    life.bought(*(f"2026-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)))

    assert life.path("2026-12-31") == [
        ("2026-01-01", "customer"),
        ("2026-02-22", "addict"),
        ("2026-04-08", "customer"),
    ]


def test_a_rule_is_told_in_no_more_words_than_evidence_may_hold() -> None:
    lengthy = [{"kinds": [*KINDS], "within_days": days} for days in range(11, 16)]
    silences = [{"kinds": [*KINDS], "days": days} for days in range(1, 6)]
    counts = [{"at_most": most, "within_days": 365} for most in range(5, 10)]
    odd = {"name": "odd", "active": lengthy, "silent": silences, "purchases": counts}
    machine = rules(odd, {"name": "other"})
    life = Life(Book({"default": [(None, 1, machine)]})).on("2026-01-01", "known")

    why = life.row("2026-01-08")["stages"]["default"]["why"]

    assert len(why["rule"]) == 1000
    assert all(isinstance(fact, str | int) for fact in why.values())


def test_a_year_of_365_days_ends_a_day_earlier_in_a_leap_year() -> None:
    machines = Book({"default": [(None, 1, _bought_within_a_year())]})

    leap = Life(machines).bought("2024-02-29")
    over = Life(machines).bought("2023-03-01")

    assert leap.path("2026-01-01") == [("2024-02-29", "customer"), ("2025-02-28", "past")]
    assert over.path("2026-01-01") == [("2023-03-01", "customer"), ("2024-02-29", "past")]


def _bought_within_a_year() -> Lifecycle:
    within = {"at_least": 1, "within_days": 365}
    return rules({"name": "customer", "purchases": [within]}, {"name": "past"})
