"""The archive: rows a second through front and client, timelines meanwhile, memory; beside chdb in process.

    python -m bench.archive [--events 1000000] [--leaves 20000] [--seconds 20]

Events are recorded purchases of about 500 bytes with a sealed part, skewed over leaves. The baseline gives the very
same lines to chdb in this process, with no HTTP, no front and no client between.
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
from services.archive.clickhouse import _INSERTING, ClickHouseArchive, _lines
from services.archive.front.engine import Asked, Engine, Into
from services.archive.port import Piece
from services.archive.statements import statement
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


def insert_all(batches: Sequence[Piece], insert: Callable[[Piece, str], object]) -> float:
    """Rows a second."""
    began = time.perf_counter()
    for number, batch in enumerate(batches):
        insert(batch, f"bulk-{number}")
    return sum(len(batch.records) for batch in batches) / (time.perf_counter() - began)


def directly(batches: Sequence[Piece], folder: Path) -> float:
    """The baseline: the same lines into the same table, in this process."""
    with Engine(folder) as engine:
        engine.query(statement("event"), "TSV", Asked())
        target = statement("insert").removesuffix("FORMAT JSONEachRow")

        def insert(batch: Piece, token: str) -> None:
            asked = Asked(settings=_INSERTING | {"insert_deduplication_token": token})
            engine.insert(Into(target, "", "JSONEachRow"), [b"\n".join(_lines([batch]))], asked)

        return insert_all(batches, insert)


def reads(archive: ClickHouseArchive, leaves: int, until: Callable[[], bool]) -> list[float]:
    """How long timelines of ``LEAVES_A_CUSTOMER`` took, in ms."""
    chance, took = random.Random(2), []
    while not until():
        asked = [leaf(chance.randrange(leaves)) for _ in range(LEAVES_A_CUSTOMER)]
        began = time.perf_counter()
        found = archive.timeline("bench", asked, limit=PAGE)
        took.append(1000 * (time.perf_counter() - began))
        assert found
    return took


def trickle(archive: ClickHouseArchive, stop: threading.Event) -> None:
    """Two inserts a second, a thousand rows each, as the feed does beside readers."""
    number = 0
    while not stop.wait(0.5):
        (batch,) = pieces(1_000, 500)
        archive.insert([batch], f"trickle-{number}")
        number += 1


def show(name: str, took: list[float]) -> None:
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    print(f"{name:<44} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  ({len(took)} reads)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leaves", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    banner("archive", "clickhouse-connect", "chdb")
    batches = list(pieces(given.events, given.leaves))
    size = sum(len(record.payload) for batch in batches for record in batch.records)
    print(f"{given.events} events, {size / given.events:.0f} bytes each, {INSERT_ROWS} an insert")

    with tempfile.TemporaryDirectory() as folder, FrontProcess(Path(folder) / "chdb") as front:
        archive = front.archive()
        archive.open()
        print(f"{'front, idle at first, anonymous memory':<44} {front.anonymous_mb():.0f} MB")
        rate = insert_all(batches, lambda batch, token: archive.insert([batch], token))
        show("timelines, nothing else", reads(archive, given.leaves, deadline(given.seconds / 2)))
        stop = threading.Event()
        writer = threading.Thread(target=trickle, args=[archive, stop])
        writer.start()
        show("timelines beside two inserts a second", reads(archive, given.leaves, deadline(given.seconds)))
        stop.set()
        writer.join()
        parts = archive._connected().query("SELECT count(), sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'event' AND database = currentDatabase()").result_rows[0]
        print(f"{'parts, bytes a row':<44} {parts[0]}, {parts[1] / given.events:.0f}")
        threading.Event().wait(5)
        print(f"{'front, idle after it all, anonymous memory':<44} {front.anonymous_mb():.0f} MB")
        archive.close()

    with tempfile.TemporaryDirectory() as folder:
        baseline = directly(batches, Path(folder) / "chdb")
    print(f"{'rows a second through client and front':<44} {rate:,.0f}")
    print(f"{'rows a second into chdb in process':<44} {baseline:,.0f}")
    print(f"{'ratio':<44} {rate / baseline:.2f}")


def deadline(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


if __name__ == "__main__":
    main()
