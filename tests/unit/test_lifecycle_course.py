"""The course of a life: the same however it is computed, changed by days and by time alone."""

from collections.abc import Mapping

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.projector.projections.lifecycle import (
    Book,
    Entry,
    State,
    begin,
    follows,
    path,
    post,
    settle,
)
from services.projector.projections.lifecycle.book import Versions
from services.projector.projections.lifecycle.days import EPOCH, date_of, day_of, start_of
from tests.lived import lived
from tests.lives import BEGINNING, BOOKS, MASKS, ORDERS, lives

LATER = st.integers(0, 900)
encode = msgspec.msgpack.Encoder(order="sorted").encode
decode = msgspec.msgpack.Decoder(State).decode


def stored(entries: list[Entry], book: Book) -> State:
    """The state after these days."""
    state = begin()
    for entry in entries:
        post(state, entry, book)
    return state


def end_of(entries: list[Entry], later: int) -> int:
    """So many days after the last."""
    return (entries[-1].day if entries else BEGINNING) + later


@given(lives(), BOOKS, LATER)
def test_the_path_computed_at_once_is_the_path_lived_day_by_day(
    entries: list[Entry], policies: Mapping[str, Versions], later: int
) -> None:
    until = end_of(entries, later)

    found = path(entries, Book(policies), start_of(until))

    for name, versions in policies.items():
        moves = [
            (one.from_date.toordinal() - EPOCH, one.stage) for one in found if one.machine == name
        ]
        assert moves == lived(entries, versions, until)


@given(lives(), BOOKS, LATER)
def test_a_row_says_the_last_stage_of_the_path_and_since_when(
    entries: list[Entry], policies: Mapping[str, Versions], later: int
) -> None:
    until, book = end_of(entries, later), Book(policies)

    row = settle(stored(entries, book), start_of(until), book)

    last = {
        name: moves[-1] for name in policies if (moves := lived(entries, policies[name], until))
    }
    stages = row["stages"]
    assert isinstance(stages, dict)
    assert {name: (day_of_date(one["since"]), one["stage"]) for name, one in stages.items()} == last
    assert row["stage"] == (last["default"][1] if "default" in last else None)


def day_of_date(date: object) -> int:
    return date.toordinal() - EPOCH  # type: ignore[attr-defined, no-any-return]


@given(lives(), BOOKS, LATER)
def test_what_comes_next_comes_if_nothing_happens_and_rules_stay(
    entries: list[Entry], policies: Mapping[str, Versions], later: int
) -> None:
    today, book = end_of(entries, later), Book(policies)
    state = stored(entries, book)

    row = settle(state, start_of(today), book)

    for name, one in row["stages"].items():
        following = one["next"] or {"stage": one["stage"], "on": date_of(today + 500)}
        until = min(day_of_date(following["on"]), book.at(name, today).until)
        moves = lived(entries, policies[name], until)
        assert [move for move in moves if today < move[0] < until] == []
        if until < book.at(name, today).until and one["next"]:
            assert moves[-1] == (until, following["stage"])


@given(lives(), BOOKS, LATER, st.integers(0, 86_399))
def test_a_row_stays_as_it_is_until_it_is_due(
    entries: list[Entry], policies: Mapping[str, Versions], later: int, second: int
) -> None:
    today, book = end_of(entries, later), Book(policies)
    state = stored(entries, book)

    row = settle(state, start_of(today), book)

    due_at = row["due_at"]
    due = day_of(due_at) if due_at else today + 4000
    assert due > today
    for day in {today, (today + due) // 2, due - 1}:
        at = start_of(day).replace(hour=second // 3600, second=second % 60)
        assert encode(settle(state, at, book)) == encode(row)


@given(lives(), BOOKS, st.data())
def test_days_posted_onto_a_stored_state_give_what_all_days_give(
    entries: list[Entry], policies: Mapping[str, Versions], data: st.DataObject
) -> None:
    book, state, posted = Book(policies), begin(), list[Entry]()
    for entry in entries:
        for told in data.draw(
            st.lists(st.builds(Entry, st.just(entry.day), MASKS, ORDERS), max_size=2)
        ):
            assert follows(state, told)
            post(state, told, book)
        post(state, entry, book)
        state = decode(encode(state))
        posted.append(entry)

        assert encode(state) == encode(stored(posted, book))


@given(lives(), BOOKS, LATER)
def test_settling_changes_no_state(
    entries: list[Entry], policies: Mapping[str, Versions], later: int
) -> None:
    book = Book(policies)
    state = stored(entries, book)
    before = encode(state)

    settle(state, start_of(end_of(entries, later)), book)

    assert encode(state) == before


@given(lives(), BOOKS, st.lists(st.integers(1, 4000), max_size=2))
def test_rules_that_apply_later_change_no_state(
    entries: list[Entry], policies: Mapping[str, Versions], later: list[int]
) -> None:
    end, book = end_of(entries, 0), Book(policies)
    further = {
        name: [*versions, *((start_of(end + days), 9, versions[0][2]) for days in later)]
        for name, versions in policies.items()
    }

    assert encode(stored(entries, Book(further))) == encode(stored(entries, book))
