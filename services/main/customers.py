"""``touchline customers``: who somebody is, and who is whom where the identifiers can't tell."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.deciding import BY, Reason, Who, hash_of
from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json

if TYPE_CHECKING:
    from services.addresses import Addresses
    from services.commands.customers import Customers, Regrouped
    from services.settings import Settings

app = typer.Typer(help="Show customers, join and part them.", no_args_is_help=True)


@app.command()
def show(
    who: Who, *, workspace: Workspace = "default", data_dir: DataDir = None, json: Json = False
) -> None:
    """Show who a customer is, and how much there was of everything."""
    import msgspec

    from schemas.text import money
    from services.addresses import borrow
    from services.clock import SystemClock
    from services.query.balance import shown as points_of
    from services.query.customer import shown
    from services.settings import load
    from services.store.reader import Reader
    from services.web import courses

    with borrow(load(data_dir=data_dir)) as addresses:
        identifier = hash_of(addresses, workspace, who)
        with (
            closing(Reader(addresses.store.query)) as reader,
            reader.reading(workspace) as reading,
        ):
            found = shown(reading, identifier)
            points = points_of(reading, identifier, courses(), SystemClock().now())
    if json:
        print_json(msgspec.to_builtins(found) | {"loyalty": msgspec.to_builtins(points)})
        return
    typer.echo(f"{found.customer_id}  {found.name or ''}".rstrip())
    typer.echo("  " + ", ".join(found.identifiers))
    for name, value in sorted(found.traits.items()):
        typer.echo(f"  {name}: {value}  ({found.trait_sources[name].source})")
    spend = ", ".join(money(minor, currency) for currency, minor in found.spend_minor.items())
    typer.echo(f"  {found.orders} orders, {found.refunds} refunds; spent: {spend or 'nothing'}")
    others = ", ".join(
        f"{machine}: {stage}"
        for machine, stage in sorted(found.stages.items())
        if machine != "default"
    )
    typer.echo(f"  stage {found.stage or 'none'}" + (f" ({others})" if others else ""))
    typer.echo(
        f"  tier {points.tier or 'none'}; {points.balance} points, {points.available} to spend"
    )
    typer.echo("  " + ", ".join(f"{count} {family}" for family, count in found.counts.items()))
    typer.echo(f"  first {found.first_at}, last {found.last_at}, {found.completeness} % complete")


@app.command()
def merge(
    into: Who,
    merged: Who,
    *,
    reason: Reason = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Let two customers be one; a split takes it back exactly."""
    from services.addresses import borrow
    from services.commands.customers import By
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, _deciding(settings, addresses) as customers:
        ids = (hash_of(addresses, workspace, into), hash_of(addresses, workspace, merged))
        _tell(customers.merge(workspace, *ids, By(BY, reason)), json=json)


@app.command()
def split(
    who: Who,
    identifiers: Annotated[
        list[str],
        typer.Argument(help="Those to part from the rest, as kind:value.", show_default=False),
    ],
    *,
    reason: Reason = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Part identifiers from a customer; no older event joins them again.

    What events joined to them goes along, so that a split takes a merge back exactly.
    """
    from services.addresses import borrow
    from services.commands.customers import By
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, _deciding(settings, addresses) as customers:
        customer = hash_of(addresses, workspace, who)
        parted = [hash_of(addresses, workspace, one) for one in identifiers]
        _tell(customers.split(workspace, customer, parted, By(BY, reason)), json=json)


@contextmanager
def _deciding(settings: "Settings", addresses: "Addresses") -> Iterator["Customers"]:
    """Merges and splits, applied before the command ends."""
    from services.clock import SystemClock
    from services.commands.customers import Customers
    from services.log.open import open_log
    from services.main.folding import folding
    from services.store.decisions import PostgresDecisions

    with ExitStack() as stack:
        stack.enter_context(folding(settings, addresses))
        decisions = stack.enter_context(closing(PostgresDecisions(addresses.store.query)))
        log = stack.enter_context(closing(open_log(addresses.log)))
        yield Customers(decisions, log, SystemClock())


def _tell(regrouped: "Regrouped", *, json: bool) -> None:
    if json:
        print_json(regrouped)
    elif regrouped.is_applied:
        typer.echo("Done: " + ", ".join(regrouped.customer_ids))
    else:
        typer.echo("It is decided and safe, and not applied yet; the folds are behind.")
