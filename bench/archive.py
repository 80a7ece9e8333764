"""The archive: rows a second through front and client, timelines, memory; beside chdb alone.

    python -m bench.archive [--events 1000000] [--leaves 20000] [--seconds 20]

Events are recorded purchases of about 600 bytes with a sealed part, skewed over leaves. The
baseline gives the very same lines to chdb in this process, with no client and no HTTP between.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from bench.machine import banner
from schemas.envelope import Recorded, Sealed
from services.archive.clickhouse import ClickHouseArchive, _lines
from services.archive.front.engine import Asked, Engine, Into
from services.archive.port import Piece
from services.archive.statements import statement
from services.archive.tables import INSERTING
from services.log.port import Stored
from tests.front import FrontProcess

START: Final = datetime(2024, 1, 1, tzinfo=UTC)
INSERT_ROWS: Final = 25_000
LEAVES_A_CUSTOMER: Final = 50
PAGE: Final = 50


def pieces(events: int, leaves: int) -> Iterator[Piece]:
    """``events`` in inserts of ``INSERT_ROWS``, as the feed makes them."""
    chance = random.Random(1)
    ciphertext = chance.randbytes(120)
    for first in range(0, events, INSERT_ROWS):
        records = []
        for number in range(first, min(events, first + INSERT_ROWS)):
            event = Recorded(
                workspace="bench",
                id=f"order-{number}",
                source="shop",
                type=chance.choice(("purchase.completed", "email.opened", "web.visited")),
                version=1,
                occurred_at=START + timedelta(seconds=61 * number % 60_000_000),
                received_at=START + timedelta(seconds=number),
                identifiers=(leaf(skewed(chance, leaves)), leaf(leaves + number)),
                digest=f"{number:032x}",
                key_kind="write",
                data=msgspec.Raw(
                    b'{"order_id":"%d","amount_minor":1250,"currency":"EUR",'
                    b'"lines":[{"sku":"A1","quantity":1,"amount_minor":1250}]}' % number
                ),
                sealed=Sealed(f"key-{number % leaves}", ciphertext),
            )
            records.append(Stored(number, START, msgspec.json.encode(event)))
        yield Piece(1, records)


def leaf(number: int) -> str:
    return f"1{number * 2654435761 % 2**124:031x}"


def skewed(chance: random.Random, leaves: int) -> int:
    if chance.random() < 0.5:
        return min(int(chance.paretovariate(0.6)), leaves - 1)
    return chance.randrange(leaves)


class Direct:
    """The baseline: the same table and the same lines, given to chdb in this process."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine(folder)
        self.engine.query(statement("event"), "TSV", Asked())
        self._into = Into(statement("insert").removesuffix("FORMAT JSONEachRow"), "", "JSONEachRow")

    def insert(self, batch: Sequence[Piece], token: str) -> None:
        asked = Asked(settings=INSERTING | {"insert_deduplication_token": token})
        self.engine.insert(self._into, [b"\n".join(_lines(batch))], asked)

    def timeline(self, leaves: Sequence[str]) -> None:
        quoted = ",".join(f"'{leaf}'" for leaf in leaves)
        asked = {
            "workspace": "bench",
            "leaves": f"[{quoted}]",
            "families": "[]",
            "is_newest": "true",
            "occurred_us": "0",
            "source": "",
            "id": "",
            "limit": str(PAGE),
        }
        self.engine.query(statement("timeline"), "Native", Asked(parameters=asked))


def taken(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def insert_all(batches: Sequence[Piece], archive: ClickHouseArchive, direct: Direct) -> None:
    """Both by turns, so that what else the machine does falls on both."""
    through, within = 0.0, 0.0
    for number, batch in enumerate(batches):
        token = f"bulk-{number}"
        through += taken(lambda: archive.insert([batch], token))  # noqa: B023  called at once
        within += taken(lambda: direct.insert([batch], token))  # noqa: B023  called at once
    rows = sum(len(batch.records) for batch in batches)
    compare("rows a second, front and client / chdb alone", rows / through, rows / within)


def read_all(archive: ClickHouseArchive, direct: Direct, leaves: int, seconds: float) -> None:
    """Timelines of ``LEAVES_A_CUSTOMER`` leaves, both by turns."""
    chance, through, within = random.Random(2), [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        asked = [leaf(chance.randrange(leaves)) for _ in range(LEAVES_A_CUSTOMER)]
        through.append(1000 * taken(lambda: archive.timeline("bench", asked, limit=PAGE)))  # noqa: B023
        within.append(1000 * taken(lambda: direct.timeline(asked)))  # noqa: B023
    for name, part in (("p50", 9), ("p95", 18)):
        both = (statistics.quantiles(took, n=20)[part] for took in (through, within))
        compare(f"timeline of 50 touches, ms, {name}", *both)


def compare(name: str, ours: float, baseline: float) -> None:
    print(f"{name:<50} {ours:>12,.1f} {baseline:>12,.1f}   x{ours / baseline:.2f}")


def trickle(archive: ClickHouseArchive, stop: threading.Event) -> None:
    """Two inserts a second, a thousand rows each, as the feed does beside readers."""
    number = 0
    while not stop.wait(0.5):
        (batch,) = pieces(1_000, 500)
        archive.insert([batch], f"trickle-{number}")
        number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leaves", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    banner("archive", "clickhouse-connect", "chdb")
    batches = list(pieces(given.events, given.leaves))
    size = sum(len(record.payload) for batch in batches for record in batch.records)
    print(f"# {given.events} events, {size / given.events:.0f} bytes each, {INSERT_ROWS} an insert")

    with tempfile.TemporaryDirectory() as folder, FrontProcess(Path(folder) / "front") as front:
        archive = front.archive()
        archive.open()
        direct = Direct(Path(folder) / "direct")
        idle_mb = front.anonymous_mb()
        insert_all(batches, archive, direct)
        stop = threading.Event()
        writer = threading.Thread(target=trickle, args=[archive, stop])
        writer.start()
        print("# from here on beside two inserts a second")
        read_all(archive, direct, given.leaves, given.seconds)
        stop.set()
        writer.join()
        threading.Event().wait(5)
        compare("anonymous memory of the front, MB, after / before", front.anonymous_mb(), idle_mb)
        direct.engine.close()
        archive.close()


if __name__ == "__main__":
    main()
