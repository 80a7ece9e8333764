"""The command line: ``touchline --help`` lists what it can do."""

import typer

from services.main import (
    alerts,
    backups,
    customers,
    data,
    dead_letters,
    deliveries,
    events,
    keys,
    loyalty,
    policies,
    replays,
    scoring,
    service,
    store,
    targets,
    topics,
    up,
    workspaces,
)
from services.main.failures import Group

app = typer.Typer(
    name="touchline",
    cls=Group,
    help="Event-sourced customer interaction platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("projector")(service.projector)
app.command("ingest")(service.ingest)
app.command("query")(service.query)
app.command("status")(store.status)
app.command("migrate")(store.migrate)
app.command("rebuild")(replays.rebuild)
app.command("verify")(replays.verify)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.add_typer(keys.app, name="keys")
app.add_typer(workspaces.app, name="workspaces")
app.command("import")(data.import_)
app.command("sample")(data.sample)
app.command("live")(data.live)
app.add_typer(customers.app, name="customers")
app.add_typer(loyalty.app, name="loyalty")
app.add_typer(policies.app, name="policies")
app.add_typer(scoring.app, name="scoring")
app.add_typer(alerts.app, name="alerts")
app.add_typer(events.app, name="events")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(targets.app, name="targets")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(topics.app, name="topics")
