"""The loading loop: nothing lost, nothing but a chunk repeated, never far ahead of the folds."""

from collections.abc import Iterator

import pytest

from schemas.problems import Problem
from services.errors import Refused, Timeout, Unavailable
from services.ingest.load import (
    Item,
    Loaded,
    Origin,
    find_mark,
    load,
)
from services.ingest.room import ALONE, BESIDE, LOOKS, Room
from services.log.port import Entry
from tests.loading import Memory, visits

ORIGIN = Origin("visits.ndjson", "file 1")


def loaded_into(memory: Memory, items: list[Item], origin: Origin = ORIGIN) -> Loaded:
    return load(items, memory.destination, origin, progress=memory, pause=lambda _: None)


def test_all_that_is_accepted_is_in_the_log_once() -> None:
    memory = Memory()

    loaded = loaded_into(memory, visits(2 * ALONE.chunk + 7))

    assert loaded.mark.accepted == 2 * ALONE.chunk + 7
    assert loaded.mark.is_done
    assert sorted(event.id for event in memory.recorded()) == sorted(
        f"v-{n}" for n in range(1, 2 * ALONE.chunk + 8)
    )
    assert [mark.records for mark in memory.told] == [
        ALONE.chunk,
        2 * ALONE.chunk,
        2 * ALONE.chunk + 7,
    ]


def test_what_is_refused_is_kept_with_its_reason_and_counted() -> None:
    memory = Memory()
    broken = Item(b'{"id":"x"', 3, 3)
    unread = Item(b"a;b", 4, 4, Problem("", None, "has 2 cells under 3 headings", "quote them"))

    loaded = loaded_into(memory, [*visits(2), broken, unread])

    assert (loaded.mark.accepted, loaded.mark.rejected) == (2, 2)
    assert memory.letters["visits.ndjson:4"] == (b"a;b", unread.problem)
    assert memory.letters["visits.ndjson:3"][0] == b'{"id":"x"'
    assert sum(loaded.reasons.values()) == 2
    assert len(loaded.examples) == 2


def test_a_load_waits_while_the_folds_are_behind() -> None:
    memory = Memory(behind=[ALONE.in_flight + 2, ALONE.in_flight + 1, ALONE.in_flight])

    loaded_into(memory, visits(1))

    assert memory.waited == [ALONE.in_flight + 2, ALONE.in_flight + 1]


def test_a_load_that_nobody_folds_ends_and_says_so() -> None:
    memory = Memory(behind=[ALONE.in_flight + 1] * 10_000)

    with pytest.raises(Timeout, match="start `touchline up` or `touchline projector`"):
        loaded_into(memory, visits(1))

    assert memory.recorded() == []


def test_beside_others_a_load_goes_in_small_steps_until_they_are_quiet() -> None:
    memory = Memory()
    room = Room(memory)

    alone = room.look()
    memory.log.append([Entry(1, b"a load's"), Entry(2, b"a load's")])
    room.took(2)
    still_alone = room.look()
    memory.log.append([Entry(1, b"another's")])
    beside = [room.look() for _ in range(LOOKS + 1)]

    assert (alone, still_alone) == (ALONE, ALONE)
    assert beside == [*[BESIDE] * LOOKS, ALONE]


def test_what_the_platform_itself_relays_is_no_company_however_late_it_is_seen() -> None:
    seen = iter([0, 1_000, 1_500, 2_600, 3_100, 5_000])

    class Relaying(Memory):
        def appended(self) -> int:
            return next(seen)

    room = Room(Relaying())
    paces = []
    for _ in range(6):
        paces.append(room.look())
        room.took(1_000)

    assert paces == [ALONE] * 6


def test_what_was_read_before_the_input_broke_off_is_loaded_and_the_rest_comes_later() -> None:
    memory = Memory()

    def breaking() -> Iterator[Item]:
        yield from visits(1500)
        raise Refused("is gzip that breaks off", "fetch it again")

    loaded = load(breaking(), memory.destination, ORIGIN, progress=memory)

    assert loaded.broke_off is not None
    assert not loaded.mark.is_done
    mark = find_mark(memory.destination.marks, ORIGIN.key)
    assert mark is not None
    assert (mark.records, mark.accepted) == (1500, 1500)


def test_a_log_that_is_away_for_a_moment_does_not_end_a_load() -> None:
    memory = Memory()
    pauses: list[float] = []
    append, answers = memory.log.append, iter([Unavailable("away"), Unavailable("away")])

    def unsteady(entries: object) -> object:
        for problem in answers:
            raise problem
        return append(entries)  # type: ignore[arg-type]

    memory.log.append = unsteady  # type: ignore[method-assign,assignment]
    loaded = load(visits(3), memory.destination, ORIGIN, progress=memory, pause=pauses.append)

    assert loaded.mark.accepted == 3
    assert len(memory.recorded()) == 3
    assert pauses == [0.1, 0.5]


def test_a_log_that_stays_away_ends_the_load_with_its_mark_where_it_was() -> None:
    memory = Memory()

    def away(_entries: object) -> object:
        raise Unavailable("away")

    memory.log.append = away  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        loaded_into(memory, visits(3))

    assert find_mark(memory.destination.marks, ORIGIN.key) is None


def test_a_load_goes_on_from_its_mark() -> None:
    memory = Memory()
    stopped = visits(3 * ALONE.chunk)[: ALONE.chunk + 10]
    first = loaded_into(memory, stopped)

    rest = visits(3 * ALONE.chunk)[first.mark.records :]
    second = loaded_into(memory, rest, Origin(ORIGIN.name, ORIGIN.key, first.mark))

    assert second.mark.accepted == 3 * ALONE.chunk
    assert (
        len({event.id for event in memory.recorded()}) == len(memory.recorded()) == 3 * ALONE.chunk
    )
