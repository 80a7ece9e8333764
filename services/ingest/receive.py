"""Receive: what is accepted becomes durable; one path for HTTP, importer and relay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.errors import BadRecord
from services.ingest.accept import Accepted, Producer, Raw, Rejected, accept_control, accept_each
from services.log.port import CONTROL, Entry, Log, Position, partition_of
from services.vault.port import Vault


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a request's events; the accepted ones are durable."""

    accepted: Sequence[Accepted]
    rejected: Sequence[Rejected]
    position: Position
    """Covers every partition that was appended to."""


def receive(
    raws: Sequence[Raw], producer: Producer, received_at: datetime, *, vault: Vault, log: Log
) -> Received:
    """Accept ``raws`` and append what was accepted; on return it is durable.

    Raises ``Unavailable``: then sending the same events again is harmless, and needed.
    """
    return receive_each([(producer, raws)], received_at, vault=vault, log=log)[0]


def receive_each(
    requests: Sequence[tuple[Producer, Sequence[Raw]]],
    received_at: datetime,
    *,
    vault: Vault,
    log: Log,
) -> list[Received]:
    """``receive`` for several requests, with one append for them all; each is told its own part."""
    by_producer: dict[Producer, list[int]] = {}
    for number, (producer, _) in enumerate(requests):
        by_producer.setdefault(producer, []).append(number)
    results: dict[int, list[Accepted | Rejected]] = {}
    for producer, numbers in by_producer.items():
        raws = [requests[number][1] for number in numbers]
        each = accept_each(raws, producer, received_at, vault)
        results.update(zip(numbers, each, strict=True))
    parts = [_part(results[number]) for number in range(len(requests))]
    ends = append([event for accepted, _ in parts for event in accepted], log)
    return [
        Received(
            accepted,
            rejected,
            # Where the group ends covers where the request does.
            {at: ends[at] for at in {partition(event, log.partitions) for event in accepted}},
        )
        for accepted, rejected in parts
    ]


def _part(results: Sequence[Accepted | Rejected]) -> tuple[list[Accepted], list[Rejected]]:
    return (
        [result for result in results if isinstance(result, Accepted)],
        [result for result in results if isinstance(result, Rejected)],
    )


def receive_control(
    posted: Sequence[tuple[str, Raw]], received_at: datetime, *, vault: Vault, log: Log
) -> Position:
    """Append what our own commands and folds decided: (workspace, event as posted) pairs, in order.

    For the relay; repeating it is harmless. Raises ``BadRecord`` where one of them is not a control
    event of ours as its schema says, which only a bug can write, and appends none of them.
    """
    results = accept_control(posted, received_at, vault)
    for result in results:
        if isinstance(result, Rejected):
            told = f"{result.problem.field} {result.problem.problem}"
            raise BadRecord(f"the outbox holds event {result.id}, which can't be appended: {told}")
    return append([result for result in results if isinstance(result, Accepted)], log)


def append(accepted: Sequence[Accepted], log: Log) -> Position:
    """Append each record to its leaf's partition, or control's; all durable on return, or none."""
    if not accepted:
        return {}
    return log.append(
        [Entry(partition(event, log.partitions), event.payload) for event in accepted]
    )


def partition(event: Accepted, partitions: int) -> int:
    """Where ``event`` rests in a log of ``partitions``."""
    return partition_of(event.partition_leaf, partitions) if event.partition_leaf else CONTROL
