"""Purchases for fault tests: a file, somebody who posts more, and what they must come to."""

import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self

import httpx
import psycopg

from schemas.codec import decode
from services.addresses import Addresses
from services.archive.clickhouse import ClickHouseArchive
from services.errors import Unavailable
from services.fold.decisions import SOURCE
from services.log.open import open_log
from services.log.port import CONTROL
from tests.integration.running import PATIENCE_S, Json, RunningPlatform

CUSTOMERS: Final = 150
MOST_AT_ONCE: Final = 8
PAUSE_S: Final = 0.02
AT_ONCE: Final = 2_000
"""Records of one read: fewer may come only at the end."""


class Total(NamedTuple):
    """What a customer bought."""

    orders: int
    spend_minor: int


@dataclass
class Told:
    """Every event that was acknowledged, and what that makes of each customer."""

    ids: set[tuple[str, str]] = field(default_factory=set)
    totals: dict[str, Total] = field(default_factory=lambda: defaultdict(lambda: Total(0, 0)))

    def add(self, events: Iterable[Json]) -> None:
        for event in events:
            customer = event["id"].split("-")[1]
            before = self.totals[customer]
            self.ids.add((event["source"], event["id"]))
            self.totals[customer] = Total(
                before.orders + 1, before.spend_minor + event["data"]["amount_minor"]
            )


def purchase(source: str, number: int, chance: random.Random) -> Json:
    """By one of few customers, who are known by an address, a user's id, or now and then both."""
    customer = chance.randint(1, CUSTOMERS)
    both = [f"user:{customer}", f"email:c{customer}@example.org"]
    named = both if number < 10 * CUSTOMERS else [chance.choice(both)]
    id_ = f"{source}-{customer}-{number}"
    return {
        "id": id_,
        "source": source,
        "type": "purchase.completed",
        "occurred_at": f"2026-01-{1 + number % 28:02}T10:00:00Z",
        "identifiers": named,
        "data": {"order_id": id_, "amount_minor": chance.randrange(1, 9_999), "currency": "EUR"},
    }


def write(path: Path, count: int, told: Told, *, seed: int) -> None:
    """A file of so many purchases."""
    chance = random.Random(seed)
    events = [purchase("file", number, chance) for number in range(count)]
    told.add(events)
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


class Teller:
    """A shop's server: posts without end, and posts again what was not acknowledged."""

    def __init__(self, platform: RunningPlatform, told: Told, *, seed: int) -> None:
        self.answers: Counter[int] = Counter()
        """How often each status was given; 0 is a connection that was refused or broke."""
        self._platform, self._told, self._chance = platform, told, random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        assert self.answers.keys() <= {0, 200, 503}, self.answers

    def _run(self) -> None:
        number = 0
        headers = {"Authorization": f"Bearer {self._platform.keys['write']}"}
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self._platform.port}", headers=headers, timeout=30
        ) as client:
            while not self._stop.is_set():
                count = self._chance.randint(1, MOST_AT_ONCE)
                events = [purchase("shop", number + each, self._chance) for each in range(count)]
                number += count
                # Not even when told to stop: what may have been recorded must be known for certain.
                while (status := self._post(client, events)) in {0, 503}:
                    threading.Event().wait(PAUSE_S)
                if status != httpx.codes.OK:
                    break
                self._told.add(events)

    def _post(self, client: httpx.Client, events: list[Json]) -> int:
        try:
            status = client.post("/v1/events", json=events).status_code
        except httpx.TransportError:
            status = 0
        self.answers[status] += 1
        return status


def totals(platform: RunningPlatform) -> Mapping[str, Total]:
    """What each customer bought, as the list of customers says, by the user's id."""
    found: dict[str, Total] = {}
    cursor = ""
    while True:
        page = platform.get(f"/v1/customers?limit=100{cursor}")
        for item in page["items"]:
            named = [text.partition(":")[2] for text in item["identifiers"]]
            found[named[0]] = Total(item["orders"], item["spend_minor"]["EUR"])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def assert_each_once(platform: RunningPlatform, told: Told, status: Json) -> None:
    """Log, rows and archive hold each event once, and every record is accounted for."""
    applied = log_of(platform)
    decided = [one for one in applied if one[0] == SOURCE]
    assert {one: applied[one] for one in applied.keys() - decided} == dict.fromkeys(told.ids, 1)
    assert archive_of(platform) == applied
    assert totals(platform) == told.totals
    partitions = [row for row in status["partitions"] if row["partition"] != CONTROL]
    assert sum(row["applied"] for row in partitions) == len(told.ids) + len(decided)
    for row in partitions:
        ended = row["applied"] + row["duplicate"] + row["dead_lettered"] + row["in_flight"]
        assert row["accepted"] == ended, row
        assert row["dead_lettered"] == 0, row
    assert platform.verified()["ok"]


def log_of(platform: RunningPlatform) -> Mapping[tuple[str, str], int]:
    """How often each event of a customer counts in the log, decisions among them."""
    return applied_in(platform.addresses())


def archive_of(platform: RunningPlatform) -> Mapping[tuple[str, str], int]:
    """How often each of them is in the archive."""
    return archived_in(platform.addresses())


def applied_in(addresses: Addresses) -> Mapping[tuple[str, str], int]:
    """How often each event of a customer counts in the log that ``addresses`` name."""
    with psycopg.connect(addresses.store.fold) as connection:
        skipped = set(connection.execute('SELECT partition, "offset" FROM skipped').fetchall())
    found: Counter[tuple[str, str]] = Counter()
    with closing(open_log(addresses.log)) as log:
        for partition, end in log.ends().items():
            for first in range(0, end if partition != CONTROL else 0, AT_ONCE):
                for stored in log.read(partition, first, AT_ONCE):
                    if (partition, stored.offset) not in skipped:
                        recorded = decode(stored.payload)
                        found[recorded.source, recorded.id] += 1
    return found


def archived_in(addresses: Addresses) -> Mapping[tuple[str, str], int]:
    """How often each of them is in the archive."""
    with closing(ClickHouseArchive(addresses.archive)) as archive:
        rows = archive._connected().query(
            "SELECT source, id, count() FROM event WHERE partition > 0 GROUP BY source, id"
        )
    return {(source, id_): count for source, id_, count in rows.result_rows}


def recorded(platform: RunningPlatform) -> int:
    """Records in the log, as far as can be seen now."""
    try:
        with psycopg.connect(platform.addresses().store.owner) as connection:
            row = connection.execute("SELECT sum(next_offset) FROM touchline.log_head").fetchone()
            return int(row[0]) if row else 0
    except (Unavailable, psycopg.OperationalError):
        return 0
