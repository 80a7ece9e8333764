"""Where the time between an answer and its alert goes, by when PostgreSQL committed each step.

The server keeps the time of each commit (``track_commit_timestamp``), so nothing has to be written
into the platform to trace it: rows that an answer left tell afterwards when they were committed.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import quantiles
from typing import Final, NamedTuple

import psycopg

from tests.integration.running import RunningPlatform

_LOGGED: Final = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM touchline.log_batch
    WHERE partition = %s AND first_offset < %s ORDER BY first_offset DESC LIMIT 1
"""
_FOLDED: Final = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM live.identifier
    WHERE identifier = %s
"""
_SCORED: Final = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM touchline.alert
    WHERE alert_id = %s
"""


class Answer(NamedTuple):
    """One answer and its alert, as the client saw them; times are of the clock on the wall."""

    began_s: float
    posted_s: float
    """When the post was answered."""
    read_s: float
    """When the alert was read."""
    partition: int
    event_end: int
    """The offset behind the event, and behind its alert."""
    alert_end: int
    alert_id: str
    customer: str


STEPS: Final = (
    "accepted and in the log",
    "folded",
    "scored",
    "the alert in the log",
    "on the stream",
)


def keep_commit_times(platform: RunningPlatform) -> None:
    """Have the server keep them, from its next start on."""
    with psycopg.connect(platform.addresses().store.owner, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")


def trace(platform: RunningPlatform, answers: Sequence[Answer]) -> None:
    """Print how long each step took, from the commit before it to its own."""
    with psycopg.connect(platform.addresses().store.owner) as connection:
        ways = [_way(connection, one) for one in answers]
    for step, took in zip(STEPS, zip(*ways, strict=True), strict=True):
        cut = quantiles(took, n=100)
        figures = "".join(f"{cut[at - 1] * 1000:9.1f}" for at in (50, 95, 99))
        print(f"  {step:24}{figures}")


def _way(connection: psycopg.Connection[tuple[float]], one: Answer) -> list[float]:
    def at_s(query: str, *named: object) -> float:
        row = connection.execute(query.encode(), named).fetchone()
        assert row is not None, (query, named)
        return row[0]

    times = [
        one.began_s,
        at_s(_LOGGED, one.partition, one.event_end),
        at_s(_FOLDED, one.customer),
        at_s(_SCORED, one.alert_id),
        at_s(_LOGGED, one.partition, one.alert_end),
        one.read_s,
    ]
    return [after - before for before, after in pairwise(times)]
