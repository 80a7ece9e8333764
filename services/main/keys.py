"""``touchline keys``: what callers authenticate with."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json, print_rows

if TYPE_CHECKING:
    from services.store.tenants import KeyRow

app = typer.Typer(
    help="Make, list and revoke the keys that callers authenticate with.", no_args_is_help=True
)


@app.command()
def create(
    *,
    workspace: Annotated[str, typer.Option(help="Whose data the key reaches.")],
    kind: Annotated[
        str,
        typer.Option(
            help="browser: appends touchpoints, anyone may read it. write: business events too. "
            "secret: also reads. admin: administers."
        ),
    ],
    name: Annotated[str, typer.Option(help="What people call it.", show_default=False)] = "",
    days: Annotated[
        float | None, typer.Option(help="Let it expire after so many days.", min=0.0)
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a key, in force at once, and print it: it is shown this once."""
    from services.addresses import borrow
    from services.commands.keys import KeyOrder, create_key
    from services.main.tenants import opened
    from services.settings import load

    now = datetime.now(UTC)
    expires_at = None if days is None else now + timedelta(days=days)
    with borrow(load(data_dir=data_dir)) as addresses, opened(addresses) as tenants:
        made = create_key(KeyOrder(workspace, kind, name, expires_at), tenants, now)
    if json:
        print_json({"key": made.key, **made.row._asdict()})
    else:
        typer.echo(f"{made.key}\n\nThis is the only time it is shown. Its id is {made.row.key_id}.")


@app.command("list")
def list_(
    *,
    workspace: Annotated[
        str | None, typer.Option(help="Only of this workspace.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List keys: what each is for, and whether it is in force; never the keys themselves."""
    from services.addresses import borrow
    from services.main.tenants import opened
    from services.settings import load

    with borrow(load(data_dir=data_dir)) as addresses, opened(addresses) as tenants:
        rows = [_with_state(row) for row in tenants.keys(workspace)]
    if json:
        print_json(rows)
    else:
        print_rows(rows, empty="There are no keys; make one with: touchline keys create")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As keys list shows it.", show_default=False)],
    *,
    after_hours: Annotated[
        float, typer.Option(help="Until then it still works, beside its successor.", min=0.0)
    ] = 0.0,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Revoke a key: it is refused two seconds from now, or from --after-hours on."""
    from services.addresses import borrow
    from services.main.tenants import opened
    from services.settings import load

    at = datetime.now(UTC) + timedelta(hours=after_hours)
    with borrow(load(data_dir=data_dir)) as addresses, opened(addresses) as tenants:
        row = tenants.revoke_key(key_id, at)
    if json:
        print_json(_with_state(row))
    else:
        typer.echo(f"{key_id} is refused from {row.revoked_at:%Y-%m-%d %H:%M:%S %Z} on.")


def _with_state(row: "KeyRow") -> dict[str, object]:
    from services.commands.keys import state

    return {**row._asdict(), "state": state(row, datetime.now(UTC))}
