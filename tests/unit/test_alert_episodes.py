"""Episodes: one alert each, snoozed, cooled down, closed by people, under changing rules."""

from datetime import UTC, datetime

import pytest

from schemas.rules.alerts import Alert
from services.scoring.rules import Rulebook, Standing, Track, advance, episodes, evaluate
from services.scoring.rules.episodes import BEGINNING
from services.scoring.rules.life import Life
from tests.alerting import Story, alerted, alerts, at_s, book, rule, shown

BAD = {"feedback": {"survey": "nps", "at_most": 6, "within_days": 10}}


@pytest.mark.parametrize(
    ("snooze", "cool_down", "story", "expected"),
    [
        pytest.param(
            0, 0, "2026-01-01 nps 1\n2026-01-05 nps 9\n2026-01-06 nps 1",
            ["2026-01-01T12:00 to 2026-01-05T12:00", "2026-01-06T12:00 to 2026-01-16T12:00"],
            id="two episodes, two alerts",
        ),
        pytest.param(
            20, 0, "2026-01-01 nps 1\n2026-01-02 acknowledged rule\n2026-01-05 nps 9\n"
            "2026-01-06 nps 1",
            ["2026-01-01T12:00 to 2026-01-05T12:00"],
            id="acknowledged: nothing more for 20 days, and by then it is over",
        ),
        pytest.param(
            20, 0, "2026-01-01 nps 1\n2026-01-02 acknowledged rule\n2026-01-05 nps 9\n"
            "2026-01-20 nps 1",
            ["2026-01-01T12:00 to 2026-01-05T12:00", "2026-01-22T12:00 to 2026-01-30T12:00"],
            id="still bad when the snooze ends: alerted then",
        ),
        pytest.param(
            20, 0, "2026-01-01 nps 1\n2026-01-05 nps 9\n2026-01-06 nps 1",
            ["2026-01-01T12:00 to 2026-01-05T12:00", "2026-01-06T12:00 to 2026-01-16T12:00"],
            id="nobody acknowledged it: no snooze",
        ),
        pytest.param(
            20, 0, "2026-01-01 nps 1\n2026-01-02 acknowledged other\n2026-01-05 nps 9\n"
            "2026-01-06 nps 1",
            ["2026-01-01T12:00 to 2026-01-05T12:00", "2026-01-06T12:00 to 2026-01-16T12:00"],
            id="another rule's alert was acknowledged",
        ),
        pytest.param(
            20, 0, "2026-01-01 acknowledged rule\n2026-01-02 nps 1",
            ["2026-01-02T12:00 to 2026-01-12T12:00"],
            id="there was nothing to acknowledge yet",
        ),
        pytest.param(
            1, 0, "2026-01-01 nps 1\n2026-01-02 acknowledged rule\n2026-01-06 nps 2",
            ["2026-01-01T12:00 to 2026-01-16T12:00"],
            id="the same episode is not alerted again after its snooze",
        ),
        pytest.param(
            0, 5, "2026-01-01 nps 1\n2026-01-05 nps 9\n2026-01-06 nps 1",
            ["2026-01-01T12:00 to 2026-01-05T12:00", "2026-01-10T12:00 to 2026-01-16T12:00"],
            id="five days' rest after it closed",
        ),
        pytest.param(
            0, 20, "2026-01-01 nps 1\n2026-01-05 nps 9\n2026-01-06 nps 1\n2026-01-17 nps 1",
            ["2026-01-01T12:00 to 2026-01-05T12:00", "2026-01-25T12:00 to 2026-01-27T12:00"],
            id="an episode that nobody heard of does not begin a rest",
        ),
        pytest.param(
            0, 0, "2026-01-01 nps 1\n2026-01-03 settled rule\n2026-01-04 nps 2",
            ["2026-01-01T12:00 to 2026-01-03T12:00"],
            id="closed by a person: not alerted again while the reason lasts",
        ),
        pytest.param(
            0, 0, "2026-01-01 nps 1\n2026-01-03 settled rule\n2026-01-04 nps 9\n2026-01-05 nps 1",
            ["2026-01-01T12:00 to 2026-01-03T12:00", "2026-01-05T12:00 to 2026-01-15T12:00"],
            id="closed by a person, over, and come back",
        ),
        pytest.param(
            0, 0, "2026-01-01 nps 1\n2026-01-03 withdrawn rule",
            ["2026-01-01T12:00 to 2026-01-11T12:00"],
            id="what the platform told of its own closing is no person's act",
        ),
    ],
)  # fmt: skip
def test_one_alert_an_episode_and_none_in_quiet(
    snooze: int, cool_down: int, story: str, expected: list[str]
) -> None:
    quiet = rule(when=[BAD], snooze_days=snooze, cool_down_days=cool_down)

    assert alerts(book(quiet), story) == expected


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        pytest.param("2026-01-01T11:59", [], id="not yet"),
        pytest.param("2026-01-01T12:00", ["2026-01-01T12:00 to open"], id="at once"),
        pytest.param("2026-01-11T11:59:59", ["2026-01-01T12:00 to open"], id="the last second"),
        pytest.param(
            "2026-01-11T12:00", ["2026-01-01T12:00 to 2026-01-11T12:00"], id="the window's edge"
        ),
    ],
)
def test_a_window_ends_to_the_second(until: str, expected: list[str]) -> None:
    assert alerts(book(rule(when=[BAD])), "2026-01-01 nps 1", until) == expected


