"""The seen port as a log-structured index keeps its promises, and its runs are merged."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from services.errors import Unavailable
from services.store.connect import open_connection
from services.store.merging import FAN_IN
from services.store.port import Store
from services.store.postgres import PostgresStore
from services.store.postgres_balances import PostgresBalances
from services.store.postgres_segments import LARGE, MOST_YOUNG, YOUNG
from services.store.rows import insert
from services.store.shadow import Shadow
from services.store.statements import TABLES
from services.store.urls import Urls
from tests.contract.seen import SeenContract, hashed, pieces

IDS: Final = """
    SELECT (SELECT count(*) FROM seen_young)
           + (SELECT coalesce(sum(length(ids) / 42), 0) FROM seen_page),
           (SELECT count(*) FROM seen_young), (SELECT count(*) FROM seen_run),
           (SELECT count(*) FROM seen_run WHERE filled < 1::bigint << 31),
           (SELECT sum(ids) FROM seen_run WHERE filled > 0)
"""


class TestPostgresSegments(SeenContract):
    """Inherits the contract."""

    @pytest.fixture
    def again(self, urls: Urls) -> Iterator[Callable[[], Store]]:
        """Over the same rows, with a memory of its own."""
        with ExitStack() as stack:
            yield lambda: stack.enter_context(closing(PostgresStore(urls.fold)))

    @pytest.fixture
    def store(self, again: Callable[[], Store]) -> Store:
        """On a fresh database."""
        return again()


@pytest.fixture
def store(urls: Urls) -> Iterator[PostgresStore]:
    with closing(PostgresStore(urls.fold)) as store:
        yield store


def take(store: PostgresStore, *numbers: int) -> int:
    """How many of the ids with these numbers, from one to before the other, are known."""
    with store.transaction() as tx:
        return len(tx.seen.drop_known(hashed(range(*numbers))))


def counted(urls: Urls) -> dict[str, int]:
    with psycopg.connect(urls.owner, options="-c search_path=live") as connection:
        row = connection.execute(IDS).fetchone()
        assert row is not None
        return dict(zip(("ids", "rows", "runs", "merging", "in_runs"), row, strict=True))


def test_small_batches_are_rows_until_there_are_many(store: PostgresStore, urls: Urls) -> None:
    step = LARGE // 2
    for number in range(0, YOUNG - step, step):
        take(store, number, number + step)
    before = counted(urls)

    take(store, YOUNG - step, YOUNG)

    assert (before["rows"], before["runs"]) == (YOUNG - step, 0)
    assert counted(urls) | {"merging": 0} == {
        "ids": YOUNG, "rows": 0, "runs": 1, "merging": 0, "in_runs": YOUNG,
    }  # fmt: skip


def test_each_id_lies_in_one_place_however_many_were_merged(
    store: PostgresStore, urls: Urls
) -> None:
    ever = 3 * FAN_IN * LARGE
    for number in range(0, ever, LARGE):
        assert take(store, number, number + LARGE) == 0

    found = counted(urls)

    assert found["ids"] == ever
    assert found["runs"] < 2 * FAN_IN
    assert take(store, 0, ever) == ever


def test_whoever_takes_over_ends_a_merge_that_was_begun(store: PostgresStore, urls: Urls) -> None:
    size, ever = 2 * YOUNG, 0
    while not counted(urls)["merging"]:
        take(store, ever, ever + size)
        ever += size
    runs = counted(urls)["runs"]

    with closing(PostgresStore(urls.fold)) as other:
        assert take(other, 0, YOUNG) == YOUNG
        while counted(urls)["merging"]:
            assert take(other, ever, ever + size) == 0
            ever += size

        assert counted(urls)["runs"] < runs
        assert take(store, 0, ever) == ever == counted(urls)["ids"]


def test_a_table_from_before_there_were_runs_is_known_and_emptied_by_and_by(
    store: PostgresStore, urls: Urls
) -> None:
    old = hashed(range(MOST_YOUNG + YOUNG))
    with open_connection(urls.fold, "test") as connection, connection.cursor() as cursor:
        insert(cursor, TABLES["seen_young"], old)

    assert take(store, len(old) - LARGE, len(old) + 1) == LARGE
    assert take(store, len(old), len(old) + LARGE) == 1
    assert take(store, 0, len(old) + LARGE) == len(old) + LARGE
    assert counted(urls)["rows"] < YOUNG
    assert counted(urls)["ids"] == len(old) + LARGE


def test_a_batch_that_fails_while_runs_are_written_leaves_no_trace(urls: Urls) -> None:
    impatient = make_conninfo(urls.fold, options="-c lock_timeout=50ms")
    with closing(PostgresStore(impatient)) as store:
        for number in range(0, FAN_IN * LARGE - LARGE, LARGE):
            take(store, number, number + LARGE)
        before, ever = counted(urls), FAN_IN * LARGE
        with psycopg.connect(urls.owner) as holder:
            holder.execute("SELECT FROM live.seen_head FOR UPDATE")
            with pytest.raises(Unavailable):
                take(store, ever - LARGE, ever)

        assert counted(urls) == before
        assert take(store, ever - LARGE, ever) == 0
        assert take(store, 0, ever) == ever == counted(urls)["ids"]


def test_who_worked_while_the_tables_were_built_anew_forgets_the_old_ones(
    store: PostgresStore, urls: Urls
) -> None:
    take(store, 0, LARGE)
    shadow = Shadow(urls.owner, "anew")
    shadow.make()
    with closing(PostgresStore(urls.fold, schema="anew")) as replay:
        take(replay, LARGE, 3 * LARGE)
        take(replay, 3 * LARGE, 4 * LARGE)

    with shadow.replacing_live():
        pass

    assert take(store, 0, 4 * LARGE) == 3 * LARGE
    assert counted(urls)["ids"] == 4 * LARGE


def test_a_command_finds_where_an_event_rests_wherever_its_id_lies(
    store: PostgresStore, urls: Urls
) -> None:
    take(store, 0, YOUNG)
    take(store, YOUNG, YOUNG + 10)
    found = counted(urls)

    with closing(PostgresBalances(urls.query)) as balances:
        located = [balances.located(row.id_hash) for row in hashed(range(YOUNG - 10, YOUNG + 11))]

    assert (found["rows"], found["runs"]) == (10, 1)
    assert located[:-1] == [(2, number) for number in range(YOUNG - 10, YOUNG + 10)]
    assert located[-1] is None


def test_ids_are_kept_in_order_and_apart(urls: Urls, store: PostgresStore) -> None:
    rows = hashed(range(3 * LARGE))
    for piece in pieces(rows):
        take(store, piece[0].offset, piece[-1].offset + 1)

    with psycopg.connect(urls.owner) as connection:
        query = "SELECT run, start, ids FROM live.seen_page ORDER BY run, start"
        pages = connection.execute(query).fetchall()

    for run, start, ids in pages:
        hashes = [ids[at : at + 16] for at in range(0, len(ids), 42)]
        following = [one for number, one, _ in pages if number == run and one > start]
        prefixes = [int.from_bytes(one[:4]) >> 1 for one in hashes]
        assert hashes == sorted(hashes)
        assert start <= prefixes[0]
        assert not following or prefixes[-1] < following[0]
