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
    """Bring the database up to date, and make the topics on Kafka that are not there yet.

    The platform does so itself when it starts; on a cluster run this once before each version's
    services, with TOUCHLINE_STORE_URL naming the user who owns the database. Run again, it changes
    nothing.
    """
    from services.addresses import borrow_store
    from services.log.open import is_on_kafka, make_doors, make_log
    from services.settings import load
    from services.store.migrate import migrate as bring_up_to_date

    settings = load(data_dir=data_dir)
    with borrow_store(settings) as store:
        applied = bring_up_to_date(store.owner, partitions=settings.partitions)
    is_topic_new = make_log(settings.log_url, settings.partitions)
    doors = make_doors(settings.kafka, settings.doors, settings.partitions)
    if json:
        topic = {"is_topic_new": is_topic_new} if is_on_kafka(settings.log_url) else {}
        print_json({"applied": applied, **topic, **({"doors": doors} if settings.doors else {})})
        return
    typer.echo("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")
    if is_topic_new:
        typer.echo("made the log's topic")
    for name in doors:
        typer.echo(f"made topic {name}")


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
