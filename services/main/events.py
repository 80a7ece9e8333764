"""``touchline events``: what was recorded, and should not count."""

from typing import Annotated

import typer

from services.main.deciding import Key, Reason, asking, say_taken_back
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
    with asking(workspace, key, data_dir) as desk:
        taken = desk.deciders.voids.void(desk.asked, source, event_id, reason)
    if json:
        shown = {"voided_type": taken.voided_type, "is_applied": taken.is_applied}
        print_json({"void_id": taken.id, **shown})
    else:
        say_taken_back(f"The {taken.voided_type} is taken back.", is_applied=taken.is_applied)
