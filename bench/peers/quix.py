"""Quix Streams, in an environment of its own (quix.txt).

    python -m bench.peers.quix SERVER GROUP TOPIC sql STORE_URL EVENTS
    python -m bench.peers.quix SERVER GROUP TOPIC state LEDGER FOLDER

With ``sql`` each event is a transaction in PostgreSQL; it prints when the last of ``EVENTS`` was
committed. With ``state`` known ids and profiles are in its RocksDB, exactly once, and the ledger is
a topic. Both print when the first was at hand.
"""

import sys
import time
from typing import Any

import psycopg
from quixstreams import Application, State

from bench.peers.events import POINT_MINOR
from bench.peers.sql import APPEND, COUNT, IS_NEW

Event = dict[str, Any]


class InTables:
    """One transaction an event."""

    def __init__(self, url: str, count: int) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._left = count

    def fold(self, event: Event) -> None:
        """Count it, unless it is known."""
        connection, amount_minor = self._connection, event["amount_minor"]
        with connection.transaction():
            if connection.execute(IS_NEW, (event["id"],)).rowcount:
                customer = event["customer"]
                connection.execute(COUNT, (customer, amount_minor, event["occurred_ms"]))
                connection.execute(APPEND, (event["id"], customer, amount_minor // POINT_MINOR))
        self._left -= 1
        if not self._left:
            told("ended")


def in_state(event: Event, state: State) -> Event | None:
    """The event's line of the ledger; none where it is known. State is of the event's key."""
    if state.exists(event["id"]):
        return None
    state.set(event["id"], 1)
    amount_minor = event["amount_minor"]
    events, spend_minor, last_ms = state.get("profile", (0, 0, 0))
    profile = (events + 1, spend_minor + amount_minor, max(last_ms, event["occurred_ms"]))
    state.set("profile", profile)
    return {
        "id": event["id"],
        "customer": event["customer"],
        "points": amount_minor // POINT_MINOR,
    }


def told(what: str) -> None:
    """Say that it happened now."""
    print(f"{what} {time.time():.3f}", flush=True)


def once(event: Event) -> Event:
    """Say that the first event is at hand."""
    if not _BEGUN:
        _BEGUN.append(event)
        told("began")
    return event


_BEGUN: list[Event] = []


def main() -> None:
    """Fold until told to end."""
    server, group, topic, where, *given = sys.argv[1:]
    is_sql = where == "sql"
    app = Application(
        broker_address=server,
        consumer_group=group,
        auto_offset_reset="earliest",
        auto_create_topics=not is_sql,
        processing_guarantee="at-least-once" if is_sql else "exactly-once",
        commit_interval=1.0,
        state_dir="unused" if is_sql else given[1],
        loglevel="WARNING",
    )
    events = app.dataframe(app.topic(topic, value_deserializer="json")).apply(once)
    if is_sql:
        events.update(InTables(given[0], int(given[1])).fold)
    else:
        lines = events.apply(in_state, stateful=True).filter(lambda line: line is not None)
        lines.to_topic(app.topic(given[0], value_serializer="json"))
    app.run()


if __name__ == "__main__":
    main()
