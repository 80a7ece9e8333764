"""Positions of what is not in the log yet."""

import pytest

from services.commands.awaiting import Awaited, decode, token
from services.commands.once import Asked, Request, event_id
from services.errors import Malformed, Refused


def test_a_token_names_the_row_and_the_partition_that_its_event_will_rest_in() -> None:
    assert decode(token(7)) == Awaited({}, 7, 0)
    assert decode(token(7, 12)) == Awaited({}, 7, 12)


@pytest.mark.parametrize("text", ["outbox-", "outbox-7-", "outbox--1", "outbox-7-x", "outbox 7"])
def test_other_text_is_no_position(text: str) -> None:
    with pytest.raises(Refused):
        decode(text)


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "a\n", "k" * 201, "\x7f"])
def test_a_key_is_what_a_header_carries(key: str) -> None:
    with pytest.raises(Refused) as refused:
        Asked("shop", "test", key)

    assert refused.value.problem.field == "Idempotency-Key"


def test_a_command_without_a_key_that_needs_one_is_told_why() -> None:
    with pytest.raises(Malformed, match="Idempotency-Key"):
        Asked("shop", "test").demand_key()


def test_an_events_id_is_that_of_its_workspace_and_key() -> None:
    assert event_id("shop", "k") == event_id("shop", "k")
    assert len({event_id("shop", "k"), event_id("bank", "k"), event_id("shop", "l")}) == 3
    assert event_id("shop", None) != event_id("shop", None)


def test_requests_that_differ_have_other_digests() -> None:
    asked = (["redeem", "0a", 5, None], ["redeem", "0a", 5, "x"], ["adjust", "0a", 5, None])

    assert len({Request(words).digest for words in asked}) == 3
