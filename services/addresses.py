"""Addresses: where store, log and archive are, by settings or by the data directory."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import IO
from urllib.parse import quote

from services.archive.access import Access
from services.data_dir import DataDir
from services.errors import Unavailable
from services.ports import free_port
from services.settings import Settings
from services.store.embedded import EmbeddedPostgres
from services.store.urls import Urls
from services.vault.master import load_or_make_master_key, parse_master_key

ARCHIVE_USER = "touchline"


@dataclass(frozen=True, slots=True, repr=False)
class Addresses:
    """All that a process needs to reach the others; holds passwords, so it is never shown."""

    store: Urls
    log: str
    """``kafka://…``, or the store's own database."""
    archive: Access
    master_key: bytes


def find(settings: Settings) -> Addresses:
    """Addresses of the platform that ``settings`` name; ``Unavailable`` if it doesn't run."""
    if settings.store_url:
        store = _external(settings)
    elif (found := EmbeddedPostgres(settings.data_dir).urls()) is not None:
        store = found
    else:
        raise Unavailable(f"no platform runs in {settings.data_dir}; start it with: touchline up")
    return addresses(settings, store)


@contextmanager
def borrow(settings: Settings) -> Iterator[Addresses]:
    """Addresses for one command: of the platform that runs, else of a database started for it.

    Whoever leaves last stops the database, unless the platform runs.
    """
    with borrow_store(settings) as store:
        yield addresses(settings, store)


@contextmanager
def borrow_store(settings: Settings) -> Iterator[Urls]:
    """As ``borrow``, for what needs no archive."""
    if settings.store_url:
        yield _external(settings)
        return
    directory = DataDir.at(settings.data_dir)
    with using(directory) as users:
        try:
            yield EmbeddedPostgres(directory).start()
        finally:
            _leave(directory, users)


@contextmanager
def using(directory: DataDir) -> Iterator[IO[str]]:
    """Keep others from stopping the database, which may yet have to be started."""
    with _users(directory) as users:
        flock(users, LOCK_SH)
        yield users


def release(directory: DataDir) -> None:
    """Stop the database as the platform ends; commands that still use it stop it later."""
    with _users(directory) as users:
        _leave(directory, users, is_platform=True)


def _users(directory: DataDir) -> IO[str]:
    """Locked by everybody who uses the database, for as long as they do."""
    return (directory.run / "postgres.users").open("a")


def _leave(directory: DataDir, users: IO[str], *, is_platform: bool = False) -> None:
    try:
        flock(users, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return
    if is_platform or not directory.is_locked():
        EmbeddedPostgres(directory).stop()


def addresses(settings: Settings, store: Urls) -> Addresses:
    """Addresses once it is known where the store is; makes the master key where there is none."""
    return Addresses(
        store,
        settings.log_url or store.fold,
        archive_access(
            settings,
            settings.archive_url or embedded_archive(DataDir.at(settings.data_dir)).url,
        ),
        _master_key(settings),
    )


def resolved(settings: Settings, found: Addresses) -> Settings:
    """``settings`` with what was left to us filled in, as processes of the platform get them."""
    return with_store(settings, found.store).model_copy(update={"archive_url": found.archive.url})


def with_store(settings: Settings, store: Urls) -> Settings:
    """``settings`` with store and master key filled in; the archive may be left open."""
    return settings.model_copy(
        update={
            "store_url": store.owner,
            "store_fold_url": store.fold,
            "store_query_url": store.query,
            "master_key": _master_key(settings).hex(),
        }
    )


def archive_access(settings: Settings, url: str) -> Access:
    """The archive at ``url``, reached as ``settings`` say."""
    return Access(
        url,
        cluster=settings.archive_cluster,
        ca_file=settings.archive_ca_file,
        is_verified=settings.archive_verify == "on",
    )


@dataclass(frozen=True, slots=True, repr=False)
class EmbeddedArchive:
    """Where chdb's front listens, and who may ask it."""

    port: int
    password_file: Path

    @property
    def url(self) -> str:
        password = quote(self.password_file.read_text().strip(), safe="")
        return f"http://{ARCHIVE_USER}:{password}@127.0.0.1:{self.port}"

    @property
    def ping_url(self) -> str:
        """Answers 200 once the archive can serve."""
        return f"http://127.0.0.1:{self.port}/ping"


def embedded_archive(directory: DataDir) -> EmbeddedArchive:
    """The archive of a data directory; its port and password are chosen when first asked for."""
    with directory.exclusively("archive"):
        password_file = directory.keys / "archive.password"
        if not password_file.exists():
            directory.write_secret(password_file.name, secrets.token_urlsafe(32))
        port_file = directory.run / "archive.port"
        if not port_file.exists():
            _keep_port(port_file, free_port())
        return EmbeddedArchive(int(port_file.read_text()), password_file)


def free_archive_port(directory: DataDir) -> None:
    """Let the archive, which does not run, have another port if its own was taken meanwhile."""
    last = embedded_archive(directory).port
    _keep_port(directory.run / "archive.port", free_port(last))


def _keep_port(place: Path, port: int) -> None:
    """Whole or not at all: others read it while ``up`` starts, or is killed in the middle."""
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    draft.write_text(str(port))
    draft.rename(place)


def _external(settings: Settings) -> Urls:
    return Urls.acting_from(
        settings.store_url, fold=settings.store_fold_url, query=settings.store_query_url
    )


def _master_key(settings: Settings) -> bytes:
    if settings.master_key:
        return parse_master_key(settings.master_key)
    return load_or_make_master_key(DataDir.at(settings.data_dir).keys / "master.key")
