"""``touchline events``: what was recorded, and should not count."""

from typing import Annotated

import typer

from services.main.deciding import Key, Reason, asked, deciding
from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json

app = typer.Typer(help="Take events back.", no_args_is_help=True)


@app.callback()
def events() -> None:
    """Take events back."""


@app.command()
def void(
    source: Annotated[str, typer.Argument(help="Its source, as recorded.", show_default=False)],
    event_id: Annotated[str, typer.Argument(help="Its id.", show_default=False)],
    *,
    reason: Reason = None,
    key: Key = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Let a purchase, refund, redemption, adjustment or grant no longer count.

    The touch stays counted, and the log as it is.
    """
    from services.addresses import borrow
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, deciding(settings, addresses, workspace) as deciders:
        taken = deciders.voids.void(asked(workspace, key), source, event_id, reason)
    if json:
        shown = {"voided_type": taken.voided_type, "is_applied": taken.is_applied}
        print_json({"void_id": taken.id, **shown})
    elif taken.is_applied:
        typer.echo(f"The {taken.voided_type} is taken back.")
    else:
        typer.echo("It is decided and safe, and not applied yet; the folds are behind.")
