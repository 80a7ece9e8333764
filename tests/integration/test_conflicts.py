"""One id with two bodies, and records that can't be read: the first stands, and nothing waits."""

from collections.abc import Iterator

import msgspec
import pytest

from schemas import Data
from schemas.envelope import Recorded
from services.fold.take import CONFLICT
from services.log.port import CONTROL, Entry, partition_of
from services.store.account import Account
from services.store.urls import Urls
from tests.histories import entry
from tests.integration.folding import Engine, an_engine

LETTERS = 'SELECT reason, event_id, partition, "offset" FROM dead_letter ORDER BY letter_id'
CUSTOMERS = """
    SELECT value, families FROM identifier JOIN customer USING (customer_id) ORDER BY value
"""
PEOPLE = [f"user:{number}" for number in range(30)]


@pytest.fixture
def engine(urls: Urls) -> Iterator[Engine]:
    with an_engine(urls) as engine:
        yield engine


@pytest.fixture
def two_bodies(engine: Engine) -> tuple[Recorded[Data], Recorded[Data]]:
    """One id told twice; who reads the log from its lowest partition meets the second first."""
    history, partitions = engine.history, engine.log.partitions
    people = sorted(PEOPLE, key=lambda name: partition_of(history.hash(name), partitions))
    history.called(people[-1], id_="c-1", body="kept")
    history.called(people[0], id_="c-1", body="lost")
    kept, lost = history.events
    assert partition_of(lost.leaf, partitions) < partition_of(kept.leaf, partitions)
    return kept, lost


def test_the_first_body_stands_and_the_other_is_a_dead_letter(engine: Engine) -> None:
    engine.history.called("user:1", id_="c-1")
    engine.history.bought("o-1", 5_00, "user:1", id_="c-1", body="another")
    engine.append(engine.history.events)

    engine.fold()

    assert [row[:2] for row in engine.rows(LETTERS)] == [(CONFLICT, "c-1")]
    assert engine.rows(CUSTOMERS) == [("1", {"call": 1})]
    assert engine.rows("SELECT reason FROM skipped") == [("conflict",)]
    assert engine.account() == Account(2, applied=1, duplicate=0, dead_lettered=1, in_flight=0)


def test_the_log_is_told_once_who_lost_however_often_it_comes(
    engine: Engine, two_bodies: tuple[Recorded[Data], Recorded[Data]]
) -> None:
    kept, lost = two_bodies
    for event in (kept, lost, kept, lost, lost):
        engine.append([event])
        engine.fold()

    waiting = engine.rows("SELECT event FROM outbox")
    appended = engine.relay()
    engine.fold()

    assert [msgspec.json.decode(event)["type"] for (event,) in waiting] == ["event.conflicted"]
    assert appended == 1
    assert engine.log.ends()[CONTROL] == 1
    assert engine.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert engine.account() == Account(6, applied=2, duplicate=1, dead_lettered=3, in_flight=0)
    assert engine.verified().is_ok


def test_what_was_relayed_and_not_taken_out_is_relayed_again_without_harm(
    engine: Engine, two_bodies: tuple[Recorded[Data], Recorded[Data]]
) -> None:
    for event in two_bodies:
        engine.append([event])
        engine.fold()
    ((event,),) = engine.rows("SELECT event FROM outbox")
    engine.relay()
    engine.rows(
        f"INSERT INTO outbox (workspace, event) VALUES ('shop', '\\x{event.hex()}') RETURNING 1"
    )

    engine.relay()
    engine.fold()

    assert engine.log.ends()[CONTROL] == 2
    assert engine.account() == Account(4, applied=2, duplicate=1, dead_lettered=1, in_flight=0)


def test_a_rebuild_keeps_the_winner_in_whatever_batches_and_partitions_it_reads(
    engine: Engine, two_bodies: tuple[Recorded[Data], Recorded[Data]]
) -> None:
    for event in two_bodies:
        engine.append([event])
        engine.fold()
    engine.relay()
    engine.fold()
    before = engine.digests(), engine.rows(CUSTOMERS), engine.rows(LETTERS)

    engine.rebuild()

    assert (engine.digests(), engine.rows(CUSTOMERS), engine.rows(LETTERS)) == before
    assert engine.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert engine.verified().is_ok


def test_a_rebuild_keeps_the_winner_though_the_log_was_not_told_yet(
    engine: Engine, two_bodies: tuple[Recorded[Data], Recorded[Data]]
) -> None:
    for event in two_bodies:
        engine.append([event])
        engine.fold()
    before = engine.digests()

    verified = engine.verified()
    engine.rebuild()

    assert verified.is_ok
    assert engine.digests() == before


def test_garbage_and_what_can_t_be_opened_are_dead_letters_that_nothing_waits_behind(
    engine: Engine,
) -> None:
    history, partitions = engine.history, engine.log.partitions
    history.described({"name": "Ada"}, "user:1", id_="flipped")
    history.described({"city": "Ulm"}, "user:1", id_="good")
    flipped, good = history.events
    partition = partition_of(good.leaf, partitions)
    engine.log.append(
        [
            Entry(partition, b"\xff\x00 of Ada, no event"),
            Entry(partition, b'{"type":"purchase.completed","version":1}'),
            Entry(partition, b'{"type":"purchase.undone","version":1}'),
            entry(_flipped(flipped), partitions),
            Entry(CONTROL, b"[]"),
            entry(good, partitions),
        ]
    )

    engine.fold()

    letters = engine.rows(LETTERS)
    assert {(row[2], row[3]) for row in letters} == {
        *((partition, offset) for offset in range(4)),
        (CONTROL, 0),
    }
    assert [row[1] for row in letters if "can't be opened" in row[0]] == ["flipped"]
    assert engine.rows("SELECT traits #>> '{city,0}', families FROM customer") == [
        ("Ulm", {"customer": 1})
    ]
    assert engine.account() == Account(6, applied=1, duplicate=0, dead_lettered=5, in_flight=0)
    assert not engine.rows("SELECT FROM dead_letter WHERE position('Ada'::bytea IN ciphertext) > 0")
    assert engine.verified().is_ok


def _flipped(event: Recorded[Data]) -> Recorded[Data]:
    """The event with one bit of its sealed part turned over."""
    assert event.sealed
    ciphertext = bytearray(event.sealed.ciphertext)
    ciphertext[-1] ^= 1
    sealed = msgspec.structs.replace(event.sealed, ciphertext=bytes(ciphertext))
    return msgspec.structs.replace(event, sealed=sealed)