def test_an_alert_says_values_thresholds_events_and_the_rules_version() -> None:
    story = Story("""
        2026-01-05 bought 40
        2026-01-12 bought 40
        2026-01-19 bought 40
        2026-01-26 bought 40
    """)

    [found] = episodes(book("silence"), story.life, at_s("2026-03-10"))

    assert (found.rule, found.version, found.severity, found.owner) == (
        "silence", 1, "warning", "customer_success"
    )  # fmt: skip
    assert found.facts == {
        "silent.days": 42,
        "silent.limit_days": 42,
        "silent.last_on": "2026-01-26T00:00Z",
        "silent.rhythm_days": 21,
    }
    assert found.events == ("e4",)


def test_evidence_of_a_combination_names_each_trouble() -> None:
    story = Story("2026-01-05 nps 4\n2026-01-20 failed s-1")

    [found] = episodes(book("troubles"), story.life, at_s("2026-01-21"))

    assert found.facts == {
        "combined.at_least": 2,
        "combined.feedback.survey": "nps",
        "combined.feedback.answer": 4.0,
        "combined.feedback.at_most": 6.0,
        "combined.payments_failed.payments": 1,
        "combined.payments_failed.at_least": 1,
        "combined.payments_failed.subscription": "s-1",
    }
    assert found.events == ("e1", "e2")


def test_what_a_rule_says_at_an_instant() -> None:
    story = Story("2026-01-05 nps 4")

    before, then, after = (
        evaluate(book("detractor"), story.life, at_s(day))
        for day in ("2026-01-05", "2026-01-10", "2026-03-01")
    )

    assert (before.holds, then.holds, after.holds) == (False, True, False)
    assert (shown(then.since_s), shown(then.due_s)) == ("2026-01-05T12:00", "2026-02-04T12:00")
    assert (then.version, then.evidence.facts["feedback.answer"]) == (1, 4.0)


def _versions(*versions: tuple[str | None, Alert]) -> Rulebook:
    return Rulebook(
        "rule",
        [
            (None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC), number, one)
            for number, (day, one) in enumerate(versions, 1)
        ],
    )


def test_a_stricter_version_closes_what_it_would_not_alert() -> None:
    strict = rule(when=[{"feedback": {"survey": "nps", "at_most": 2, "within_days": 10}}])
    changing = _versions((None, rule(when=[BAD])), ("2026-01-04", strict))

    [found] = episodes(changing, Story("2026-01-01 nps 5").life, at_s("2026-02-01"))

    assert (shown(found.ended_s), found.ended_by) == ("2026-01-04", "rule")


def test_an_episode_goes_on_under_a_version_that_says_the_same() -> None:
    changing = _versions((None, rule(when=[BAD])), ("2026-01-04", rule(when=[BAD], owner="other")))

    [found] = episodes(changing, Story("2026-01-01 nps 5").life, at_s("2026-02-01"))

    assert (found.version, found.owner, shown(found.ended_s), found.ended_by) == (
        1, "customer_success", "2026-01-11T12:00", "recovered"
    )  # fmt: skip


def test_a_rule_begins_when_it_applies_and_ends_when_it_is_switched_off() -> None:
    on, off = rule(when=[BAD]), rule(when=[BAD], is_enabled=False)
    changing = _versions(("2026-01-03", on), ("2026-01-05", off), ("2026-01-08", on))

    found = episodes(changing, Story("2026-01-01 nps 5").life, at_s("2026-02-01"))

    assert alerted(found) == ["2026-01-03 to 2026-01-05", "2026-01-08 to 2026-01-11T12:00"]


def test_a_track_holds_no_more_than_where_the_rule_stands() -> None:
    life = Story("2026-01-01 nps 1\n2026-01-05 nps 9").life

    track, found = advance(BEGINNING, book(rule(when=[BAD])), life, at_s("2026-02-01"))

    assert track == Track(
        as_of_s=at_s("2026-01-05T12:00"),
        due_s=BEGINNING.due_s,
        quiet_until_s=at_s("2026-01-05T12:00"),
        was_raised=True,
    )
    assert len(found) == 1


def test_a_standing_that_is_due_at_once_is_refused_instead_of_lived_for_ever() -> None:
    life = Life(Story("2026-01-01 visited").entries, lambda at: Standing(due_s=at))

    with pytest.raises(ValueError, match="is due at"):
        episodes(book("churn_risk"), life, at_s("2026-02-01"))
