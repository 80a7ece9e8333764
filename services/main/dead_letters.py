"""``touchline dead-letters``: what could not be taken in, and what to do about it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json, print_rows

if TYPE_CHECKING:
    from services.addresses import Addresses
    from services.commands.dead_letters import DeadLetters, Send
    from services.log.port import Log, Position
    from services.vault.port import Vault

app = typer.Typer(
    help="List, correct and resubmit what could not be taken in.", no_args_is_help=True
)
LetterId = Annotated[int, typer.Argument(help="As the list shows it.", show_default=False)]


@app.command("list")
def list_(
    *,
    workspace: Annotated[
        str | None, typer.Option(help="Only of this workspace.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1, max=1000)] = 50,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List dead letters, the newest first."""
    from services.addresses import borrow
    from services.settings import load

    with borrow(load(data_dir=data_dir)) as addresses, _letters(addresses) as (letters, _, _):
        found = letters.page(workspace, limit=limit)
    rows: list[dict[str, object]] = [
        {
            "letter_id": row.letter_id,
            "state": row.state,
            "workspace": row.letter.workspace,
            "origin": _place(row.letter.origin, row.letter.partition, row.letter.offset),
            "type": row.letter.type,
            "id": row.letter.event_id,
            "reason": row.letter.reason,
        }
        for row in found
    ]
    if json:
        print_json(rows)
    else:
        print_rows(rows, empty="There are no dead letters.")


@app.command()
def show(letter_id: LetterId, *, data_dir: DataDir = None, json: Json = False) -> None:
    """Show why an event was not taken in, and the event as it can be corrected and sent again."""
    from services.addresses import borrow
    from services.settings import load

    with borrow(load(data_dir=data_dir)) as addresses, _letters(addresses) as (letters, _, _):
        row = letters.find(None, letter_id)
        opened = letters.opened(row)
    text = None if opened is None else opened.decode("utf-8", "replace")
    if json:
        print_json(
            {"letter_id": letter_id, "state": row.state, "reason": row.letter.reason, "event": text}
        )
    else:
        typer.echo(f"{row.state}: {row.letter.reason}")
        typer.echo(
            text if text is not None else "It can't be opened: the key that seals it is gone."
        )


@app.command()
def resubmit(
    letter_id: LetterId,
    *,
    corrected: Annotated[
        Path | None,
        typer.Option(
            "--with", help="A file with the corrected event.", exists=True, show_default=False
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Take a letter in again, corrected or as it is; asked twice, it is taken in once."""
    from services.addresses import borrow
    from services.settings import load

    with borrow(load(data_dir=data_dir)) as addresses, _letters(addresses) as (letters, vault, log):
        body = corrected.read_bytes() if corrected else None
        found = letters.resubmit(None, letter_id, _sending(addresses, vault, log), corrected=body)
    if json:
        print_json(found)
    else:
        typer.echo(f"Taken in as {found.id}.")


@app.command()
def quarantine(
    position: Annotated[
        str, typer.Argument(help="The record, as partition:offset.", show_default=False)
    ],
    *,
    reason: Annotated[str | None, typer.Option(help="Why.", show_default=False)] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Leave out a record that stops the folds, so that they go on behind it."""
    from services.addresses import borrow
    from services.clock import SystemClock
    from services.commands.dead_letters import Quarantine
    from services.errors import Refused
    from services.log.open import open_log
    from services.settings import load
    from services.store.decisions import PostgresDecisions

    partition, _, offset = position.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise Refused(
            "is no position", "write it as partition:offset, like 3:1042",
            field="position", value=position,
        )  # fmt: skip
    with (
        borrow(load(data_dir=data_dir)) as addresses,
        closing(PostgresDecisions(addresses.store.query)) as decisions,
        closing(open_log(addresses.log)) as log,
    ):
        asked = Quarantine(decisions, log, SystemClock())
        done = asked.quarantine(int(partition), int(offset), by="cli", reason=reason)
    if json:
        print_json(done)
    else:
        typer.echo(f"Record {position} is left out as soon as the engine reads on.")


@contextmanager
def _letters(addresses: "Addresses") -> Iterator[tuple["DeadLetters", "Vault", "Log"]]:
    """The letters of all workspaces, as the operator sees them."""
    from services.commands.dead_letters import DeadLetters
    from services.log.open import open_log
    from services.store.letters import PostgresLetters
    from services.vault.postgres import PostgresVault

    with ExitStack() as stack:
        letters = stack.enter_context(closing(PostgresLetters(addresses.store.fold)))
        vault = stack.enter_context(
            closing(PostgresVault(addresses.store.fold, addresses.master_key))
        )
        log = stack.enter_context(closing(open_log(addresses.log)))
        yield DeadLetters(letters, vault, log), vault, log


def _sending(addresses: "Addresses", vault: "Vault", log: "Log") -> "Send":
    """Ingest's way in, with the rights of a server's key."""
    from services.clock import SystemClock
    from services.errors import Refused
    from services.ingest.accept import Producer
    from services.ingest.receive import receive
    from services.main.tenants import workspace_row

    def send(workspace: str, raw: bytes, *, browser: str | None) -> tuple[str, "Position"]:
        kind, key_id = ("browser", browser) if browser else ("write", "cli")
        producer = Producer(workspace, kind, key_id, workspace_row(addresses, workspace).region)
        received = receive([raw], producer, SystemClock().now(), vault=vault, log=log)
        for rejected in received.rejected:
            found = rejected.problem
            raise Refused(found.problem, found.remedy, field=found.field, value=found.value)
        return received.accepted[0].id, received.position

    return send


def _place(origin: str, partition: int | None, offset: int | None) -> str:
    return origin if partition is None else f"{origin} {partition}:{offset}"
