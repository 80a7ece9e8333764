"""Statements: a page of a member with thousands of entries, over HTTP, and where its time goes.

    python -m bench.statement [--entries 5000] [--runs 30]

Of the entries three in four are purchases, the others refunds, answers and rewards, over two years;
redemptions are asked for one by one. Over HTTP a page is the first one, of 50 lines: after a change
what is new is taken in, after a change of the past, or for who asks first, all. The steps are those
of the latter, in this process, against the same store.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, thread_time
from typing import Any, Final

import httpx
import msgspec

from bench.machine import banner
from services.edge.headers import POSITION
from services.fold.orders import Order
from services.fold.supply import standing
from services.query.courses import LEDGER, ORDERS
from services.query.customer import group_of
from services.store.course import LedgerRow
from services.store.reader import Reader
from services.web import courses
from tests.integration.running import Json, RunningPlatform

TARGET_MS: Final = 100.0
WHO: Final = "user:member"
YEARS: Final = timedelta(days=700)
REDEMPTIONS: Final = 50
POST: Final = 500


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=30)
    arguments = parser.parse_args()
    banner("statement")
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningPlatform(Path(folder) / "data") as platform,
    ):
        platform.start()
        member = told(platform, arguments.entries)
        path = f"/v1/customers/{member}/loyalty"
        page = platform.get(f"{path}/statement")
        print(f"a member with {page['lines']:,} lines, {page['balance']:,} points")
        assert page["balance"] == platform.get(path)["balance"]
        for name, age in (("after a change", 0), ("after a change of last year", 365)):
            _print(f"first page {name}", _after_changes(platform, member, arguments.runs, age))
        for name, asked in (
            ("a page that follows", f"{path}/statement"),
            ("a page of a year ago", f"{path}/statement?at={_day(365)}"),
            ("balance", path),
        ):
            took = [_timed(platform.client, asked, platform.reading) for _ in range(arguments.runs)]
            _print(name, took)
        _steps(platform, member, arguments.runs)


def told(platform: RunningPlatform, entries: int) -> str:
    """A member with so many entries; its id."""
    begin, step = datetime.now(UTC) - YEARS, YEARS / entries
    events = [_entry(number, begin + number * step) for number in range(entries - REDEMPTIONS)]
    for first in range(0, len(events), POST):
        answer = platform.post(events[first : first + POST])
        assert answer.json()["rejected"] == [], answer.text
    platform.settled()
    member: str = platform.get(f"/v1/customers?identifier={WHO}")["items"][0]["customer_id"]
    for number in range(REDEMPTIONS):
        spent = platform.client.post(
            f"/v1/customers/{member}/redemptions",
            json={"points": 1},
            headers=platform.reading | {"Idempotency-Key": f"r-{number}"},
        )
        assert spent.status_code == httpx.codes.CREATED, spent.text
    platform.settled()
    return member


def _after_changes(platform: RunningPlatform, member: str, runs: int, days_ago: int) -> list[float]:
    took = []
    for number in range(runs):
        at = datetime.now(UTC) - timedelta(days=days_ago)
        posted = platform.post([_entry(8 * (10**6 * (1 + days_ago) + number), at)])
        # Folded and scored before the clock starts: what is measured is the statement alone.
        platform.get(f"/v1/customers/{member}", posted.headers[POSITION])
        platform.settled()
        path = f"/v1/customers/{member}/loyalty/statement"
        took.append(_timed(platform.client, path, platform.reading))
    return took


def _entry(number: int, at: datetime) -> Json:
    data: Json = {"order_id": f"o-{number}", "amount_minor": 1_000 + number, "currency": "EUR"}
    type_ = "purchase.completed"
    match number % 8:
        case 5:
            type_, data = "purchase.refunded", data | {"order_id": f"o-{number - 1}"}
            data["amount_minor"] = 500
        case 7:
            type_, data = "reward.granted", {"reward_id": f"w-{number}", "points": 5}
        case _:
            pass
    return {
        "id": f"e-{number}",
        "source": "bench",
        "type": type_,
        "occurred_at": at.isoformat(),
        "identifiers": [WHO],
        "data": data,
    }


def _steps(platform: RunningPlatform, member: str, runs: int) -> None:
    """What a page is made of."""
    with closing(Reader(platform.addresses().store.query)) as reader:
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(runs):
            for name, took, own in _once(reader, member):
                found.setdefault(name, []).append((took, own))
    print("\nthe steps of one page, ms                wall  own CPU (medians)")
    for name, every in found.items():
        wall, own = (1e3 * median(one) for one in zip(*every, strict=True))
        print(f"  {name:34} {wall:8.1f} {own:8.1f}")


def _once(reader: Reader, member: str) -> Sequence[tuple[str, float, float]]:
    known = courses()
    loyalty, steps = known.loyalty, []

    def step(name: str, work: Callable[[], Any]) -> Any:
        began, began_own = perf_counter(), thread_time()
        result = work()
        steps.append((name, perf_counter() - began, thread_time() - began_own))
        return result

    with reader.reading("default") as reading:
        book = step("rules, read and made ready (once)", lambda: known.ruled(reading)).book(
            loyalty.course
        )
        group = step("whose it is", lambda: group_of(reading, member))
        leaves = known.leaves(reading, group)
        ledger = step("ledger rows", lambda: reading.rows(LEDGER, leaves=leaves))
        orders = step("order rows", lambda: reading.rows(ORDERS, leaves=leaves))
    decode = msgspec.msgpack.Decoder(Order).decode

    def entries() -> list[Any]:
        rows = [LedgerRow._make(row) for row in ledger]
        made = [entry for _, entry in standing(loyalty.ledger, rows)]
        for (facts,) in orders:
            made += loyalty.ledger.entries_of(decode(facts))
        return sorted(made, key=loyalty.ledger.key)

    in_order = step("entries, decoded and sorted", entries)
    now = datetime.now(UTC)
    step("posting, and the lines", lambda: loyalty.statement(book).go_on(in_order, now))
    return steps


def _timed(client: httpx.Client, path: str, headers: dict[str, str]) -> float:
    began = perf_counter()
    answer = client.get(path, headers=headers)
    took = perf_counter() - began
    assert answer.status_code == httpx.codes.OK
    return took


def _print(name: str, took: Sequence[float]) -> None:
    p50, p95 = 1e3 * median(took), 1e3 * quantiles(took, n=20)[-1]
    verdict = "" if p95 <= TARGET_MS else f"  MISSED: target {TARGET_MS:.0f}"
    print(f"{name:26} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms{verdict}")


def _day(ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()


if __name__ == "__main__":
    main()
