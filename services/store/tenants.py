"""The port of workspaces (tenants) and their keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class FoundKey(NamedTuple):
    """A key in force and what its workspace says of itself."""

    key_id: str
    workspace: str
    kind: str
    region: str
    time_zone: str
    currency: str


class KeyRow(NamedTuple):
    """A key as it may be listed: what it was made for, not what it is."""

    key_id: str
    workspace: str
    kind: str
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class WorkspaceRow(NamedTuple):
    """A workspace; time zone, currency and region change what its events mean."""

    workspace: str
    name: str
    time_zone: str
    currency: str
    region: str
    created_at: datetime


class Tenants(Protocol):
    """What commands and the edge ask; every call raises ``Unavailable`` where the store is away."""

    def find(self, key_hash: bytes) -> FoundKey | None:
        """The key with this SHA-256 if it is in force now."""

    def insert_key(self, row: KeyRow, key_hash: bytes) -> None:
        """Store a key; raises ``NotFound`` where there is no such workspace."""

    def keys(self, workspace: str | None) -> Sequence[KeyRow]:
        """The keys of one workspace, or of all that the caller may see, oldest first."""

    def revoke_key(self, key_id: str, at: datetime, *, workspace: str | None = None) -> KeyRow:
        """Let a key end at ``at``, or when it was to end if that is sooner; raises ``NotFound``."""

    def insert_workspace(self, row: WorkspaceRow, events: Sequence[bytes]) -> None:
        """Store a workspace and the ``events`` telling of it, together; ``Conflict`` if known."""

    def workspaces(self) -> Sequence[WorkspaceRow]:
        """Every workspace that the caller may see, by name."""
