"""``touchline status`` and ``touchline migrate``."""

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json


def status(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Say whether the platform runs here, and where; exit code 1 if it can't serve."""
    from services.data_dir import running
    from services.settings import load
    from services.supervisor import answers

    settings = load(data_dir=data_dir)
    found = running(settings.data_dir)
    is_ready = found is not None and answers(f"{found.url}/readyz")
    if json:
        facts = {} if found is None else {"pid": found.pid, "url": found.url}
        if found is not None:
            facts |= {"archive_url": found.archive_url, "started_at": found.started_at}
        print_json(
            {
                "running": found is not None,
                "ready": is_ready,
                "data_dir": str(settings.data_dir),
                **facts,
            }
        )
    elif found is None:
        typer.echo(f"No platform runs in {settings.data_dir}; start it with: touchline up")
    else:
        worth = "ready" if is_ready else "running, and not ready"
        typer.echo(f"Touchline is {worth}: {found.url} (process {found.pid}, {settings.data_dir})")
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
