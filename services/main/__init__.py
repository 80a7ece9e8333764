"""The command line, and the only place that names adapters: ``touchline --help`` lists what it can do."""

import typer

from services.main import keys, store, up, workspaces
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
app.command("status")(store.status)
app.command("migrate")(store.migrate)
app.add_typer(keys.app, name="keys")
app.add_typer(workspaces.app, name="workspaces")
