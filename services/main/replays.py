"""``touchline rebuild`` and ``touchline verify``: the log folded again."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Final

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json

if TYPE_CHECKING:
    from services.addresses import Addresses
    from services.fold.apply import Folds
    from services.fold.rebuild import Progress, Verified
    from services.log.port import Log
    from services.store.compare import PostgresSnapshot
    from services.store.postgres import PostgresStore
    from services.vault.port import Vault

PATIENCE_S: Final = 10.0
"""For the folds to finish a tick."""
LOOK_AGAIN_S: Final = 0.1
_NEVER: Final = Event()
"""Nobody sets it: waiting for it is a pause."""


def rebuild(
    *,
    lost: Annotated[
        bool,
        typer.Option(
            "--lost", help="The store was lost: fold all that the log has, workspaces included."
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Fold the whole log again and put the rows in place at once.

    Queries go on from the old rows until then; the platform may run or not. Nothing is sent, and
    no dead letter is written anew. With --lost there must be no rows yet, nobody may fold, and the
    vault must be the one that opens the log.
    """
    from services.addresses import borrow
    from services.fold.rebuild import rebuild as fold_again
    from services.fold.rebuild import rebuild_lost
    from services.settings import load
    from services.store.migrate import migrate
    from services.store.shadow import Shadow

    with borrow(load(data_dir=data_dir)) as addresses, _bar("Rebuilding") as progress:
        if lost:
            migrate(addresses.store.owner)
        shadow = Shadow(addresses.store.owner, "shadow")
        with shadow.alone(), _replay(addresses, shadow.schema) as (folds, log, store):
            if lost:
                _refuse_another_vault(log, folds.vault)
                records = rebuild_lost(folds, log, store, shadow, progress=progress)
                _open_workspaces(addresses.store.fold, log)
            else:
                records = fold_again(folds, log, store, shadow, progress=progress)
    if json:
        print_json({"records": records})
    else:
        typer.echo(f"Rebuilt from {records:,} records; the new rows are in place.")


def _refuse_another_vault(log: "Log", vault: "Vault") -> None:
    """Raise ``Misconfigured`` where nothing of ``log`` can be opened; an older vault opens some."""
    from services.errors import Misconfigured
    from services.main.sealings import sealings
    from services.vault.backup import count_opened

    sealed = list(sealings(log, log.ends()))
    if sealed and not count_opened(sealed, vault):
        raise Misconfigured(
            "the vault opens nothing of what the log holds: bring its backup back first "
            "(touchline restore --vault VAULT_FROM), with the master key of then"
        )


def _open_workspaces(url: str, log: "Log") -> None:
    from services.commands.workspaces import in_log
    from services.store.postgres_tenants import PostgresTenants

    with closing(PostgresTenants(url)) as tenants:
        known = {row.workspace for row in tenants.workspaces()}
        for row in in_log(log):
            if row.workspace not in known:
                # Without events: the log has told them.
                tenants.insert_workspace(row, [])


def verify(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Fold the log again beside the live rows and compare them, row by row.

    Exit code 1 where a row differs: it is named, with an event behind it. The platform may run.
    """
    from services.addresses import borrow
    from services.settings import load

    with borrow(load(data_dir=data_dir)) as addresses:
        verified = compared(addresses)
    if json:
        print_json(_told(verified))
    else:
        _show(verified)
    if not verified.is_ok:
        raise typer.Exit(1)


def compared(addresses: "Addresses") -> "Verified":
    """What a comparison of the live rows with the log folded again finds."""
    from services.fold.rebuild import replay
    from services.fold.rebuild import verify as compare
    from services.store.compare import snapshot
    from services.store.shadow import Shadow

    shadow, url = Shadow(addresses.store.owner, "verify"), addresses.store.fold
    with shadow.alone(), ExitStack() as stack:
        stack.callback(shadow.drop)
        with (
            between_ticks(url) as live,
            _bar("Verifying") as progress,
            _replay(addresses, shadow.schema) as (folds, log, store),
        ):
            # After the snapshot: all that was decided until then is known to the shadow.
            shadow.make()
            replay(folds, log, store, live.checkpoints(), progress=progress)
            with snapshot(url, shadow.schema) as replayed:
                return compare(live, replayed, log)


@contextmanager
def between_ticks(url: str, *, patience_s: float = PATIENCE_S) -> Iterator["PostgresSnapshot"]:
    """A snapshot of the live rows that holds all that the last tick changed.

    Raises ``Conflict`` where nobody finishes that tick.
    """
    from services.errors import Conflict
    from services.store.compare import snapshot
    from services.store.migrate import LIVE

    deadline_s = monotonic() + patience_s
    while True:
        with snapshot(url, LIVE) as live:
            if live.is_settled():
                yield live
                return
        if monotonic() > deadline_s:
            raise Conflict(
                "the last tick is not finished: rows wait for what time does to them",
                "start the platform, so that its folds finish it, and verify again",
                field="control.tick",
            )
        _NEVER.wait(LOOK_AGAIN_S)


@contextmanager
def _replay(
    addresses: "Addresses", schema: str
) -> Iterator[tuple["Folds", "Log", "PostgresStore"]]:
    """What the log is folded again with, into ``schema``."""
    from services.fold.apply import Folds
    from services.log.open import open_log
    from services.projector.projections import READ_MODELS
    from services.store.postgres import PostgresStore
    from services.vault.postgres import PostgresVault

    url = addresses.store.fold
    with ExitStack() as stack:
        log = stack.enter_context(closing(open_log(addresses.log)))
        vault = stack.enter_context(closing(PostgresVault(url, addresses.master_key)))
        store = stack.enter_context(closing(PostgresStore(url, schema=schema)))
        yield Folds(READ_MODELS, vault, is_replay=True), log, store


@contextmanager
def _bar(title: str) -> Iterator["Progress"]:
    """A progress bar on standard error, where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _told(verified: "Verified") -> dict[str, object]:
    difference = verified.difference
    first = difference and {
        "table": difference.table,
        "key": difference.key,
        "live": difference.live,
        "replayed": difference.replayed,
        "event": verified.behind,
    }
    return {
        "ok": verified.is_ok,
        "position": {str(partition): end for partition, end in verified.position.items()},
        "projections": [
            {"name": one.name, "digest": one.digest, "rows": one.rows}
            for one in verified.projections
        ],
        "first_difference": first,
    }


def _show(verified: "Verified") -> None:
    for one in verified.projections:
        typer.echo(f"{one.name:16} {one.rows:>12,} rows  {one.digest}")
    if verified.difference is None:
        typer.echo(
            f"Every row is what the log says, at {sum(verified.position.values()):,} records."
        )
        return
    difference = verified.difference
    typer.echo(f"{difference.table} differs, first at {difference.key}")
    typer.echo(f"  live:     {difference.live or 'no such row'}")
    typer.echo(f"  replayed: {difference.replayed or 'no such row'}")
    typer.echo(f"  an event behind it: {verified.behind or 'none found'}")
    typer.echo("Put it right with: touchline rebuild")
