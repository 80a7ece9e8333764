"""The publisher: decisions out of the log to a topic of Kafka, behind the folds, in order.

It follows the projector's checkpoint as deliveries do, with progress of its own, which moves once
the brokers have what it sent: killed before that it sends the same again, under the same ids. A
rebuild appends nothing and moves no progress back: it sends nothing.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Final

from services.commands.message import Message, encode
from services.errors import NotOurs
from services.log.outlet import Outbound, Outlet
from services.log.port import Log, Stored
from services.patience import keep_on
from services.scoring.deliver.decided import find, message
from services.scoring.deliver.deliverer import LOOK_S, STAND_BY_S, Lock
from services.store.deliveries import Move, Place
from services.store.published import Published

AT_ONCE: Final = 2_000
"""Records of one read."""


class Publisher:
    """One process of all publishes, so that a customer's decisions go in order."""

    def __init__(self, lock: Lock, source: Log, progress: Published, outlet: Outlet) -> None:
        self._lock, self._log, self._progress, self._outlet = lock, source, progress, outlet

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; nothing that goes wrong here stops who works beside it."""
        keep_on(stop, self._turn, waiting="decisions.waiting")

    def _turn(self) -> float:
        if not self._lock.is_ours():
            return STAND_BY_S
        try:
            looked = publish_once(self._log, self._progress, self._outlet)
        except NotOurs:
            return STAND_BY_S
        return 0.0 if looked >= AT_ONCE else LOOK_S


def publish_once(log: Log, progress: Published, outlet: Outlet) -> int:
    """Send what comes next of every partition; gives how many records were looked at.

    Where it never was it begins at the log's end: what was decided before is not sent. Raises
    ``Unavailable``, and ``NotOurs`` where another process was first.
    """
    places = progress.places()
    begun = {partition for partition, place in places.items() if place.at is not None}
    if new := set(range(log.partitions)) - begun:
        ends = log.ends()
        progress.move({partition: Move(None, ends[partition]) for partition in new})
        return 0
    moves: dict[int, Move] = {}
    found: list[Outbound] = []
    looked = 0
    for partition, place in sorted(places.items()):
        if records := _next(log, partition, place):
            moves[partition] = Move(place.at, records[-1].offset + 1)
            found += _told(progress, partition, records)
            looked += len(records)
    if found:
        outlet.send(found)
    if moves:
        progress.move(moves)
    return looked


def _next(log: Log, partition: int, place: Place) -> Sequence[Stored]:
    at = place.at or 0
    return log.read(partition, at, min(AT_ONCE, place.end - at)) if at < place.end else ()


def _told(progress: Published, partition: int, records: Sequence[Stored]) -> Iterator[Outbound]:
    decisions = [one.stored for one in find(records)]
    offsets = [stored.offset for stored in decisions]
    left_out = progress.skipped(partition, offsets) if offsets else ()
    for stored in decisions:
        if stored.offset not in left_out and (told := message(stored)):
            yield outbound(told)


def outbound(told: Message) -> Outbound:
    """``told`` as a record: a CloudEvent in the binary mode, with what webhooks are sent."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": told.id,
        "ce_source": "touchline",
        "ce_type": told.type,
        "ce_time": told.occurred_at.isoformat().replace("+00:00", "Z"),
        "ce_workspace": told.workspace,
        "content-type": "application/json",
    }
    if told.customer_id:
        headers["ce_subject"] = told.customer_id
    return Outbound((told.customer_id or told.workspace).encode(), encode(told), headers)
