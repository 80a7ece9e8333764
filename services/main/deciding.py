"""What commands on customers have in common: who is meant, and folds that apply what is decided."""

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from services.addresses import Addresses
    from services.commands.alerts import Alerts
    from services.commands.loyalty import Points
    from services.commands.once import Asked
    from services.commands.policies import Policies
    from services.commands.voids import Voids
    from services.settings import Settings

BY: Final = "cli"
"""Who it is that decides, where no key says it."""
_HASH: Final = re.compile(r"[0-9a-f]{32}")

Who = Annotated[
    str, typer.Argument(help="A customer's id, or kind:value such as user:42.", show_default=False)
]
Reason = Annotated[str | None, typer.Option(help="Why, in a word or two.", show_default=False)]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="Under the same one it is done once, however often it is asked for.",
        show_default="another one each time",
    ),
]


@dataclass(frozen=True, slots=True)
class Deciders:
    """The commands that decide, on one platform."""

    points: "Points"
    voids: "Voids"
    policies: "Policies"
    alerts: "Alerts"


@dataclass(frozen=True, slots=True)
class Asking:
    """One command asked for on the command line."""

    deciders: Deciders
    asked: "Asked"
    addresses: "Addresses"

    def customer(self, who: str) -> str:
        """The hash that ``who`` is known by; raises ``Refused`` where it is no identifier."""
        return hash_of(self.addresses, self.asked.workspace, who)


@contextmanager
def asking(workspace: str, key: str | None, data_dir: "Path | None") -> Iterator[Asking]:
    """The platform in ``data_dir``, or that of the settings, to be asked for one command."""
    from services.addresses import borrow
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, deciding(settings, addresses, workspace) as deciders:
        yield Asking(deciders, asked(workspace, key), addresses)


def say_taken_back(sentence: str, *, is_applied: bool) -> None:
    """Print ``sentence``, unless what it says is still to come."""
    later = "It is decided and safe, and not applied yet; the folds are behind."
    typer.echo(sentence if is_applied else later)


@contextmanager
def deciding(settings: "Settings", addresses: "Addresses", workspace: str) -> Iterator[Deciders]:
    """What is decided in the block is folded: by the platform that runs, else at its end.

    Raises ``NotFound`` where there is no such workspace.
    """
    from services.clock import SystemClock
    from services.commands.alerts import Alerts
    from services.commands.loyalty import Points
    from services.commands.policies import Policies
    from services.commands.voids import Voids
    from services.log.open import open_log
    from services.main.folding import folding
    from services.main.tenants import workspace_row
    from services.projector.projections.loyalty.model import LEDGER, LOYALTY
    from services.store.decisions import PostgresDecisions
    from services.store.postgres_alerts import PostgresAlerts
    from services.store.postgres_balances import PostgresBalances

    workspace_row(addresses, workspace)
    clock = SystemClock()
    with ExitStack() as stack:
        stack.enter_context(folding(settings, addresses))
        decisions = stack.enter_context(closing(PostgresDecisions(addresses.store.query)))
        balances = stack.enter_context(closing(PostgresBalances(addresses.store.query)))
        alerts = stack.enter_context(closing(PostgresAlerts(addresses.store.query)))
        log = stack.enter_context(closing(open_log(addresses.log)))
        yield Deciders(
            Points(balances, (LOYALTY, LEDGER), log, clock),
            Voids(balances, decisions, log, clock),
            Policies(decisions, decisions, log, clock, balances=balances, tested=alerts.tested),
            Alerts(balances, alerts, log, clock),
        )


def asked(workspace: str, key: str | None) -> "Asked":
    """The command line as who asks."""
    from services.commands.once import Asked

    return Asked(workspace, BY, key or secrets.token_hex(16))


def hash_of(addresses: "Addresses", workspace: str, who: str) -> str:
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
