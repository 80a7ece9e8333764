"""Known ids, told by several writers at once: one counts once, whichever partition it comes in."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from random import Random
from threading import Barrier
from typing import Final

import psycopg
import pytest

from services.errors import Unavailable
from services.store.holds import Beside
from services.store.postgres import PostgresStore
from services.store.postgres_segments import LARGE
from services.store.programs import until
from services.store.seen import Seen
from services.store.urls import Urls
from tests.contract.seen import hashed

PATIENCE_S: Final = 30.0
ONCE: Final = hashed(range(1))
WRITERS: Final = 3
SIZES: Final = (1, 7, 150, 900, LARGE, 3 * LARGE)
SHARED: Final = 4_000
"""Ids that every writer is given at a time, to each in another order."""
ROUNDS: Final = 6


@pytest.fixture
def stores(urls: Urls) -> Iterator[Sequence[PostgresStore]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(closing(PostgresStore(urls.fold, holds=Beside)))
            for _ in range(WRITERS)
        ]


def take(store: PostgresStore, rows: Sequence[Seen]) -> Sequence[Seen]:
    """A batch, again and again until it commits; what of it was new."""
    for _ in until(PATIENCE_S):
        try:
            with store.transaction() as tx:
                known = tx.seen.drop_known(rows)
        except Unavailable:
            continue
        return [row for index, row in enumerate(rows) if index not in known]
    raise AssertionError("the batch never committed")


def in_partition(rows: Sequence[Seen], partition: int) -> list[Seen]:
    return [row._replace(partition=partition) for row in rows]


def is_waited_for(urls: Urls) -> bool:
    """Whether somebody waits for a lock now."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    with psycopg.connect(urls.owner) as connection:
        return connection.execute(query).fetchone() != (0,)


@pytest.mark.parametrize("mine", [0, 2 * LARGE], ids=["few", "many"])
@pytest.mark.parametrize("theirs", [0, 2 * LARGE], ids=["beside few", "beside many"])
def test_an_id_that_two_take_in_at_once_counts_once(
    stores: Sequence[PostgresStore], urls: Urls, mine: int, theirs: int
) -> None:
    one, other = stores[:2]
    ours = [*in_partition(ONCE, 1), *hashed(range(10, 10 + mine))]
    others = [*in_partition(ONCE, 2), *hashed(range(90_000, 90_000 + theirs))]
    new: list[Seen] = []

    taking: list[Future[Sequence[Seen]]] = []
    with ThreadPoolExecutor(1) as threads:
        try:
            with one.transaction() as tx:
                assert tx.seen.drop_known(ours) == {}
                taking.append(threads.submit(take, other, others))
                assert any(taking[0].done() or is_waited_for(urls) for _ in until(PATIENCE_S))
            new += ours
        except Unavailable:
            new += take(one, ours)
        new += taking[0].result(PATIENCE_S)

    assert len(new) == len({row.id_hash for row in new}) == 1 + mine + theirs
    [stands] = [row for row in new if row.id_hash == ONCE[0].id_hash]
    with stores[2].transaction() as tx:
        assert tx.seen.drop_known(in_partition(ONCE, 3)) == {0: stands}


def test_ids_that_are_given_to_all_writers_are_new_to_one_of_them(
    stores: Sequence[PostgresStore], urls: Urls
) -> None:
    rows = hashed(range(ROUNDS * SHARED))
    together = Barrier(WRITERS)

    def write(number: int) -> Sequence[Seen]:
        chance, new = Random(number), list[Seen]()
        for begin in range(0, len(rows), SHARED):
            left = in_partition(rows[begin : begin + SHARED], number)
            chance.shuffle(left)
            together.wait(PATIENCE_S)
            while left:
                size = chance.choice(SIZES)
                new += take(stores[number], left[:size])
                del left[:size]
        return new

    with ThreadPoolExecutor(WRITERS) as threads:
        taken = [row for new in threads.map(write, range(WRITERS)) for row in new]

    assert Counter(row.id_hash for row in taken) == {row.id_hash: 1 for row in rows}
    assert len({row.partition for row in taken}) > 1
    stands = {row.id_hash: row for row in taken}
    with closing(PostgresStore(urls.fold)) as store, store.transaction() as tx:
        known = tx.seen.drop_known(rows)
    assert known == {index: stands[row.id_hash] for index, row in enumerate(rows)}
