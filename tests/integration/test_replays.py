"""Replays: rebuilt while the platform works, killed half-way, and verified row by row."""

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from services.errors import Unavailable
from services.fold.apply import Folds
from services.fold.loop import Loop
from services.log.port import partition_of
from services.log.postgres import PostgresLog
from services.main import app
from services.projector.projections import READ_MODELS
from services.store.account import Account
from services.store.compare import COMPARED
from services.store.postgres import PostgresStore
from services.store.urls import Urls
from tests.histories import History
from tests.integration.folding import MASTER_KEY, Engine, an_engine
from tests.stories import a_story


@pytest.fixture
def engine(urls: Urls) -> Iterator[Engine]:
    with an_engine(urls) as engine:
        yield engine


def story(engine: Engine, seed: int, *, events: int = 200) -> History:
    return a_story(Random(seed), events=events, vault=engine.vault)


def test_what_was_folded_is_what_the_log_says(engine: Engine) -> None:
    engine.append(story(engine, 1).events)
    engine.fold()

    verified = engine.verified()

    assert verified.is_ok
    assert sum(verified.position.values()) == 200
    assert {one.name: one.rows > 0 for one in verified.projections}.items() >= {
        "customer": True,
        "profile": True,
    }.items()


def test_a_rebuild_while_the_platform_works_gives_the_rows_of_all_that_came(engine: Engine) -> None:
    events = story(engine, 2, events=400).events
    engine.append(events[:200])
    engine.fold()
    late = iter([events[at : at + 20] for at in range(200, 400, 20)])

    def more(done: int, total: int) -> None:
        engine.append(next(late, []))

    with Working(engine):
        # Each step of the replay finds that more has come, and the folds busy with it.
        records = engine.rebuild(progress=more)
        for rest in late:
            engine.append(rest)
        engine.rebuild()
    engine.fold()

    assert 200 < records <= 400
    assert engine.account() == Account(400, 400, 0, 0, 0)
    assert engine.verified().is_ok


class Working:
    """The folds at work in a thread of their own, as in the engine process."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._stop = engine, threading.Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> None:
        self._working = self._pool.submit(self._work)

    def __exit__(self, *failure: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        self._working.result()

    def _work(self) -> None:
        urls, vault = self._engine.urls, self._engine.vault
        with closing(PostgresLog(urls.fold)) as log, closing(PostgresStore(urls.fold)) as store:
            Loop(Folds(READ_MODELS, vault), log, store).run(self._stop)


def test_a_thousand_merges_and_splits_are_what_the_log_says(engine: Engine) -> None:
    chance, history = Random(3), engine.history
    people = [f"user:{number}" for number in range(150)]
    for number, person in enumerate(people):
        history.bought(f"o-{number}", 1_00, person, at=number)
    for number in range(1_000):
        one, other = chance.sample(people, 2)
        if number % 3:
            history.merged(one, other, at=chance.randrange(10_000))
        else:
            history.split([one], [other], at=chance.randrange(10_000))

    for first in range(0, len(history.events), 100):
        engine.append(history.events[first : first + 100])
        engine.fold()

    assert engine.account() == Account(1_150, 1_150, 0, 0, 0)
    assert engine.verified().is_ok
    assert engine.rows("SELECT sum((spend_minor ->> 'EUR')::int) FROM customer") == [(150_00,)]


TAMPERED = [
    ("customer", "UPDATE customer SET orders = orders + 1 WHERE customer_id = '{ada}'"),
    ("customer", "DELETE FROM customer WHERE customer_id = '{ada}'"),
    ("profile", "UPDATE profile SET facts = facts || '\\x00' WHERE leaf = '{ada}'"),
    ("profile", "DELETE FROM profile WHERE leaf = '{ada}'"),
    ("identifier", "UPDATE identifier SET value = 'eve' WHERE identifier = '{ada}'"),
    ("identifier", "UPDATE identifier SET is_common = true WHERE identifier = '{ada}'"),
    ("edge", "UPDATE edge SET is_refused = true WHERE a = '{ada}'"),
    ("edge", "DELETE FROM edge WHERE a = '{ada}'"),
]


@pytest.mark.parametrize(("table", "tampering"), TAMPERED)
def test_a_row_that_somebody_changed_is_named_with_an_event_behind_it(
    engine: Engine, table: str, tampering: str
) -> None:
    ada, bo = sorted(("user:1", "user:2"), key=engine.history.hash)
    engine.history.bought("o-1", 5_00, ada, "email:ada@x.org", id_="first")
    engine.history.bought("o-2", 5_00, bo, "email:bo@x.org")
    engine.append(engine.history.events)
    engine.fold()

    engine.rows(tampering.format(ada=engine.history.hash(ada)))
    difference, behind = engine.verified().difference, engine.verified().behind

    partition = partition_of(engine.history.hash(ada), engine.log.partitions)
    assert difference
    assert (difference.table, difference.key) == (table, engine.history.hash(ada))
    assert difference.live != difference.replayed
    assert (difference.live is None) == tampering.startswith("DELETE")
    assert behind
    assert behind.startswith("test first at ")
    assert behind.split()[-1].startswith(f"{partition}:")


def test_an_order_that_somebody_changed_and_a_row_that_nobody_told(engine: Engine) -> None:
    engine.history.bought("o-1", 5_00, "user:1", id_="first")
    engine.append(engine.history.events)
    engine.fold()

    engine.rows("UPDATE purchase_order SET facts = facts || '\\x00'")
    changed = engine.verified()
    engine.rebuild()
    engine.rows(f"INSERT INTO profile VALUES ('{'0' * 32}', 'shop', '\\x90')")
    invented = engine.verified()

    assert changed.difference
    assert changed.difference.table == "purchase_order"
    assert [one.name for one in changed.projections] == [*COMPARED], "what comes behind it too"
    assert changed.behind
    assert changed.behind.startswith("test first at ")
    assert invented.difference
    assert (invented.difference.key, invented.difference.replayed) == ("0" * 32, None)
    assert invented.behind is None


def test_a_rebuild_puts_right_what_somebody_changed(engine: Engine) -> None:
    engine.append(story(engine, 4).events)
    engine.fold()
    before = engine.digests()
    engine.rows("UPDATE customer SET orders = orders + 1")

    engine.rebuild()

    assert engine.digests() == before


OWNERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user
"""


