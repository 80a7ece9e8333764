"""Up: what it makes ready, what it leaves, and who finds it."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest

from services.commands.keys import KINDS
from services.data_dir import DataDir, Running, running
from services.errors import Conflict
from services.greeting import greet
from services.plan import Child
from services.ports import claimed_port, free_port
from services.settings import Settings
from services.store.embedded import EmbeddedPostgres
from services.store.programs import until
from services.store.urls import Urls
from services.up import children
from tests.platforms import Platform, is_gone


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[[], Platform]]:
    port = free_port()
    with ExitStack() as started:
        started.callback(EmbeddedPostgres(tmp_path).stop)
        yield lambda: started.enter_context(Platform.up(tmp_path, port))


def test_a_data_directory_is_held_by_one_who_is_named(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)

    with directory.lock("touchline up"), pytest.raises(Conflict, match=rf"pid {os.getpid()}"):
        directory.lock("another")

    directory.lock("later").close()


def test_a_running_platform_is_found_while_its_lock_is_held(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)
    said = Running(os.getpid(), "http://127.0.0.1:8080", "", "2026-11-22T10:00:00+00:00")

    with directory.lock("touchline up"):
        before = running(tmp_path)
        directory.announce(said)
        during = running(tmp_path)

    assert (before, during, running(tmp_path)) == (None, said, None)
    assert running(tmp_path / "nothing") is None
    assert not (tmp_path / "nothing").exists()


def test_a_port_in_use_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Conflict, match=rf"127\.0\.0\.1:{port} .*--port"):
            claimed_port("127.0.0.1", port)


def test_children_are_told_apart_by_what_is_embedded(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)
    elsewhere = Settings(data_dir=tmp_path, archive_url="http://clickhouse:8123")

    assert names(children(Settings(data_dir=tmp_path), directory, sample="")) == [
        *("archive", "engine", "web", "scorer")
    ]
    assert names(children(elsewhere, directory, sample="dunnhumby")) == [
        *("engine", "web", "scorer", "sample")
    ]


def test_keys_are_shown_when_they_are_new_and_in_development_only(
    tmp_path: Path, urls: Urls
) -> None:
    def greeted(environment: Literal["development", "production"]) -> str:
        return greet(
            Settings(
                data_dir=tmp_path,
                port=8099,
                environment=environment,
                store_url=urls.owner,
                store_fold_url=urls.fold,
                master_key="00" * 32,
            ),
            sample="",
        )

    production = greeted("production")
    new = greeted("development")
    later = greeted("development")

    assert "WRITE=tl_write_" in new
    assert all(f"tl_{kind}_" in new for kind in KINDS)
    assert "HERE=http://127.0.0.1:8099" in new
    assert "tl_" not in later + production
    assert "touchline keys create" in later


def test_up_makes_all_ready_shows_keys_and_leaves_nothing_running(
    up: Callable[[], Platform], tmp_path: Path
) -> None:
    platform = up()
    platform.hears("WRITE=tl_write_")

    second = up()
    code, refusal = second.ends()
    found = running(tmp_path)
    platform.process.terminate()

    ended, said = platform.ends()
    assert (code, f"touchline up (pid {platform.process.pid})" in refusal) == (1, True)
    assert found is not None
    assert found.pid == platform.process.pid
    assert all(f"tl_{kind}_" in said for kind in KINDS)
    assert ended == 0
    assert EmbeddedPostgres(tmp_path).postmaster() is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_killed_up_leaves_the_database_and_the_next_one_adopts_it(
    up: Callable[[], Platform], tmp_path: Path
) -> None:
    first = up()
    web = int(first.hears("began web")[2])
    first.hears("Bearer")
    database = EmbeddedPostgres(tmp_path).postmaster()

    first.process.kill()
    first.process.wait()

    assert is_gone(web)
    second = up()
    second.hears("touchline keys create")
    assert database is not None
    assert EmbeddedPostgres(tmp_path).postmaster() == database
    assert "tl_write" not in " ".join(second.said)


def test_a_killed_database_is_brought_back(up: Callable[[], Platform], tmp_path: Path) -> None:
    platform = up()
    platform.hears("Bearer")
    before = EmbeddedPostgres(tmp_path).postmaster()
    assert before is not None

    os.kill(before.pid, signal.SIGKILL)
    platform.hears("postgres.ended")

    found = (EmbeddedPostgres(tmp_path).postmaster() for _ in until(10, every_s=0.1))
    assert any(it is not None and it.is_ready and it.pid != before.pid for it in found)


def names(found: Sequence[Child]) -> list[str]:
    return [it.name for it in found]
