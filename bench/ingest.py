"""What ingest costs: accept alone, step by step, and over HTTP beside an empty route.

``python -m bench.ingest [--seconds 3]``; prints the machine and the versions it ran on.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count, cycle
from pathlib import Path
from time import perf_counter
from timeit import repeat
from typing import Final

import uvloop

from bench.machine import banner
from schemas.codec import canonical
from schemas.envelope import Posted
from schemas.validate import validate
from services.ingest.accept import Accepted, Producer, accept
from services.ingest.identify import Identified, identify
from services.ingest.record import Draft, record
from services.store.embedded import EmbeddedPostgres
from services.vault.memory import MemoryVault
from services.vault.seal import digest, seal

PRODUCER: Final = Producer("bench", "write", "k_bench", "DE")
CONNECTIONS: Final = 64
BODIES: Final = 300
_NUMBERS: Final = count()


def event(number: int) -> bytes:
    """A purchase of one of 10 000 customers."""
    posted = {
        "id": f"o-{number}",
        "source": "shop",
        "type": "purchase.completed",
        "occurred_at": "2026-11-21T10:00:00Z",
        "identifiers": [f"user:{number % 10_000}", f"email:ada{number % 10_000}@example.org"],
        "personal": {"name": "Ada"},
        "data": {
            "order_id": str(number),
            "amount_minor": 1250,
            "currency": "EUR",
            "lines": [{"sku": "A1", "quantity": 1, "amount_minor": 1250}],
        },
    }
    return json.dumps(posted).encode()


def accept_alone() -> None:
    """Print events a second of ``accept`` and microseconds of its steps."""
    vault, now = MemoryVault(), datetime.now(UTC)
    raws = [event(number) for number in range(1_000)]
    all_us = micros(lambda: accept(raws, PRODUCER, now, vault), 1) / len(raws)
    print(f"\naccept, {len(raws[0])} bytes an event   {all_us:6.1f} µs   {1e6 / all_us:9,.0f} /s")

    raw, hash_key = raws[0], vault.hash_key
    posted = validate(raw)
    if not isinstance(posted, Posted):
        raise SystemExit(f"the event is not valid: {posted}")
    found = identify(posted.identifiers, "bench", "DE", hash_key)
    if not isinstance(found, Identified):
        raise SystemExit(f"the event names nobody: {found}")
    keys = vault.keys_for("bench", found.hashes[:1])
    plain, text = b"x" * 90, canonical(raw)
    draft = Draft(
        index=0, posted=posted, workspace="bench", key_kind="write", source="shop",
        occurred_at=now, received_at=now, digest=digest(hash_key, text), identified=found,
    )  # fmt: skip
    sealing = micros(lambda: seal(keys[found.hashes[0]], plain, bound_to=b"bench\0shop\0o-1"), 500)
    steps = {
        "validate": micros(lambda: validate(raw), 500),
        "canonical JSON": micros(lambda: canonical(raw), 500),
        "digest": micros(lambda: digest(hash_key, text), 500),
        "normalise and hash two": micros(
            lambda: identify(posted.identifiers, "bench", "DE", hash_key), 500
        ),
        "seal": sealing,
        "encode": micros(lambda: record(draft, keys), 500) - sealing,
    }
    for name, step_us in [*steps.items(), ("the rest", all_us - sum(steps.values()))]:
        print(f"  {name:26} {step_us:6.1f} µs")


def micros(work: Callable[[], object], times: int) -> float:
    """The fastest of ten runs, in microseconds a call."""
    return min(repeat(work, number=times, repeat=10)) / times * 1e6


@contextmanager
def serving(kind: str, data_dir: Path) -> Iterator[int]:
    """A server process of its own; gives its port."""
    command = [sys.executable, "-m", "bench.ingest_server", kind, "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (port := process.stdout.readline().strip()):
                raise SystemExit(f"the {kind} server did not start")
            yield int(port)
        finally:
            process.terminate()


async def load(port: int, events: int, seconds: float) -> float:
    """Requests a second that were answered with 200, over ``CONNECTIONS`` connections."""
    # Made before: the client must not use up the machine that the server shares with it.
    bodies = cycle([_body(events) for _ in range(BODIES)])
    until_s = perf_counter() + seconds
    started_s = perf_counter()
    answered = await asyncio.gather(*(_caller(port, bodies, until_s) for _ in range(CONNECTIONS)))
    return sum(answered) / (perf_counter() - started_s)


def _body(events: int) -> bytes:
    return b"[" + b",".join(event(next(_NUMBERS)) for _ in range(events)) + b"]"


async def _caller(port: int, bodies: Iterator[bytes], until_s: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while perf_counter() < until_s:
        body = next(bodies)
        writer.write(
            b"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer bench\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"the server answered {head!r}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        answered += 1
    writer.close()
    return answered


def over_http(seconds: float) -> None:
    """Print requests and events a second for each server, and what an empty route does."""
    empty: dict[int, float] = {}
    print(f"\nHTTP, {CONNECTIONS} connections, client on the same machine")
    print(f"  {'':10} {'events a request':>16} {'requests/s':>11} {'events/s':>10} {'of empty':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("empty", "memory", "postgres"):
            with serving(kind, Path(folder)) as port:
                uvloop.run(load(port, 1, 0.5))
                for events in (1, 100):
                    rate = uvloop.run(load(port, events, seconds))
                    ratio = rate / empty.setdefault(events, rate)
                    row = f"{events:16} {rate:11,.0f} {rate * events:10,.0f} {ratio:9.0%}"
                    print(f"  {kind:10} {row}")
        EmbeddedPostgres(folder).stop()


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load for each figure")
    seconds: float = parser.parse_args().seconds
    banner("ingest", "fastapi", "uvicorn", "cryptography")
    if not isinstance(accept([event(0)], PRODUCER, datetime.now(UTC), MemoryVault())[0], Accepted):
        raise SystemExit("the event of this benchmark is not accepted")
    accept_alone()
    over_http(seconds)


if __name__ == "__main__":
    main()