@pytest.mark.parametrize("at_step", [1, 2, 3, 4])
def test_a_rebuild_killed_half_way_leaves_the_live_rows_and_the_next_one_works(
    engine: Engine, at_step: int
) -> None:
    events = story(engine, 5).events
    engine.append(events[:150])
    engine.fold()
    steps = itertools.count(1)

    def killed(done: int, total: int) -> None:
        match next(steps):
            case step if step == at_step:
                raise KeyboardInterrupt
            case 1:
                # So that there is something to catch up with while the live rows are held.
                engine.append(events[150:])
                engine.fold()

    with pytest.raises(KeyboardInterrupt):
        engine.rebuild(progress=killed)

    assert engine.verified().is_ok
    before = engine.digests()
    assert engine.rebuild() == len(events[: 150 if at_step == 1 else 200])
    assert engine.digests() == before


def test_a_rebuild_that_the_database_cut_off_leaves_the_live_rows(engine: Engine) -> None:
    events = story(engine, 6).events
    engine.append(events[:150])
    engine.fold()
    late = iter([events[150:]])

    def cut_off(done: int, total: int) -> None:
        if more := next(late, None):
            engine.append(more)
            engine.fold()
        else:
            engine.rows(OWNERS)

    with pytest.raises(Unavailable):
        engine.rebuild(progress=cut_off)

    assert engine.verified().is_ok
    assert engine.account() == Account(200, 200, 0, 0, 0)
    assert engine.rebuild() == 200


def test_what_only_a_rebuild_has_seen_still_becomes_a_dead_letter(engine: Engine) -> None:
    engine.history.called("user:1", id_="c-1")
    engine.history.called("user:1", id_="c-1", body="another")
    engine.append(engine.history.events[:1])
    engine.fold()
    engine.append(engine.history.events[1:])

    engine.rebuild()
    engine.fold()

    assert engine.rows("SELECT event_id FROM dead_letter") == [("c-1",)]
    assert engine.rows("SELECT count(*) FROM outbox") == [(1,)]


def test_the_command_line_verifies_and_says_what_to_do(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "STORE_URL": engine.urls.owner,
        "STORE_FOLD_URL": engine.urls.fold,
        "STORE_QUERY_URL": engine.urls.query,
        "MASTER_KEY": MASTER_KEY.hex(),
        "DATA_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"TOUCHLINE_{name}", value)
    engine.history.bought("o-1", 5_00, "user:1", id_="first")
    engine.append(engine.history.events)
    engine.fold()

    green = CliRunner().invoke(app, ["verify", "--json"])
    engine.rows("UPDATE customer SET orders = 7")
    red = CliRunner().invoke(app, ["verify", "--json"])
    told = CliRunner().invoke(app, ["verify"])
    rebuilt = CliRunner().invoke(app, ["rebuild", "--json"])
    again = CliRunner().invoke(app, ["verify", "--json"])

    assert (green.exit_code, json.loads(green.stdout)["ok"]) == (0, True)
    assert json.loads(green.stdout)["first_difference"] is None
    assert (red.exit_code, json.loads(red.stdout)["ok"]) == (1, False)
    found = json.loads(red.stdout)["first_difference"]
    assert (found["table"], found["key"]) == ("customer", engine.history.hash("user:1"))
    assert found["event"].startswith("test first at ")
    assert told.exit_code == 1
    assert "touchline rebuild" in told.stdout
    assert json.loads(rebuilt.stdout) == {"records": 1}
    assert (again.exit_code, json.loads(again.stdout)["ok"]) == (0, True)
