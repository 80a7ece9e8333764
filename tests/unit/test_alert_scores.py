"""Scores in alert rules: by the names and on the scales that the API gives them."""

from typing import get_args

from schemas.rules.alerts_checks import RANGES
from schemas.rules.alerts_tree import ScoreName
from services.scoring.catalogue import SCALES
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rulebooks import ALWAYS_KNOWN
from services.scoring.rules import Life, episodes
from services.scoring.scored import lived, score
from services.scoring.standings import Scores
from tests.alerting import at_s, book, rule

DAY: int = at_s("2026-01-05")
GIVEN = [Entry(DAY, "feedback.given", "s", "f-1", "", 0.2, "nps")]


def scores_of(entries: list[Entry]) -> Scores:
    now = lived(entries, None)
    return Scores(now, score([now])[0], None, 0)


def test_rules_name_every_score_but_the_fifths_as_the_catalogue_does() -> None:
    assert set(get_args(ScoreName)) == RANGES.keys() == SCALES.keys() - {"rfm"}
    assert {name for name in RANGES if not SCALES[name].model} == ALWAYS_KNOWN


def test_what_goes_to_a_hundred_in_the_api_does_in_rules() -> None:
    hundred = {name for name in RANGES if SCALES[name].unit == "points of 100"}

    assert {RANGES[name] for name in hundred} == {(0.0, 100.0)}


def test_a_rule_sees_a_score_as_the_api_shows_it() -> None:
    shown = score([lived(GIVEN, None)])[0].scores

    seen = scores_of(GIVEN)(DAY).scores

    assert seen == {name: value for name, (value, _) in shown.items()}
    assert seen["satisfaction"] == 20.0


def test_a_threshold_is_one_of_a_hundred() -> None:
    better = Entry(DAY + DAY_S, "feedback.given", "s", "f-2", "", 1.0, "nps")
    asked = rule(when=[{"score": {"name": "satisfaction", "enters_at": 40.0, "leaves_at": 55.0}}])
    entries = [*GIVEN, better]

    [found] = episodes(book(asked), Life(entries, scores_of(entries)), DAY + 3 * DAY_S)

    assert (found.began_s, found.ended_s) == (DAY, DAY + DAY_S)
    assert found.facts["score.satisfaction"] == 20.0
