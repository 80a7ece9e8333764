"""What of a target nobody may read: its address and secrets, sealed under a key of the vault."""

import base64
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from schemas.envelope import Sealed
from services.errors import BadRecord
from services.vault.port import Vault
from services.vault.seal import seal, unseal

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
"""Standard Webhooks asks for 24 to 64."""
OVERLAP: Final = timedelta(hours=24)
"""After a rotation both secrets sign for so long: receivers change theirs in between."""


class Secrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a target is, and what it is told by that it is us."""

    address: str
    secret: str = ""
    """Of a webhook ours, of a Feishu bot its own, else none."""
    previous: str = ""
    previous_until: datetime | None = None

    def signing(self, at: datetime) -> Sequence[str]:
        """The secrets to sign with, the one in force first."""
        is_past = self.previous_until is None or self.previous_until <= at
        return [self.secret] if is_past else [self.secret, self.previous]

    def rotated(self, secret: str, at: datetime) -> "Secrets":
        """With ``secret`` in force, and the one before for a while."""
        return Secrets(self.address, secret, self.secret, at + OVERLAP)

    def __repr__(self) -> str:
        return "Secrets(…)"


def new_secret() -> str:
    """A webhook's secret, as receivers' libraries take it."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def seal_secrets(secrets: Secrets, workspace: str, target_id: str, vault: Vault) -> Sealed:
    """``secrets`` as they are kept, to be opened as this target's only."""
    owner = f"target:{target_id}"
    key = vault.keys_for(workspace, [owner])[owner]
    return seal(key, msgspec.json.encode(secrets), bound_to=_bound(workspace, target_id))


def open_secrets(sealed: Sealed, workspace: str, target_id: str, vault: Vault) -> Secrets:
    """What was sealed; raises ``BadRecord`` where its key is gone or it is another target's."""
    secret = vault.secrets([sealed.key_id]).get(sealed.key_id)
    if secret is None:
        raise BadRecord(f"the key that seals target {target_id} is gone")
    plain = unseal(secret, sealed, bound_to=_bound(workspace, target_id))
    return msgspec.json.decode(plain, type=Secrets)


def _bound(workspace: str, target_id: str) -> bytes:
    return f"{workspace}\0target\0{target_id}".encode()
