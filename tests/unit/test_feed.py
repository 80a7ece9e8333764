"""The feed: what it hands to whom, in what order, and whom it leaves behind."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from services.errors import Limited, Unavailable
from services.log.port import Entry
from services.query import feed as feeds
from services.query.decided import decisions
from services.query.feed import Subscription
from tests.listening import Ear, Place, decided, id_of, listening


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    with closing(place.feed):
        yield place


def test_what_is_decided_from_now_on_is_handed_over_in_order(place: Place) -> None:
    place.decide((1, decided("before", tier="gold")))

    with listening(place) as ear:
        place.decide((1, decided("a", tier="gold")), (1, decided("b", tier=None)))
        place.decide((1, decided("c", stage="new")))

        assert ear.hear(3) == ["a", "b", "c"]


def test_other_workspaces_and_types_are_not_heard(place: Place) -> None:
    with listening(place) as ours, listening(place, "bank", "tier.changed") as theirs:
        place.decide(
            (1, decided("a", tier="gold")),
            (2, decided("b", "bank", stage="new")),
            (3, decided("c", "bank", tier="gold")),
            (1, decided("d", stage="new")),
        )

        assert ours.hear(2) == ["a", "d"]
        assert theirs.hear(1) == ["c"]


def test_who_comes_while_others_are_read_for_misses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = ExitStack()
    theirs: list[Ear] = []

    def slowly(*how: Any) -> Iterator[Any]:
        if not theirs:
            theirs.append(came.enter_context(listening(place, "bank")))
        yield from decisions(*how)

    monkeypatch.setattr(feeds, "remember", lambda *_: None)
    monkeypatch.setattr(feeds, "decisions", slowly)
    with listening(place) as ours, came:
        place.append((1, decided("a", tier="gold")), (2, decided("b", "bank", tier="gold")))

        assert ours.hear(1) == ["a"]
        assert theirs[0].hear(1) == ["b"]


def test_history_is_not_told_nor_what_was_appended_twice(place: Place) -> None:
    place.left_out = {(1, 2)}
    begin = place.feed.reached()
    place.decide(
        (1, decided("a", tier="gold", is_restated=True)),
        (1, decided("b", tier="gold")),
        (1, decided("b", tier="gold")),
        (2, decided("c", stage="new")),
    )
    place.log.append([Entry(1, b"{tier.changed"), Entry(1, b'{"note":"lifecycle.changed"}')])
    place.applied = dict(place.log.ends())

    assert place.older(begin) == ["b", "c"]


def test_what_is_in_the_log_is_told_before_the_folds_have_it(place: Place) -> None:
    with listening(place) as ear:
        place.append((1, decided("a", tier="gold")), (2, decided("b", tier="gold")))

        assert ear.hear(2) == ["a", "b"]


def test_what_a_relay_that_died_appended_twice_is_told_once(place: Place) -> None:
    with listening(place) as ear:
        place.append((1, decided("a", tier="gold")))
        assert ear.hear(1) == ["a"]

        place.append((1, decided("a", tier="gold")), (1, decided("b", tier="gold")))

        assert ear.hear(1) == ["b"]


def test_what_was_told_before_a_cut_is_not_told_by_its_second_copy(place: Place) -> None:
    place.append((1, decided("a", tier="gold")))
    heard = place.feed.reached()
    place.append((1, decided("a", tier="gold")), (2, decided("b", tier="gold")))
    assert place.older(heard) == ["b"]

    with listening(place) as ear:
        place.append((1, decided("a", tier="gold")), (2, decided("b", tier="gold")))
        place.append((1, decided("c", tier="gold")))

        assert ear.hear(1) == ["c"]


def test_every_place_leads_to_exactly_what_follows(place: Place) -> None:
    begin = place.feed.reached()
    place.decide(*((1 + n % 3, decided(f"e{n}", tier=f"t{n}")) for n in range(30)))
    pieces = place.feed.between("shop", begin, place.feed.reached())
    everything = [one for found, _ in pieces for one in found]

    for number, one in enumerate(everything):
        assert place.older(one.position) == [id_of(later) for later in everything[number + 1 :]]


def test_who_is_too_slow_is_cut_off_and_resumes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_QUEUED", 5)
    with listening(place) as ear:
        place.decide((1, decided("a", tier="gold")))
        ear.hear(1)
        position = ear.subscription.position
        for number in range(9):
            place.decide((1, decided(f"e{number}", tier=f"t{number}")))

        while not ear.is_over():
            pass

        kept = [id_of(one) for one in ear.subscription.waiting]
        # What it has been given has no gap, so its last place is where it goes on.
        assert kept == [f"e{number}" for number in range(len(kept))]
        assert place.older(position) == [f"e{number}" for number in range(9)]


def test_after_a_pause_nothing_of_the_pause_is_told(place: Place) -> None:
    with listening(place) as first:
        place.decide((1, decided("a", tier="gold")))
        assert first.hear(1) == ["a"]
    place.decide((1, decided("b", tier="gold")))

    with listening(place) as second:
        place.decide((1, decided("c", tier="gold")))

        assert second.hear(1) == ["c"]


def test_a_store_that_is_away_is_waited_for(place: Place) -> None:
    with listening(place) as ear:
        place.is_away = True
        place.decide((1, decided("a", tier="gold")))
        assert place.asked.wait(10)

        place.is_away = False

        assert ear.hear(1) == ["a"]


def test_a_bug_ends_the_streams_instead_of_letting_them_wait(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with listening(place) as ear:
        monkeypatch.setattr(feeds, "decisions", broken)
        place.decide((1, decided("a", tier="gold")))

        assert ear.is_over()


def test_all_streams_end_with_the_process(place: Place) -> None:
    with listening(place) as ear:
        place.feed.end()

        assert ear.is_over()
        with pytest.raises(Unavailable):
            place.feed.enter(Subscription("shop", (), ear.subscription.loop))


def test_a_key_holds_only_so_many_streams(place: Place) -> None:
    feed = place.feed

    with feed.place("k_1"), feed.place("k_1"):
        with pytest.raises(Limited, match="more than 2 streams"), feed.place("k_1"):
            pass
        with feed.place("k_2"):
            pass

    with feed.place("k_1"):
        pass
    assert not feed._held
