"""``touchline deliveries``: what targets were sent, and sending it again."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json, print_rows

if TYPE_CHECKING:
    from services.store.targets import Sought

app = typer.Typer(
    help="List what targets were sent, and send it again.", no_args_is_help=True
)  # fmt: skip


@app.command("list")
def list_(
    *,
    target: Annotated[
        str | None, typer.Option(help="Only to this target.", show_default=False)
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="Only waiting, delivered or dead.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1, max=1000)] = 50,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List deliveries, the newest first: those that wait, were taken, or were given up.

    touchline deliveries list --state dead
    """
    from services.main.sending import sending
    from services.settings import load

    with sending(load(data_dir=data_dir)) as commands:
        sought = _sought(target, state, limit)
        rows = [row._asdict() for row in commands.deliveries.page(workspace, sought)]
    if json:
        print_json(rows)
    else:
        print_rows(rows, empty="There are no deliveries.")


@app.command()
def redeliver(
    delivery_id: Annotated[
        int, typer.Argument(help="As deliveries list shows it.", show_default=False)
    ],
    *,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send a delivery again, under the same id: at once, and for three days where it fails."""
    from services.main.sending import sending
    from services.settings import load

    with sending(load(data_dir=data_dir)) as commands:
        row = commands.deliveries.redeliver(workspace, delivery_id)
    if json:
        print_json(row._asdict())
    else:
        typer.echo(f"{row.delivery_id} is in the queue of {row.target_id} again.")


def _sought(target: str | None, state: str | None, limit: int) -> "Sought":
    from services.errors import Refused
    from services.store.targets import STATES, Sought

    for known in (None, *STATES):
        if state == known:
            return Sought(target, known, None, limit)
    remedy = f"use one of {', '.join(STATES)}"
    raise Refused("is no state of a delivery", remedy, field="state", value=state)
