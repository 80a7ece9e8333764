"""Loyalty: what an entry and a look at a member cost, and statements and members of great length.

    python -m bench.loyalty [--lots 50] [--zone Europe/Berlin]

The default programme, in one process, without a database: CPU time, the best of several runs. A
member has so many open lots, a purchase a week. ``post`` takes in one more entry, ``settle`` tells
the row; decoding and encoding are the state's, as it rests in the store.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from bench.machine import banner
from schemas.rules.loyalty import default_loyalty
from services.projector.projections.loyalty import (
    Book,
    Entry,
    State,
    begin,
    post,
    settle,
    statement,
)

START: Final = datetime(2025, 1, 1, 9, tzinfo=UTC)
RUNS: Final = 7
MEMBERS: Final = 1_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lots", type=int, default=50)
    parser.add_argument("--zone", default="Europe/Berlin")
    arguments = parser.parse_args()
    book = Book([(None, 1, default_loyalty())], [(None, arguments.zone)])
    banner("loyalty")
    state = _posted([_bought(week, 7 * 24 * week) for week in range(arguments.lots)], book)
    encoder = msgspec.msgpack.Encoder(order="sorted")
    decoder = msgspec.msgpack.Decoder(State)
    encoded, hour = encoder.encode(state), 7 * 24 * arguments.lots
    at = START + timedelta(hours=hour)
    print(f"a member with {arguments.lots} open lots: {len(encoded):,} bytes")
    for name, entry in {
        "purchase": _bought(10**6, hour),
        "redemption": _redeemed(10**6, hour),
        "refund": _refunded(arguments.lots - 1, hour),
    }.items():
        _print(f"post a {name}", encoded, decoder, lambda one, new=entry: post(one, new, book))  # type: ignore[misc]
    _print("settle", encoded, decoder, lambda one: settle(one, at, book))
    _print("encode", encoded, decoder, encoder.encode)
    spent = _best(lambda: [decoder.decode(encoded) for _ in range(MEMBERS)])
    print(f"{'decode':20} {1e6 * spent / MEMBERS:9.1f} µs")
    for count in (5_000, 50_000):
        entries = [_redeemed(n, 3 * n) if n % 3 == 0 else _bought(n, 3 * n) for n in range(count)]
        end = START + timedelta(hours=3 * count)
        spent = _best(lambda all_=entries: _posted(all_, book), runs=2)  # type: ignore[misc]
        print(f"{count:6,} entries: state {1e3 * spent:8.0f} ms", end="")
        spent = _best(lambda all_=entries, at=end: statement(all_, book, at), runs=2)  # type: ignore[misc]
        print(f", statement {1e3 * spent:8.0f} ms")


def _posted(entries: Sequence[Entry], book: Book) -> State:
    state = begin()
    for entry in entries:
        state = post(state, entry, book)
    return state


def _bought(number: int, hour: int) -> Entry:
    key = (START + timedelta(hours=hour), "shop", _id(number), ())
    return Entry(key, "purchase", amount_minor=25_50, currency="EUR")


def _redeemed(number: int, hour: int) -> Entry:
    return Entry((START + timedelta(hours=hour), "touchline", _id(number), ()), "redemption", 30)


def _refunded(number: int, hour: int) -> Entry:
    key = (START + timedelta(hours=hour), "shop", f"back-{number}", ())
    return Entry(key, "refund", amount_minor=10_00, purchase=("shop", _id(number)))


def _id(number: int) -> str:
    return f"0192f0c1-7a5e-7b3a-9c1d-{number:012}"


def _print(
    name: str,
    encoded: bytes,
    decoder: msgspec.msgpack.Decoder[State],
    work: Callable[[State], object],
) -> None:
    """The cost of ``work`` on members of their own, as they come from the store."""
    best = float("inf")
    for _ in range(RUNS):
        members = [decoder.decode(encoded) for _ in range(MEMBERS)]
        best = min(best, _best(lambda all_=members: [work(one) for one in all_], runs=1))  # type: ignore[misc]
    print(f"{name:20} {1e6 * best / MEMBERS:9.1f} µs")


def _best(work: Callable[[], object], *, runs: int = RUNS) -> float:
    best = float("inf")
    for _ in range(runs):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


if __name__ == "__main__":
    main()
