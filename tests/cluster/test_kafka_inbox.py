"""An inbox in Kafka keeps the contract, and processes that read it share it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from services.errors import Misconfigured, Unavailable
from services.log.kafka.address import Address, parse
from services.log.kafka.inbox import KafkaInbox
from services.ports import free_port
from tests.cluster.others import fresh_door, upstream
from tests.contract.inbox import InboxContract, Member, Send, taken

SESSION_S = 2.0


class TestKafkaInbox(InboxContract):
    """A topic of one partition, members of one group."""

    @pytest.fixture
    def address(self, kafka: str) -> Address:
        return fresh_door(kafka)

    @pytest.fixture
    def send(self, address: Address) -> Iterator[Send]:
        with upstream(address) as other:
            yield other.send

    @pytest.fixture
    def member(self, address: Address) -> Iterator[Member]:
        with ExitStack() as stack:

            def join() -> KafkaInbox:
                inbox = KafkaInbox(address, group="test", session_s=SESSION_S)
                return stack.enter_context(closing(inbox))

            yield join


def test_two_processes_share_the_partitions(kafka: str) -> None:
    address = fresh_door(kafka, partitions=4)
    with (
        closing(KafkaInbox(address, group="test", session_s=SESSION_S)) as first,
        closing(KafkaInbox(address, group="test", session_s=SESSION_S)) as second,
    ):
        # Both are members before anything is sent.
        first.take(1, 0.1)
        second.take(1, 0.1)
        with upstream(address) as other:
            for number in range(40):
                other.send(b"%d" % number)
        found: dict[KafkaInbox, set[bytes]] = {first: set(), second: set()}
        while sum(map(len, found.values())) < 40:
            for inbox, values in found.items():
                values |= {record.value or b"" for record in inbox.take(100, 0.2)}
                inbox.done()

    assert found[first]
    assert found[second]
    assert found[first] | found[second] == {b"%d" % number for number in range(40)}


def test_a_member_whose_partition_moved_on_is_done_without_an_error(kafka: str) -> None:
    address = fresh_door(kafka)
    with upstream(address) as other:
        other.send(b"a")
    with closing(KafkaInbox(address, group="test", session_s=SESSION_S)) as slow:
        assert len(taken(slow, 1)) == 1
        with closing(KafkaInbox(address, group="test", session_s=SESSION_S)) as next_:
            # Nothing comes where the first one keeps its partition.
            seen = [*next_.take(10, 2 * SESSION_S)]
            slow.done()
            next_.done()
        # Whoever has it reads it at least once more, or not at all once it is done.
        assert {record.value for record in [*seen, *slow.take(10, 0.5)]} <= {b"a"}


def test_no_topic_and_no_broker_are_told_apart(kafka: str) -> None:
    nowhere = Address((kafka,), "nobody-made-this")
    with closing(KafkaInbox(nowhere, group="test")) as inbox, pytest.raises(Misconfigured):
        inbox.take(1, 0.1)

    nobody = parse(f"kafka://127.0.0.1:{free_port()}/inbox")
    with closing(KafkaInbox(nobody, group="test")) as inbox, pytest.raises(Unavailable):
        inbox.take(1, 0.1)
