"""A producer for campaigns: posts batches drawn from a seed until each is acknowledged."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Self

import httpx
import msgspec

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE: Final = "shop"
PAUSE_S: Final = 0.05
AHEAD: Final = 8
"""Batches that may wait to be folded, so that what is killed is at work on them."""
REPEATED: Final = 0.02
"""Of batches: posted again although they were acknowledged."""


def batch(seed: int, number: int, *, size: int, people: int) -> Sequence[bytes]:
    """The events of batch ``number``, the same whenever they are asked for."""
    chance = Random(f"{seed} {number}")
    first = number * size
    return [_event(chance, first + each, people) for each in range(size)]


def id_of(number: int) -> str:
    """The id of the event that is this one of all."""
    return f"e{number}"


def _event(chance: Random, number: int, people: int) -> bytes:
    who = chance.randrange(people)
    kind = chance.choices(("visit", "purchase", "refund", "call", "person"), (9, 6, 1, 3, 1))[0]
    named = [f"user:u{who}"]
    if chance.random() < 0.2:
        named.append(f"email:p{who}@example.org")
    order = {"order_id": f"o{number}", "amount_minor": 1 + number % 9_999, "currency": "EUR"}
    personal: dict[str, str] = {}
    data: dict[str, object] = {}
    match kind:
        case "visit":
            type_, data = "web.visited", {"url": "/"}
        case "purchase":
            type_, data = "purchase.completed", order
        case "refund":
            type_, data = "purchase.refunded", order | {"order_id": f"o{number // 2}"}
        case "call":
            type_, data = "call.ended", {"direction": "inbound", "duration_s": 60}
        case _:
            type_, personal = "customer.identified", {"name": f"Person {who}", "city": "Ulm"}
    event = {
        "id": id_of(number),
        "source": SOURCE,
        "type": type_,
        "occurred_at": START + timedelta(seconds=number),
        "identifiers": named,
        "personal": personal,
        "data": data,
    }
    return msgspec.json.encode(event)


class Teller:
    """Posts batch after batch, never more than ``lead`` events before what is folded."""

    def __init__(self, url: str, key: str, *, seed: int, size: int, people: int) -> None:
        self.seed, self.size, self.people = seed, size, people
        self.lead = AHEAD * size
        self.acknowledged = 0
        """Batches: all numbers below, since one follows the other."""
        self.folded = 0
        """Records of which the rows tell; whoever looks says so."""
        self.answers: Counter[int] = Counter()
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        self._wanted = 0
        self._is_enough, self._is_over = threading.Event(), threading.Event()
        self._threads = ThreadPoolExecutor(1)

    def begin(self, batches: int) -> None:
        """Tell so many batches at least, and go on until ``enough``."""
        self._wanted = batches
        self._telling = self._threads.submit(self._tell)

    def check(self) -> None:
        """Raise what went wrong, where something did."""
        if self._telling.done():
            self._telling.result()

    def enough(self) -> None:
        """Come to an end; raises what went wrong."""
        self._is_enough.set()
        self._telling.result()

    @property
    def events(self) -> int:
        """That were acknowledged."""
        return self.acknowledged * self.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._threads.shutdown()
        self._client.close()

    def _tell(self) -> None:
        chance = Random(self.seed)
        while self.acknowledged < self._wanted or not self._is_enough.is_set():
            if self.events > self.folded + self.lead:
                if self._is_over.wait(PAUSE_S):
                    return
                continue
            events = batch(self.seed, self.acknowledged, size=self.size, people=self.people)
            body = b"[" + b",".join(events) + b"]"
            for _ in range(2 if chance.random() < REPEATED else 1):
                self._post(body)
            self.acknowledged += 1

    def _post(self, body: bytes) -> None:
        """Post until it is acknowledged: even when told to stop, for what may be in the log."""
        while (status := self._status(body)) != httpx.codes.OK:
            assert status in {0, 503}, status
            assert not self._is_over.wait(PAUSE_S), "the test is over"

    def _status(self, body: bytes) -> int:
        try:
            status = self._client.post("/v1/events", content=body).status_code
        except httpx.TransportError:
            status = 0
        self.answers[status] += 1
        return status
