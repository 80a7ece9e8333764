"""How a backup is made: log and rows into one folder, the vault into another, of one snapshot."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from services.addresses import borrow
from services.errors import Conflict, Misconfigured, NotFound, Refused
from services.settings import Settings
from services.store.backup import Source, snapshot
from services.store.backup_folder import Draft, File, Manifest, Progress
from services.store.shadow import Shadow
from services.vault.backup import MASTER_KEY, TABLES, master_key_file, name_of
from services.vault.postgres import PostgresVault

Bar = Callable[[str], AbstractContextManager[Progress]]
"""Shows progress under a title."""
Kind = Literal["store", "vault"]
_TITLES: Final[Mapping[Kind, str]] = {"vault": "The vault", "store": "Log and rows"}


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup."""

    place: Path
    manifest: Manifest
    has_master_key: bool = False


def back_up(
    settings: Settings, to: Path | None, vault_to: Path | None, *, bar: Bar
) -> Mapping[Kind, Made]:
    """Back up the embedded platform into ``to``, and its vault into ``vault_to``.

    What was acknowledged before is in it; the platform may run and be written to. Raises
    ``Misconfigured`` for a platform on servers of its own, ``NotFound`` where there is none,
    ``Conflict`` for folders that are taken or a rebuild under way, and ``Unavailable``.
    """
    refuse_elsewhere(settings)
    if to is not None:
        refuse_apart(settings)
    _refuse_absent(settings)
    places: dict[Kind, Path | None] = {"vault": vault_to, "store": to}
    chosen = {kind: place.expanduser().absolute() for kind, place in places.items() if place}
    refuse_together(*chosen.values())
    with ExitStack() as stack:
        drafts = {kind: Draft(place) for kind, place in chosen.items()}
        for draft in drafts.values():
            stack.callback(draft.drop)
        addresses = stack.enter_context(borrow(settings))
        owner, fold = addresses.store.owner, addresses.store.fold
        # Opened, so that no vault is backed up with a master key that is not its own.
        vault = stack.enter_context(closing(PostgresVault(fold, addresses.master_key)))
        _hold_rebuilds_off(owner, stack)
        source = stack.enter_context(snapshot(owner))
        made = {}
        for kind, draft in drafts.items():
            files = _written(source, kind, draft, bar)
            # Whoever keeps the key elsewhere, in a setting, keeps it there.
            has_key = kind == "vault" and not settings.master_key
            if has_key:
                text = master_key_file(addresses.master_key)
                files = (*files, draft.write(MASTER_KEY, [text.encode()]))
            manifest = _manifest(kind, source, name_of(vault), files)
            made[kind] = Made(draft.place, manifest, has_key)
        # The vault first: what is seen at its place has its vault.
        for kind, draft in drafts.items():
            draft.finish(made[kind].manifest)
    return made


def refuse_elsewhere(settings: Settings) -> None:
    """Raise ``Misconfigured`` for a platform whose store is not the embedded one."""
    if settings.store_url:
        raise Misconfigured(
            "TOUCHLINE_STORE_URL names a server of its own, and backup and restore are of the "
            "embedded platform: use that server's tools (pg_basebackup, pg_dump, its provider's "
            "snapshots), and keep TOUCHLINE_MASTER_KEY apart from what they write"
        )


def refuse_apart(settings: Settings) -> None:
    """Raise ``Misconfigured`` where the log is on Kafka: rows of another instant are no backup."""
    if settings.log_url:
        raise Misconfigured(
            "TOUCHLINE_LOG_URL names Kafka, and the log in a backup is the embedded one: keep the "
            "topic by its replicas and a mirror of it, and the vault by touchline backup --vault "
            "VAULT_TO; the rows are folded from both by touchline rebuild"
        )


def refuse_together(*places: Path) -> None:
    """Raise ``Refused`` where one of ``places`` lies in another: they are to be kept apart."""
    for place in places:
        for other in places:
            if place is not other and place.resolve().is_relative_to(other.resolve()):
                raise Refused(
                    f"{place} lies in {other}", "keep the vault apart from what it opens",
                    field="--vault",
                )  # fmt: skip


def _refuse_absent(settings: Settings) -> None:
    if not (settings.data_dir / "postgres" / "PG_VERSION").exists():
        raise NotFound(
            f"there is no platform in {settings.data_dir}",
            "name another one with --data-dir or TOUCHLINE_DATA_DIR",
            field="the data directory",
        )


def _hold_rebuilds_off(owner_url: str, stack: ExitStack) -> None:
    """A rebuild ends by putting other tables in place of those that are being copied."""
    try:
        stack.enter_context(Shadow(owner_url, "shadow").alone())
    except Conflict as cause:
        raise Conflict(
            "are being rebuilt, or backed up by another command", "wait for it to end",
            field="the rows",
        ) from cause  # fmt: skip


def _written(source: Source, kind: Kind, draft: Draft, bar: Bar) -> tuple[File, ...]:
    tables = [table for table in source.tables if (str(table) in TABLES) == (kind == "vault")]
    with bar(_TITLES[kind]) as progress:
        return source.write(tables, draft, progress=progress)


def _manifest(kind: Kind, source: Source, vault: str, files: tuple[File, ...]) -> Manifest:
    return Manifest(
        kind=kind,
        touchline=version("touchline"),
        postgres=source.version,
        made_at=source.at.isoformat(timespec="seconds"),
        vault=vault,
        position=dict(source.position),
        migrations=dict(source.migrations),
        sequences=dict(source.sequences) if kind == "store" else {},
        files=files,
    )
