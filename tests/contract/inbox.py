"""What every inbox promises."""

from collections.abc import Callable, Sequence
from typing import Final

import pytest

from services.log.inbox import Inbound, Inbox

PATIENCE_S: Final = 30.0
Send = Callable[..., None]
"""As a producer: a value, and headers."""
Member = Callable[[], Inbox]
"""Another process that reads the topic."""


class InboxContract:
    """Inherited by the tests of each adapter, which give ``send`` and ``member``."""

    @pytest.fixture
    def send(self) -> Send:
        raise NotImplementedError

    @pytest.fixture
    def member(self) -> Member:
        raise NotImplementedError

    def test_records_come_whole_in_order_and_once(self, send: Send, member: Member) -> None:
        send(b"a", ("ce_id", b"1"), ("content-type", b"text/plain"))
        send(b"b")
        send(None)

        inbox = member()
        found = taken(inbox, 3)

        assert [record.value for record in found] == [b"a", b"b", None]
        assert [*found[0].headers] == [("ce_id", b"1"), ("content-type", b"text/plain")]
        assert [*found[1].headers] == []
        assert [record.offset for record in found] == [0, 1, 2]
        assert len({(record.topic, record.partition) for record in found}) == 1
        assert inbox.take(10, 0.1) == []

    def test_no_more_are_taken_than_asked_for(self, send: Send, member: Member) -> None:
        for number in range(5):
            send(b"%d" % number)
        inbox = member()

        first, rest = inbox.take(2, PATIENCE_S), taken(inbox, 3)

        assert [record.value for record in [*first, *rest]] == [b"0", b"1", b"2", b"3", b"4"]
        assert len(first) == 2

    def test_an_empty_one_is_waited_for_so_long_and_no_longer(self, member: Member) -> None:
        assert member().take(10, 0.05) == []

    def test_what_is_done_comes_no_more_and_what_is_not_comes_again(
        self, send: Send, member: Member
    ) -> None:
        for value in (b"a", b"b", b"c"):
            send(value)
        first = member()
        assert len(first.take(2, PATIENCE_S)) == 2
        first.done()
        assert len(first.take(2, PATIENCE_S)) == 1

        # It ends before the third is done.
        first.close()
        second = member()

        assert [record.value for record in taken(second, 1)] == [b"c"]
        second.done()
        second.done()

    def test_what_nobody_is_done_with_waits_whoever_took_it(
        self, send: Send, member: Member
    ) -> None:
        for value in (b"a", b"b", b"c"):
            send(value)
        inbox = member()
        assert inbox.waiting() == 3

        assert len(inbox.take(2, PATIENCE_S)) == 2
        assert inbox.waiting() == 3
        inbox.done()

        assert inbox.waiting() == 1

    def test_what_is_taken_back_by_nobody_is_not_lost(self, send: Send, member: Member) -> None:
        inbox = member()
        inbox.done()
        send(b"a")

        assert [record.value for record in taken(inbox, 1)] == [b"a"]


def taken(inbox: Inbox, count: int) -> Sequence[Inbound]:
    """So many, in however many parts they come."""
    found: list[Inbound] = []
    while len(found) < count:
        some = inbox.take(10, PATIENCE_S)
        assert some
        found += some
    return found
