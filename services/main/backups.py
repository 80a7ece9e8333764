"""``touchline backup`` and ``touchline restore``: the embedded platform, kept and had back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.main.backing_up import Kind, Made
    from services.main.restoring import Restored
    from services.settings import Settings


def backup(
    to: Annotated[
        Path | None,
        typer.Argument(
            help="A folder, new or empty, for log and rows.", metavar="[TO]", show_default=False
        ),
    ] = None,
    *,
    vault: Annotated[
        Path | None,
        typer.Option(
            help="A folder, new or empty and kept apart, for the vault: data keys and master key.",
            metavar="VAULT_TO",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Back up the embedded platform, which may run and be written to meanwhile.

    Log, rows, workspaces and keys' hashes go to TO; the archive does not, it is filled again from
    the log. The vault is in VAULT_TO only: its data keys, and the master key where that is a file
    of the data directory. A log without its vault can't be read by anybody, you included; a vault
    beside its log protects nothing. So keep both, apart. Rows hold names in plain: files are for
    their owner only. Without TO the vault is backed up alone.
    """
    from services.errors import Refused
    from services.main.backing_up import back_up
    from services.main.byte_bar import byte_bar
    from services.settings import load

    if to is None and vault is None:
        raise Refused("nothing is asked for", "name a folder: touchline backup TO --vault VAULT_TO")
    made = back_up(load(data_dir=data_dir), to, vault, bar=byte_bar)
    if json:
        print_json({kind: _told(one) for kind, one in made.items()})
    else:
        typer.echo(_made(made))


def restore(
    source: Annotated[
        Path | None,
        typer.Argument(help="A backup's folder.", metavar="[FROM]", show_default=False),
    ] = None,
    *,
    vault: Annotated[
        Path | None,
        typer.Option(
            help="The vault's backup, made with FROM or later.",
            metavar="VAULT_FROM",
            show_default=False,
        ),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Don't fold the log again to compare every row.")
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Restore the embedded platform into a data directory that is new or empty.

    Every file is checked before anything is written, and the vault has to open what the log holds.
    Then the log is folded again and every row compared, as touchline verify does: exit code 1
    where one differs. The archive is filled again once the platform runs.

    Of a platform whose log is on Kafka the vault is restored, without FROM; rows and workspaces
    are folded from the log then: touchline rebuild --lost.
    """
    from services.errors import Refused
    from services.main.byte_bar import byte_bar
    from services.main.restoring import restore as put_back
    from services.settings import load

    if vault is None:
        raise Refused(
            "is missing", "a log without its vault can't be read: name the vault's backup",
            field="--vault",
        )  # fmt: skip
    settings = load(data_dir=data_dir)
    if source is None:
        _restore_vault(settings, vault, json=json)
        return
    restored = put_back(settings, source, vault, bar=byte_bar)
    if not json:
        typer.echo(_restored(restored, settings.data_dir))
    is_right = None
    if not no_verify:
        from services.addresses import borrow
        from services.main.replays import compared

        with borrow(settings) as addresses:
            is_right = compared(addresses).is_ok
    if json:
        print_json({**_account(restored), "data_dir": str(settings.data_dir), "verified": is_right})
    elif is_right:
        typer.echo("Every row is what the log says. Start it with: touchline up")
    elif is_right is None:
        typer.echo("Not verified; do so with: touchline verify. Start it with: touchline up")
    if is_right is False:
        typer.echo("A row is not what the log says: see touchline verify, and rebuild", err=True)
        raise typer.Exit(1)


def _restore_vault(settings: "Settings", vault: Path, *, json: bool) -> None:
    """The vault alone, where the log is somewhere else."""
    from services.errors import Refused
    from services.main.byte_bar import byte_bar
    from services.main.restoring import restore_vault

    if not settings.log_url:
        raise Refused(
            "is missing", "name the backup's folder; a vault goes alone where the log is on Kafka",
            field="FROM",
        )  # fmt: skip
    manifest = restore_vault(settings, vault, bar=byte_bar)
    if json:
        tables = {file.table: file.rows for file in manifest.files if file.table}
        print_json({"made_at": manifest.made_at, "tables": tables})
    else:
        typer.echo(
            f"{settings.data_dir}: the vault as of {manifest.made_at}. Fold the log again with: "
            "touchline rebuild --lost"
        )


def _told(made: "Made") -> dict[str, object]:
    manifest = made.manifest
    return {
        "path": str(made.place),
        "made_at": manifest.made_at,
        "records": manifest.records,
        "position": {str(partition): end for partition, end in manifest.position.items()},
        "tables": {file.table: file.rows for file in manifest.files if file.table},
        "bytes": manifest.size,
        "has_master_key": made.has_master_key,
    }


def _made(made: "Mapping[Kind, Made]") -> str:
    lines = []
    if store := made.get("store"):
        manifest = store.manifest
        lines.append(
            f"{store.place}: {manifest.records:,} records and their rows, {manifest.size:,} bytes, "
            f"as of {manifest.made_at}. It is whole; names in it are plain: keep it safe."
        )
    if keys := made.get("vault"):
        key = "master key included" if keys.has_master_key else "without TOUCHLINE_MASTER_KEY"
        lines.append(
            f"{keys.place}: the vault, {key}. Keep it apart, and safer: with it all can be read."
        )
    else:
        lines.append(
            "The vault is not in it, and without its vault the log can't be read: "
            "touchline backup --vault VAULT_TO"
        )
    return "\n".join(lines)


def _account(restored: "Restored") -> dict[str, object]:
    manifest = restored.manifest
    return {
        "made_at": manifest.made_at,
        "records": manifest.records,
        "position": {str(partition): end for partition, end in manifest.position.items()},
        "tables": {file.table: file.rows for file in manifest.files if file.table},
        "migrated": list(restored.migrated),
        "opened": restored.opening.opened,
        "erased": restored.opening.erased,
    }


def _restored(restored: "Restored", place: Path) -> str:
    manifest, opening = restored.manifest, restored.opening
    rows = {file.table: file.rows for file in manifest.files}
    customers, letters = rows.get("live.customer", 0), rows.get("touchline.dead_letter", 0)
    migrated = f"; migrated: {', '.join(restored.migrated)}" if restored.migrated else ""
    return (
        f"{place}: restored as of {manifest.made_at}{migrated}.\n"
        f"{manifest.records:,} records, {customers:,} customers, {letters:,} dead letters; "
        f"{opening.opened:,} sealed parts tried and opened, {opening.erased:,} of erased people."
    )
