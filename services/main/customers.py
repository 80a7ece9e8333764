"""``touchline customers``: who somebody is, and who is whom where the identifiers can't tell."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json

if TYPE_CHECKING:
    from services.addresses import Addresses
    from services.commands.customers import Customers, Regrouped
    from services.settings import Settings

BY: Final = "cli"
"""Who it is that decides, where no key says it."""
_HASH: Final = re.compile(r"[0-9a-f]{32}")

app = typer.Typer(help="Show customers, join and part them.", no_args_is_help=True)
Who = Annotated[
    str, typer.Argument(help="A customer's id, or kind:value such as user:42.", show_default=False)
]
Reason = Annotated[str | None, typer.Option(help="Why, in a word or two.", show_default=False)]


@app.command()
def show(
    who: Who, *, workspace: Workspace = "default", data_dir: DataDir = None, json: Json = False
) -> None:
    """Show who a customer is, and how much there was of everything."""
    from schemas.text import money
    from services.addresses import borrow
    from services.query.customer import shown
    from services.settings import load
    from services.store.reader import Reader

    with borrow(load(data_dir=data_dir)) as addresses:
        identifier = _hash(addresses, workspace, who)
        with (
            closing(Reader(addresses.store.query)) as reader,
            reader.reading(workspace) as reading,
        ):
            found = shown(reading, identifier)
    if json:
        print_json(found)
        return
    typer.echo(f"{found.customer_id}  {found.name or ''}".rstrip())
    typer.echo("  " + ", ".join(found.identifiers))
    for name, value in sorted(found.traits.items()):
        typer.echo(f"  {name}: {value}  ({found.trait_sources[name].source})")
    spend = ", ".join(money(minor, currency) for currency, minor in found.spend_minor.items())
    typer.echo(f"  {found.orders} orders, {found.refunds} refunds; spent: {spend or 'nothing'}")
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
        ids = (_hash(addresses, workspace, into), _hash(addresses, workspace, merged))
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
        customer = _hash(addresses, workspace, who)
        parted = [_hash(addresses, workspace, one) for one in identifiers]
        _tell(customers.split(workspace, customer, parted, By(BY, reason)), json=json)


@contextmanager
def _deciding(settings: "Settings", addresses: "Addresses") -> Iterator["Customers"]:
    """Merges and splits, applied before the command ends."""
    from services.clock import SystemClock
    from services.commands.customers import Customers
    from services.log.postgres import PostgresLog
    from services.main.folding import folding
    from services.store.decisions import PostgresDecisions

    with ExitStack() as stack:
        stack.enter_context(folding(settings, addresses))
        decisions = stack.enter_context(closing(PostgresDecisions(addresses.store.query)))
        log = stack.enter_context(closing(PostgresLog(addresses.log)))
        yield Customers(decisions, log, SystemClock())


def _hash(addresses: "Addresses", workspace: str, who: str) -> str:
    """The hash that ``who`` is known by; raises ``Refused`` where it is no identifier."""
    from schemas.identifiers import normalise
    from schemas.problems import Problem
    from services.errors import Refused
    from services.main.tenants import workspace_row
    from services.vault.postgres import PostgresVault
    from services.vault.seal import hash_identifier

    region = workspace_row(addresses, workspace).region
    if _HASH.fullmatch(who):
        return who
    named = normalise(who, region=region)
    if isinstance(named, Problem):
        raise Refused(named.problem, named.remedy, field=named.field, value=named.value)
    with closing(PostgresVault(addresses.store.fold, addresses.master_key)) as vault:
        return hash_identifier(vault.hash_key, workspace, *named)


def _tell(regrouped: "Regrouped", *, json: bool) -> None:
    if json:
        print_json(regrouped)
    elif regrouped.is_applied:
        typer.echo("Done: " + ", ".join(regrouped.customer_ids))
    else:
        typer.echo("It is decided and safe, and not applied yet; the folds are behind.")
