"""The lane of alerts through the outbox: past everything else, and in order among themselves."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import psycopg
import pytest

from schemas import AlertClosed, AlertRaised, Control, TierChanged
from services.commands.relay import CHUNK, Append, relay, relay_alerts
from services.errors import Unavailable
from services.fold.decisions import decision
from services.store.outbox import PostgresOutbox
from services.store.urls import Urls

ADA = "0" + "a" * 31
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Room:
    """An outbox with rows, and what was appended of it."""

    def __init__(self, urls: Urls, outbox: PostgresOutbox) -> None:
        self.urls, self.outbox = urls, outbox
        self.appended: list[str] = []

    def decide(self, *decided: tuple[str, Control]) -> None:
        """Put decisions into the outbox, under these ids."""
        rows = [
            ("shop", decision(data, id_=id_, occurred_at=NOON, identifiers=[ADA]))
            for id_, data in decided
        ]
        with psycopg.connect(self.urls.fold) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO touchline.outbox (workspace, event) VALUES (%s, %s)", rows
            )

    def append(self, posted: Sequence[tuple[str, bytes]]) -> None:
        """As the log would."""
        self.appended += [event.split(b'"')[3].decode() for _, event in posted]

    def waiting(self) -> list[str]:
        """The ids of what is left."""
        return [event.split(b'"')[3].decode() for _, _, event in self.outbox.waiting(1_000)]


@pytest.fixture
def room(urls: Urls) -> Iterator[Room]:
    with closing(PostgresOutbox(urls.fold)) as outbox:
        yield Room(urls, outbox)


def tier(note: str = "gold") -> TierChanged:
    return TierChanged(customer_id=ADA, tier=note, policy_version=1)


def raised(alert_id: str) -> AlertRaised:
    return AlertRaised(
        customer_id=ADA, alert_id=alert_id, rule="detractor", policy_version=1, severity="warning"
    )


def closed(alert_id: str) -> AlertClosed:
    return AlertClosed(alert_id=alert_id, by="touchline", reason="passed")


def test_alerts_pass_what_waits_and_never_each_other(room: Room) -> None:
    room.decide(*((f"t{number}", tier()) for number in range(2 * CHUNK)))
    room.decide(("r1", raised("1")), ("t", tier()), ("c1", closed("1")), ("r2", raised("2")))

    assert relay(room.outbox, room.append) == CHUNK

    assert room.appended[:5] == ["r1", "c1", "r2", "t0", "t1"]
    while relay(room.outbox, room.append):
        pass
    assert room.appended[3:] == [*(f"t{number}" for number in range(2 * CHUNK)), "t"]


def test_the_lane_alone_takes_nothing_else(room: Room) -> None:
    room.decide(("t1", tier()), ("r1", raised("1")), ("t2", tier('"type":"alert.raised"')))

    assert relay_alerts(room.outbox, room.append) == 1
    assert relay_alerts(room.outbox, room.append) == 0

    assert (room.appended, room.waiting()) == (["r1"], ["t1", "t2"])


def test_what_could_not_be_appended_waits_in_its_place(room: Room) -> None:
    room.decide(("r1", raised("1")), ("c1", closed("1")))

    def away(_: Sequence[tuple[str, bytes]]) -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        relay_alerts(room.outbox, away)

    relay(room.outbox, room.append)
    assert room.appended == ["r1", "c1"]


def test_two_relays_beside_each_other_append_each_once_and_in_order(room: Room) -> None:
    alerts = [(f"{kind}{n}", n) for n in range(150) for kind in ("r", "c")]
    room.decide(
        *((id_, raised(str(n)) if id_[0] == "r" else closed(str(n))) for id_, n in alerts),
        *((f"t{number}", tier()) for number in range(300)),
    )
    start = threading.Barrier(2)

    def work(outbox: PostgresOutbox, step: Append) -> None:
        start.wait()
        for _ in range(20):
            relay(outbox, step)
            relay_alerts(outbox, step)

    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        other = stack.enter_context(closing(PostgresOutbox(room.urls.fold)))
        for each in [threads.submit(work, one, room.append) for one in (room.outbox, other)]:
            each.result()

    assert [one for one in room.appended if one[0] != "t"] == [id_ for id_, _ in alerts]
    assert [one for one in room.appended if one[0] == "t"] == [f"t{n}" for n in range(300)]


def test_a_relay_that_is_cut_off_amid_its_work_gives_its_place_away(room: Room) -> None:
    room.decide(("r1", raised("1")))
    with ExitStack() as stack:
        other = stack.enter_context(closing(PostgresOutbox(room.urls.fold)))

        def cut(posted: Sequence[tuple[str, bytes]]) -> None:
            room.append(posted)
            with psycopg.connect(room.urls.owner, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'touchline-relay' AND datname = current_database()"
                )
            # Where it was, another goes on: the id makes its second copy harmless.
            relay_alerts(other, room.append)

        relay_alerts(room.outbox, cut)

    assert room.appended == ["r1", "r1"]
    assert room.waiting() == []
