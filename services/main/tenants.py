"""Workspaces and keys, as commands open them."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.addresses import Addresses
from services.errors import NotFound
from services.store.migrate import migrate
from services.store.postgres_tenants import PostgresTenants
from services.store.tenants import WorkspaceRow


@contextmanager
def opened(addresses: Addresses) -> Iterator[PostgresTenants]:
    """Workspaces and keys, closed at the end.

    The database is brought up to date before, unless only its services' addresses are known.
    """
    if addresses.store.may_migrate:
        migrate(addresses.store.owner)
    tenants = PostgresTenants(addresses.store.fold)
    try:
        yield tenants
    finally:
        tenants.close()


def workspace_row(addresses: Addresses, workspace: str) -> WorkspaceRow:
    """The workspace by that name; raises ``NotFound``."""
    with opened(addresses) as tenants:
        for row in tenants.workspaces():
            if row.workspace == workspace:
                return row
    raise NotFound(
        "is no workspace",
        "make it with touchline workspaces create, or name another",
        field="workspace",
        value=workspace,
    )
