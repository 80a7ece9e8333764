"""``touchline alerts``: what somebody should look at, and the rules that find it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.alert_trials import backtest
from services.main.deciding import Key, asking
from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json, print_rows

if TYPE_CHECKING:
    from services.query.alert_rules import RuleShown
    from services.store.reader import Reading

app = typer.Typer(
    help="List, show and acknowledge alerts; see how good their rules are, and try rules out.",
    no_args_is_help=True,
)
app.command("backtest")(backtest)
AlertId = Annotated[str, typer.Argument(help="As alerts list shows it.", show_default=False)]
SHOWN = 100
_LISTED = ("alert_id", "status", "severity", "rule", "customer_id", "raised_at", "owner")
_RULED = ("rule", "severity", "raised", "open", "acted", "left", "stayed", "gone")


@app.command("list")
def list_(
    *,
    status: Annotated[
        str | None,
        typer.Option(help="open, acknowledged, snoozed or closed.", show_default="all of them"),
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Of this rule.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Alerts, the newest.")] = SHOWN,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List alerts, the newest first."""
    from typing import get_args

    from services.errors import Refused
    from services.query.alert_rows import Status, page, shown

    if status not in {None, *get_args(Status)}:
        remedy = f"choose one of {', '.join(get_args(Status))}"
        raise Refused("is no status", remedy, field="status", value=status)
    conditions = [*filter(None, [status, rule and "rule"])]
    with reading(data_dir, workspace) as snapshot:
        rows = snapshot.rows(page(conditions), at=datetime.now(UTC), rule=rule, limit=limit)
    found = [shown(row) for row in rows]
    if json:
        print_json(found)
        return
    print_rows(
        [{name: getattr(one, name) for name in _LISTED} for one in found],
        empty="There are no such alerts.",
    )


@app.command()
def show(
    alert_id: AlertId,
    *,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show an alert with its evidence and what became of it."""
    from services.errors import NotFound
    from services.query.alert_rows import ALERT, shown

    with reading(data_dir, workspace) as snapshot:
        row = snapshot.row(ALERT, alert_id=alert_id, at=datetime.now(UTC))
    if row is None:
        remedy = "see touchline alerts list"
        raise NotFound("is no alert", remedy, field="alert_id", value=alert_id[:80])
    found = shown(row)
    if json:
        print_json(found)
        return
    values = {one.name: getattr(found, one.name) for one in fields(found)}
    values |= {"events": ", ".join(found.events), **values.pop("evidence")}
    print_rows([{"": name, " ": value} for name, value in values.items()], empty="")


@app.command()
def acknowledge(
    alert_id: AlertId,
    *,
    action: Annotated[
        str | None, typer.Option(help="What was done, like called.", show_default=False)
    ] = None,
    key: Key = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Take care of an alert; nothing more of its rule for as long as the rule snoozes."""
    with asking(workspace, key, data_dir) as one:
        alerts = one.deciders.alerts
        if action:
            done = alerts.act(one.asked, alert_id, action)
        else:
            done = alerts.acknowledge(one.asked, alert_id)
    if json:
        print_json(done)
    else:
        typer.echo(f"Alert {alert_id} is acknowledged.")


@app.command()
def rules(
    *, workspace: Workspace = "default", data_dir: DataDir = None, json: Json = False
) -> None:
    """List the rules in force: what became of their alerts, and how often they were right."""
    from services.addresses import borrow
    from services.commands.policies import in_force
    from services.query.alert_rules import listed
    from services.settings import load
    from services.store.decisions import PostgresDecisions
    from services.store.postgres_alerts import PostgresAlerts
    from services.store.reader import Reader

    with (
        borrow(load(data_dir=data_dir)) as addresses,
        closing(PostgresDecisions(addresses.store.query)) as decisions,
        closing(PostgresAlerts(addresses.store.query)) as alerts,
        closing(Reader(addresses.store.query)) as reader,
        reader.reading(workspace) as snapshot,
    ):
        ruling = in_force(decisions.policies(workspace), datetime.now(UTC))
        found = listed(snapshot, ruling, alerts.tested)
    if json:
        print_json(found)
        return
    print_rows([_row(one) for one in found], empty="There are no alert rules in force.")


@contextmanager
def reading(data_dir: DataDir, workspace: str) -> "Iterator[Reading]":
    """A snapshot of the workspace; raises ``NotFound`` where there is none of this name."""
    from services.addresses import borrow
    from services.main.tenants import workspace_row
    from services.settings import load
    from services.store.reader import Reader

    with (
        borrow(load(data_dir=data_dir)) as addresses,
        closing(Reader(addresses.store.query)) as reader,
    ):
        workspace_row(addresses, workspace)
        with reader.reading(workspace) as snapshot:
            yield snapshot


def _row(one: "RuleShown") -> dict[str, object]:
    precision = "" if one.precision is None else f"{one.precision:.0%}"
    row: dict[str, object] = {name: getattr(one, name) for name in _RULED}
    return row | {"precision": precision, "is on": "yes" if one.is_enabled else "no"}
