"""How a backup is restored: checked, put into a place of its own, tried, and moved into place."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from services.data_dir import DataDir, running
from services.errors import Conflict, Damaged, Misconfigured
from services.log.postgres import PostgresLog
from services.main.backing_up import Bar, refuse_apart, refuse_elsewhere
from services.main.sealings import sealings
from services.settings import Settings
from services.store.backup_folder import Backup, Manifest
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate, refuse_newer
from services.store.restore import LOADING, analyze, load
from services.store.urls import Urls
from services.vault.backup import MASTER_KEY, Opening, name_of, try_opening
from services.vault.master import parse_master_key
from services.vault.postgres import PostgresVault

T = TypeVar("T")
WORK: Final = "restoring"
"""Where a restore works within the data directory; worthless when none does."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in place now."""

    manifest: Manifest
    migrated: Sequence[str]
    opening: Opening


def restore(settings: Settings, source: Path, vault: Path, *, bar: Bar) -> Restored:
    """Restore the embedded platform from ``source`` and ``vault`` into its empty data directory.

    All or nothing: what was begun is not taken for a platform, and a later attempt clears it away.
    Raises ``Conflict`` where something is there or runs there, ``Misconfigured`` for a backup of a
    newer version or another vault, ``Damaged``, ``NotFound`` and ``Unavailable``.
    """
    refuse_elsewhere(settings)
    refuse_apart(settings)
    store, keys = Backup.at(source, "store"), Backup.at(vault, "vault")
    _refuse_unfit(store, keys)

    def tried(urls: Urls, master_key: bytes) -> Opening:
        return _try(urls, master_key, store.manifest)

    migrated, opening = _put_back(settings, (store, keys), tried, bar=bar)
    return Restored(store.manifest, migrated, opening)


def restore_vault(settings: Settings, vault: Path, *, bar: Bar) -> Manifest:
    """Restore the vault alone into the empty data directory of a platform whose log is on Kafka.

    Its rows are to be folded from the log then: ``touchline rebuild --lost``. Else as ``restore``.
    """
    refuse_elsewhere(settings)
    keys = Backup.at(vault, "vault")
    refuse_newer(keys.manifest.migrations, whose=f"the backup {keys.place}")

    def tried(urls: Urls, master_key: bytes) -> None:
        with closing(PostgresVault(urls.fold, master_key)) as opened:
            if name_of(opened) != keys.manifest.vault:
                raise Damaged("the vault that was restored is not what its backup says")

    _put_back(settings, (keys,), tried, bar=bar)
    return keys.manifest


def _put_back(
    settings: Settings,
    backups: Sequence[Backup],
    tried: Callable[[Urls, bytes], T],
    *,
    bar: Bar,
) -> tuple[Sequence[str], T]:
    """Restore ``backups``, the vault's last, into the empty data directory; all or nothing.

    Gives what was migrated, and what it found who tried it out before it is put in place.
    """
    *_, keys = backups
    _refuse_occupied(settings.data_dir)
    for backup in backups:
        with bar(f"Checking {backup.place.name}") as progress:
            backup.check(progress)
    master_key = _master_key(keys, settings)
    directory = DataDir.at(settings.data_dir)
    with closing(directory.lock("touchline restore")):
        _refuse_occupied(directory.path)
        with _workplace(directory) as work:
            with _server(work) as urls:
                migrated = fill(urls.owner, backups, bar)
                found = tried(urls, master_key)
            if keys.has(MASTER_KEY):
                work.write_secret(MASTER_KEY, keys.read(MASTER_KEY).decode())
            _put_in_place(work, directory)
    return migrated, found


def _refuse_unfit(store: Backup, keys: Backup) -> None:
    for backup in (store, keys):
        refuse_newer(backup.manifest.migrations, whose=f"the backup {backup.place}")
    if store.manifest.vault != keys.manifest.vault:
        raise Misconfigured(
            f"{keys.place} is the vault of another platform and opens nothing of {store.place}; "
            "name the one that was made with it, or a later one"
        )
    position = keys.manifest.position
    if any(end > position.get(at, 0) for at, end in store.manifest.position.items()):
        raise Misconfigured(
            f"the vault in {keys.place} ({keys.manifest.made_at}) is older than {store.place} "
            f"({store.manifest.made_at}) and lacks keys; name the one that was made with it, or a "
            "later one"
        )


def _refuse_occupied(place: Path) -> None:
    if running(place) is not None:
        raise Conflict(
            f"a platform runs in {place}", "name another one with --data-dir, or stop it and move "
            "its directory away", field="the data directory",
        )  # fmt: skip
    if not place.exists():
        return
    for found in place.iterdir() if place.is_dir() else [place]:
        if found.name not in {"run", WORK} and (not found.is_dir() or any(found.iterdir())):
            raise Conflict(
                f"{place} is not empty (it holds {found.name})",
                "restore never overwrites: name a new one with --data-dir, or move this one away",
                field="the data directory",
            )


def _master_key(keys: Backup, settings: Settings) -> bytes:
    """The key of the vault's backup, or of the setting where the backup was made with one."""
    if keys.has(MASTER_KEY):
        text = keys.read(MASTER_KEY).decode(errors="replace")
        key = parse_master_key(text, source=str(keys.place / MASTER_KEY))
        if settings.master_key and parse_master_key(settings.master_key) != key:
            raise Misconfigured(
                f"TOUCHLINE_MASTER_KEY is another key than {keys.place / MASTER_KEY}; "
                "unset it, the backup brings its own"
            )
        return key
    if not settings.master_key:
        raise Misconfigured(
            f"{keys.place} holds no master key, since it was given as TOUCHLINE_MASTER_KEY; "
            "set that to the key of then"
        )
    return parse_master_key(settings.master_key)


@contextmanager
def _workplace(directory: DataDir) -> Iterator[DataDir]:
    """A data directory within ``directory``, gone afterwards; a killed restore's is cleared."""
    place = directory.path / WORK
    if place.exists():
        EmbeddedPostgres(place).stop()
        shutil.rmtree(place)
    try:
        yield DataDir.at(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _server(work: DataDir) -> Iterator[Urls]:
    postgres = EmbeddedPostgres(work, overrides=LOADING)
    try:
        yield postgres.start()
    finally:
        postgres.stop()


def fill(owner_url: str, backups: Sequence[Backup], bar: Bar) -> Sequence[str]:
    """Make the tables that each of ``backups`` came from, and fill them; what was migrated then."""
    for backup in backups:
        migrate(owner_url, only=backup.manifest.migrations)
        with bar(f"Restoring {backup.place.name}") as progress:
            load(owner_url, backup, progress=progress)
    migrated = migrate(owner_url)
    analyze(owner_url)
    return migrated


def _try(urls: Urls, master_key: bytes, manifest: Manifest) -> Opening:
    """See that log and vault are whole, and open a part of the one with the other."""
    with (
        closing(PostgresLog(urls.fold)) as log,
        closing(PostgresVault(urls.fold, master_key)) as vault,
    ):
        if name_of(vault) != manifest.vault or dict(log.ends()) != manifest.position:
            raise Damaged("what was restored is not what the backup says of itself")
        return try_opening(list(sealings(log, manifest.position)), vault, urls.fold)


def _put_in_place(work: DataDir, directory: DataDir) -> None:
    """Keys last: rows without them are refused by ``up``, keys without rows would begin anew."""
    for name in ("postgres", "keys"):
        os.rename(work.path / name, directory.path / name)  # noqa: PTH104 - onto an empty folder
    descriptor = os.open(directory.path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
