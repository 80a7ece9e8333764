"""Reading records for scores: the same as by their events, for every type there is."""

from typing import Any

import pytest
from hypothesis import given

from schemas.codec import Undecodable, decode, encode
from services.scoring.kept import ENTRIES, Leaf, history_of, kept_of, leaves_of
from services.scoring.model.history import DAY_S, Entry
from services.scoring.reading import entry_in, envelope_of
from tests.happenings import STEPS, examples
from tests.histories import History, Step

KINDS = ("write", "browser")


@pytest.mark.parametrize("key_kind", KINDS)
@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.type} {example.id}")
def test_every_example_is_read_as_its_event_is(example: Any, key_kind: str) -> None:
    history = History()
    history.exampled(example, "user:1", key_kind=key_kind)
    (event,) = history.events
    payload = encode(event)

    assert entry_in(envelope_of(payload), payload) == kept_of(decode(payload))


def test_what_is_no_record_is_refused() -> None:
    for payload in (b"", b"{}", b"no", b'{"type": 1}'):
        with pytest.raises(Undecodable):
            envelope_of(payload)


@given(STEPS)
def test_pages_hold_what_was_taken_in_whatever_its_batches(steps: list[Step]) -> None:
    history = History(steps=steps)
    kept = [found[1] for event in history.events if (found := kept_of(event))] * 5
    one, other = Leaf("a", "shop"), Leaf("a", "shop")

    together = {page.page: page for page in one.take_in(kept)}
    apart = {page.page: page for entry in kept for page in other.take_in([entry])}

    assert history_of([one]) == history_of([other])
    assert history_of(leaves_of(together.values()).values()) == history_of([one])
    assert history_of(leaves_of(apart.values()).values()) == history_of([one])
    assert all(len(page) <= ENTRIES for number, page in one.pages.items() if number >= 0)


def test_what_was_taken_back_is_not_there_whichever_came_first() -> None:
    bought = Entry(DAY_S, "purchase.completed", "shop", "p-1", "o-1", 5.0, "EUR")
    other = bought._replace(id="p-2", about="o-2")
    void = Entry(2 * DAY_S, "event.voided", "touchline", "v-1", "shop\0p-1")

    for order in ([bought, other, void], [void, other, bought]):
        leaf = Leaf("a", "shop")
        for entry in order:
            leaf.take_in([entry])

        assert history_of([leaf]) == [other]
