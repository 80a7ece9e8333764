"""What commands on targets and deliveries have in common: who they ask."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.commands.deliveries import Deliveries
    from services.commands.targets import Targets
    from services.settings import Settings


@dataclass(frozen=True, slots=True)
class Sending:
    """The commands on where decisions are sent."""

    targets: "Targets"
    deliveries: "Deliveries"


@contextmanager
def sending(settings: "Settings") -> Iterator[Sending]:
    """The targets of the platform that runs, or of a database started for it."""
    from services.addresses import borrow
    from services.clock import SystemClock
    from services.commands.deliveries import Deliveries
    from services.commands.targets import Targets
    from services.log.open import open_log
    from services.main.tenants import opened
    from services.store.postgres_targets import PostgresTargets
    from services.vault.postgres import PostgresVault

    clock = SystemClock()
    with ExitStack() as stack:
        addresses = stack.enter_context(borrow(settings))
        # Brings a database that no platform runs on up to date.
        stack.enter_context(opened(addresses))
        store = stack.enter_context(closing(PostgresTargets(addresses.store.query)))
        vault = stack.enter_context(
            closing(PostgresVault(addresses.store.fold, addresses.master_key))
        )
        log = stack.enter_context(closing(open_log(addresses.log)))
        may_be_private = settings.allow_private_targets
        targets = Targets(store, vault, log, clock, may_be_private=may_be_private)
        yield Sending(targets, Deliveries(store, targets, clock))
