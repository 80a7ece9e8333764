"""The laws and stories of alerts bite: with one rule broken, what guards it fails."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from schemas.rules.alerts_tree import Crossed, Falling, Who
from services.scoring.model.history import Entry
from services.scoring.rules import crossing, falling, happening, lasting, life, looks, ready
from services.scoring.rules.book import ACTS, Rulebook
from services.scoring.rules.episodes import _Living
from services.scoring.rules.life import Life, Wait
from services.scoring.rules.looks import Condition, Look, Looks
from services.scoring.rules.ready import Ready
from services.scoring.rules.stages import Eras, Newcomers
from services.scoring.rules.standing import FOREVER
from tests import alert_lives
from tests.mutating import Mutation, each_of, notices, replaced
from tests.unit import test_alert_episodes, test_alert_laws, test_alert_stories, test_alert_who

_score, _falling, _init = crossing.score, falling.falling, Ready.__init__
_act, _raise, _look = _Living._act, _Living._raise, _Living._look


def without_hysteresis(rule: Crossed) -> Condition:
    made = _score(rule)
    return made._replace(stays=made.enters)


def a_trend_without_hysteresis(rule: Falling) -> Condition:
    made = _falling(rule)
    return made._replace(stays=made.enters)


def without(field: str) -> Any:
    """A rule that forgets its snooze or cool-down."""

    def made(found: Ready, *how: Any) -> None:
        _init(found, *how)
        setattr(found, field, 0)

    return made


def at_once(living: _Living, found: Ready, at_s: int) -> None:
    living._quiet_until_s = -FOREVER
    _raise(living, found, at_s)


def not_when_quiet_ends(living: _Living, found: Ready, at_s: int) -> None:
    due_s = living.due_s
    _raise(living, found, at_s)
    living.due_s = due_s


def whoever_closes(living: _Living, entry: Entry, found: Ready | None) -> None:
    _act(living, entry._replace(unit="key:k"), found)


def any_rules_alert(found: Rulebook, entry: Entry) -> bool:
    return entry.type in ACTS or found.types is None or entry.type in found.types


def alerted_again(living: _Living, entry: Entry, found: Ready | None) -> None:
    """Acknowledged, and forgotten that it was alerted."""
    _act(living, entry, found)
    if living.open and living.open.acknowledged_s is not None:
        living.open = msgspec.structs.replace(living.open, raised_s=None)


def a_second_more(of: Life, types: Sequence[str], since_s: int, at_s: int) -> list[Entry]:
    return _within(of, types, since_s - 1, at_s)


def looking_ahead(of: Life, types: Sequence[str], since_s: int, at_s: int) -> list[Entry]:
    return _within(of, types, since_s, at_s + 24 * 3600)


_within = Life.within


def never_due(at_least: int, of: Sequence[Looks]) -> Looks:
    look = _some_of(at_least, of)
    return lambda life, at_s: Look(look(life, at_s).holds)


def any_of(at_least: int, of: Sequence[Looks]) -> Looks:
    return _some_of(1, of)


_some_of = looks.some_of


def the_first_due(at_least: int, of: Sequence[Looks]) -> Looks:
    """Due when all that hold may have changed, not when the first does."""

    def look(life: Life, at_s: int) -> Look:
        found = [one(life, at_s) for one in of]
        return Look(_some_of(at_least, of)(life, at_s).holds, max(one.due_s for one in found))

    return look


def everybody(who: Who, newcomers: Newcomers, life: Life, at_s: int) -> Look:
    return Look(holds=True)


def purchases_only(who: Who, conditions: Sequence[Condition], newcomers: Newcomers) -> Any:
    return frozenset({life.BOUGHT})


def by_its_cause_alone(of: Life, type_: str, at_s: int) -> Entry | None:
    return of.last((type_,), at_s)


def the_same_for_ever(eras: Eras, at_s: int) -> Newcomers:
    return eras._newcomers[0] if eras.starts else Newcomers()


def until_anybody_replies(case: Sequence[Entry]) -> Any:
    return _waits(
        [one._replace(unit="agent") if one.type == "case.replied" else one for one in case]
    )


def since_the_last_word(case: Sequence[Entry]) -> Any:
    for wait in _waits(case):
        later = [one.at_s for one in case if wait.since_s <= one.at_s < wait.until_s and one.unit]
        yield Wait(max(later), *wait[1:])


_waits = life._waits


def the_longest_gap(days: Sequence[int]) -> int:
    return max(later - day for day, later in pairwise(days))


def cancelled_or_not(of: Life, entry: Entry, at_s: int) -> bool:
    return True


def without_changes(found: Rulebook, at_s: int) -> int:
    return FOREVER


def always_on(found: Rulebook, at_s: int) -> Ready | None:
    return next(iter(found._ready), None)


def all_that_failed(rule: Any, within_days: int) -> Condition:
    types = frozenset({"subscription.payment_failed"})
    counted = happening._Counted(types, frozenset(), rule.at_least, within_days * 86_400)
    return happening._counted("payments_failed", counted)


def follows_always(track: Any, book: Any, entry: Entry) -> bool:
    return True


def forgetful(living: _Living) -> Any:
    return msgspec.structs.replace(_track(living), quiet_until_s=-FOREVER)


_track = _Living.track


def in_steps(living: _Living) -> Any:
    """As of the last tick instead of the last instant that mattered."""
    return msgspec.structs.replace(_track(living), as_of_s=living._as_of_s + 1)


SCORE = test_alert_laws.test_a_score_begins_an_episode_only_by_crossing_the_whole_band
PLAIN = (
    test_alert_laws.test_episodes_are_those_of_who_looks_every_hour_and_knows_only_what_was_known
)
QUIET = test_alert_laws.test_no_alert_comes_in_a_snooze_or_a_cool_down
DUE = test_alert_laws.test_nothing_changes_by_time_alone_before_it_is_due
BATCHES = test_alert_laws.test_any_order_and_batches_give_the_same_episodes
TICKS = test_alert_laws.test_lived_tick_by_tick_is_lived_at_once


def told(test: Any) -> Any:
    """All lines of a table as one law."""

    def law() -> None:
        table = next(mark for mark in test.pytestmark if mark.name == "parametrize")
        names = table.args[0]
        for line in table.args[1]:
            test(**dict(zip(names, line.values, strict=True)))

    law.__name__ = test.__name__
    return law


QUIETLY = told(test_alert_episodes.test_one_alert_an_episode_and_none_in_quiet)
EDGE = told(test_alert_episodes.test_a_window_ends_to_the_second)
SILENCE = told(test_alert_stories.test_silence_beyond_the_customers_own_rhythm)
SPEND = told(test_alert_stories.test_falling_spend)
COMPLAINTS = told(test_alert_stories.test_a_complaint_unanswered)
OTHERS = told(test_alert_stories.test_what_the_other_rules_say)
WHO = told(test_alert_who.test_whom_a_rule_is_about)
LATE = test_alert_who.test_of_decisions_the_one_counts_that_was_taken_last
UNTOLD = test_alert_who.test_who_was_told_nothing_of_is_where_newcomers_are
SWITCHED = test_alert_episodes.test_a_rule_begins_when_it_applies_and_ends_when_it_is_switched_off

MUTATIONS = [
    Mutation(
        "hysteresis",
        replaced(ready, "_LASTING", ready._LASTING | {"score": without_hysteresis}),
        SCORE,
    ),
    Mutation(
        "hysteresis of trends",
        replaced(ready, "_LASTING", ready._LASTING | {"falling": a_trend_without_hysteresis}),
        SPEND,
    ),
    Mutation("snooze", replaced(Ready, "__init__", without("snooze_s")), QUIET),
    Mutation("snooze", replaced(Ready, "__init__", without("snooze_s")), QUIETLY),
    Mutation("cool-down", replaced(Ready, "__init__", without("cool_down_s")), QUIET),
    Mutation("cool-down", replaced(Ready, "__init__", without("cool_down_s")), QUIETLY),
    Mutation("quiet", replaced(_Living, "_raise", at_once), QUIET),
    Mutation("end of quiet", replaced(_Living, "_raise", not_when_quiet_ends), QUIETLY),
    Mutation("one alert", replaced(_Living, "_act", alerted_again), QUIETLY),
    Mutation("own acts", replaced(_Living, "_act", whoever_closes), QUIETLY),
    Mutation("whose alert", replaced(Rulebook, "looks_at", any_rules_alert), QUIETLY),
    Mutation("window's edge", replaced(Life, "within", a_second_more), EDGE),
    Mutation("window's edge", replaced(Life, "within", a_second_more), PLAIN),
    Mutation("no looking ahead", replaced(Life, "within", looking_ahead), PLAIN),
    Mutation("due", replaced(ready, "some_of", never_due), PLAIN),
    Mutation("due", replaced(ready, "some_of", the_first_due), PLAIN, 3),
    Mutation("due", replaced(ready, "some_of", the_first_due), DUE, 5),
    Mutation("all of them", replaced(ready, "some_of", any_of), OTHERS),
    Mutation("who", replaced(ready, "_is_meant", everybody), WHO),
    Mutation("taken last", replaced(Life, "decided", by_its_cause_alone), LATE),
    Mutation("newcomers", replaced(Eras, "at", the_same_for_ever), UNTOLD),
    Mutation("types looked at", replaced(ready, "_types", purchases_only), PLAIN),
    Mutation("a bot is no answer", replaced(life, "_waits", until_anybody_replies), COMPLAINTS),
    Mutation("first word", replaced(life, "_waits", since_the_last_word), COMPLAINTS),
    Mutation("own rhythm", replaced(lasting, "median_gap", the_longest_gap), SILENCE),
    Mutation("cancelled", replaced(Life, "_stands", cancelled_or_not), SILENCE),
    Mutation("versions due", replaced(Rulebook, "next_change", without_changes), PLAIN),
    Mutation("switched off", replaced(Rulebook, "at", always_on), SWITCHED),
    Mutation(
        "went through",
        replaced(ready, "_HAPPENING", ready._HAPPENING | {"payments_failed": all_that_failed}),
        OTHERS,
    ),
    Mutation("late events", replaced(alert_lives, "follows", follows_always), BATCHES),
    Mutation("kept quiet", replaced(_Living, "track", forgetful), TICKS),
    Mutation("as of", replaced(_Living, "track", in_steps), TICKS),
]
"""One line a rule."""


@each_of(MUTATIONS)
def test_without_its_rule_a_law_fails(monkeypatch: pytest.MonkeyPatch, mutation: Mutation) -> None:
    notices(mutation, monkeypatch)


@pytest.mark.parametrize(
    "law", [QUIETLY, EDGE, SILENCE, SPEND, COMPLAINTS, OTHERS, WHO], ids=lambda law: law.__name__
)
def test_with_all_its_rules_a_table_holds(law: Any) -> None:
    law()
