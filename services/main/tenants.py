"""Workspaces and keys, as commands open them."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.addresses import Addresses
from services.store.migrate import migrate
from services.store.postgres_tenants import PostgresTenants


@contextmanager
def opened(addresses: Addresses) -> Iterator[PostgresTenants]:
    """Workspaces and keys of a database that is up to date afterwards, closed at the end."""
    migrate(addresses.store.owner)
    tenants = PostgresTenants(addresses.store.fold)
    try:
        yield tenants
    finally:
        tenants.close()
