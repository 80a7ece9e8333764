"""``touchline workspaces``: the tenants."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json, print_rows

app = typer.Typer(help="Open and list workspaces (tenants).", no_args_is_help=True)


@app.command()
def create(
    workspace: Annotated[str, typer.Argument(help="Its name: a-z, 0-9 and -.", show_default=False)],
    *,
    name: Annotated[str, typer.Option(help="What people call it.", show_default=False)] = "",
    time_zone: Annotated[str, typer.Option(help="IANA name: where its days begin.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO 4217 code: what its reports are in.")] = "EUR",
    region: Annotated[
        str, typer.Option(help="ISO 3166 code: reads phone numbers without a prefix.")
    ] = "US",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Open a workspace; make keys for it with: touchline keys create."""
    from services.addresses import borrow
    from services.commands.workspaces import WorkspaceOrder, create_workspace
    from services.main.tenants import opened
    from services.settings import load

    order = WorkspaceOrder(workspace, name, time_zone, currency, region)
    with borrow(load(data_dir=data_dir)) as addresses, opened(addresses) as tenants:
        row = create_workspace(order, tenants, datetime.now(UTC), by="command line")
    if json:
        print_json(row._asdict())
    else:
        typer.echo(
            f"Workspace {row.workspace}: days in {row.time_zone}, money in {row.currency}, "
            f"phone numbers of {row.region}."
        )


@app.command("list")
def list_(*, data_dir: DataDir = None, json: Json = False) -> None:
    """List workspaces."""
    from services.addresses import borrow
    from services.main.tenants import opened
    from services.settings import load

    with borrow(load(data_dir=data_dir)) as addresses, opened(addresses) as tenants:
        rows = [row._asdict() for row in tenants.workspaces()]
    if json:
        print_json(rows)
    else:
        print_rows(
            rows, empty="There are no workspaces; open one with: touchline workspaces create"
        )
