"""``touchline status`` and ``touchline migrate``."""

from typing import TYPE_CHECKING

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json

if TYPE_CHECKING:
    from services.data_dir import Running
    from services.settings import Settings
    from services.store.account import Account


def status(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Say whether the platform runs here, where, and what became of its records.

    Exit code 1 if it can't serve.
    """
    from services.data_dir import running
    from services.settings import load
    from services.supervisor import answers

    settings = load(data_dir=data_dir)
    found = running(settings.data_dir)
    is_ready = found is not None and answers(f"{found.url}/readyz")
    records = _records(settings) if is_ready else None
    if json:
        facts = {"running": found is not None, "ready": is_ready}
        place = {"data_dir": str(settings.data_dir)}
        told = {} if found is None else found.as_dict()
        print_json({**facts, **place, **told, "records": records and records._asdict()})
    else:
        typer.echo(_sentence(settings, found, is_ready=is_ready))
        if records is not None:
            counts = (f"{count} {name}" for name, count in records._asdict().items())
            typer.echo("Records: " + ", ".join(counts).replace("_", " ") + ".")
    if not is_ready:
        raise typer.Exit(1)


def migrate(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Bring the database up to date; the platform does so itself when it starts."""
    from services.addresses import borrow
    from services.settings import load
    from services.store.migrate import migrate as bring_up_to_date

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses:
        applied = bring_up_to_date(addresses.store.owner, partitions=settings.partitions)
    if json:
        print_json({"applied": applied})
    elif applied:
        typer.echo("\n".join(f"applied {name}" for name in applied))
    else:
        typer.echo("The database is up to date.")


def _records(settings: "Settings") -> "Account | None":
    """None where the log is no table: Kafka's own tools, and /v1/status, know its ends."""
    if settings.log_url.startswith("kafka:"):
        return None
    from services.addresses import find
    from services.store.account import account

    return account(find(settings).store.fold)


def _sentence(settings: "Settings", found: "Running | None", *, is_ready: bool) -> str:
    if found is None:
        return f"No platform runs in {settings.data_dir}; start it with: touchline up"
    worth = "ready" if is_ready else "running, and not ready"
    return f"Touchline is {worth}: {found.url} (process {found.pid}, {settings.data_dir})"
