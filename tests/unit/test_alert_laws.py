"""Laws of alerts: the same whatever the order, batches and ticks; quiet where promised."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules import Life, Rulebook, Standing, episodes, evaluate
from services.scoring.rules.episodes import BEGINNING, advance
from tests.alert_lives import (
    END_S,
    FIRST_S,
    MOODS,
    QUIET,
    RULED,
    STEP_S,
    Kept,
    histories,
    hour_by_hour,
    life_of,
)
from tests.alerting import rule

HISTORIES = histories()
CUTS = st.lists(st.integers(1, 12), min_size=1, max_size=12)


@given(RULED, HISTORIES, st.integers(0, 2**32), CUTS)
def test_any_order_and_batches_give_the_same_episodes(
    book: Rulebook, entries: list[Entry], seed: int, cuts: list[int]
) -> None:
    shuffled, kept = list(entries), Kept(book)
    Random(seed).shuffle(shuffled)

    now_s = FIRST_S
    for cut in cuts:
        batch, shuffled = shuffled[:cut], shuffled[cut:]
        # Time goes on, and may be behind or far ahead of what is told.
        now_s += cut * 2 * DAY_S
        kept.take_in(batch, min(now_s, END_S))
    kept.take_in(shuffled, END_S)

    assert kept.episodes == episodes(book, life_of(entries), END_S)


@given(RULED, HISTORIES, st.lists(st.integers(0, 4 * 60), max_size=20))
def test_lived_tick_by_tick_is_lived_at_once(
    book: Rulebook, entries: list[Entry], ticks: list[int]
) -> None:
    kept, rest = Kept(book), sorted(entries)

    for tick in sorted(ticks):
        now_s = FIRST_S + tick * STEP_S
        kept.take_in([one for one in rest if one.at_s <= now_s], now_s)
        rest = [one for one in rest if one.at_s > now_s]
    kept.take_in(rest, END_S)

    track, found = advance(BEGINNING, book, life_of(entries), END_S)
    assert kept.episodes == found
    # Not even the instants of ticks are left in what is stored.
    assert kept.track == track


@given(RULED, HISTORIES)
def test_episodes_are_those_of_who_looks_every_hour_and_knows_only_what_was_known(
    book: Rulebook, entries: list[Entry]
) -> None:
    found = episodes(book, life_of(entries), END_S)

    assert [(one.began_s, one.ended_s) for one in found] == hour_by_hour(book, entries)


@given(RULED, HISTORIES, st.integers(0, 4 * 60))
def test_nothing_changes_by_time_alone_before_it_is_due(
    book: Rulebook, entries: list[Entry], step: int
) -> None:
    now_s = FIRST_S + step * STEP_S
    known = life_of([one for one in entries if one.at_s <= now_s])
    track, found = advance(BEGINNING, book, known, now_s)

    later_s = min(track.due_s, END_S) - 1

    ready, is_open = book.at(later_s), track.open is not None
    assert evaluate(book, known, now_s).holds == evaluate(book, known, later_s).holds == is_open
    if ready and known.entries:
        assert (ready.stays if is_open else ready.enters)(known, later_s).holds == is_open
    assert advance(BEGINNING, book, known, later_s) == (track, found)


@given(RULED, HISTORIES)
def test_an_episode_is_alerted_once_and_within_it(book: Rulebook, entries: list[Entry]) -> None:
    found = episodes(book, life_of(entries), END_S)

    for one in found:
        assert one.began_s <= (one.raised_s or one.began_s) <= (one.ended_s or END_S)
        assert one.raised_s is not None or (one.acknowledged_s, one.settled_s) == (None, None)
        assert bool(one.severity and one.facts) == (one.raised_s is not None)
    for one, following in pairwise(found):
        assert one.ended_s is not None
        assert one.ended_s < following.began_s or one.ended_by == "rule"


@given(QUIET, histories(MOODS))
def test_no_alert_comes_in_a_snooze_or_a_cool_down(book: Rulebook, entries: list[Entry]) -> None:
    ready = book.at(FIRST_S)
    assert ready is not None

    raised = [one for one in episodes(book, life_of(entries), END_S) if one.raised_s is not None]

    for one, following in pairwise(raised):
        assert one.ended_s is not None
        assert following.raised_s is not None
        assert following.raised_s >= one.ended_s + ready.rule.cool_down_days * DAY_S
        if one.acknowledged_s is not None:
            assert following.raised_s >= one.acknowledged_s + ready.rule.snooze_days * DAY_S


@given(st.lists(st.integers(0, 100), min_size=1, max_size=40), st.booleans())
def test_a_score_begins_an_episode_only_by_crossing_the_whole_band(
    values: list[int], is_rising: bool
) -> None:
    enters, leaves = (70.0, 60.0) if is_rising else (40.0, 50.0)
    asked = rule(when=[{"score": {"name": "health", "enters_at": enters, "leaves_at": leaves}}])
    entries = [
        Entry(FIRST_S + day * DAY_S, "web.visited", "s", f"{day}") for day in range(len(values))
    ]

    found = episodes(
        Rulebook("rule", [(None, 1, asked)]), _scored(entries, values), FIRST_S + 99 * DAY_S
    )

    # Written down once more, as people would: what is inside the band changes nothing.
    spans: list[list[int]] = []
    is_in = False
    for day, value in enumerate(values):
        beyond = value >= enters if is_rising else value <= enters
        back = value <= leaves if is_rising else value >= leaves
        if not is_in and beyond:
            spans.append([day])
        elif is_in and back:
            spans[-1].append(day)
        is_in = beyond or (is_in and not back)
    assert [
        [(at - FIRST_S) // DAY_S for at in (one.began_s, one.ended_s) if at is not None]
        for one in found
    ] == spans


def _scored(entries: list[Entry], values: list[int]) -> Life:
    def standing(at: int) -> Standing:
        day = min((at - FIRST_S) // DAY_S, len(values) - 1)
        return Standing(scores={"health": float(values[day])})

    return Life(entries, standing)
