"""What of a vault is backed up, apart from what it seals; and whether a vault opens what it should.

A log without its vault can't be read, and that is the point: who finds a copy of the log has noise,
and a key that is destroyed in the vault is in no copy of the log.
"""

import base64
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from schemas.envelope import Sealed
from services.errors import BadRecord, Damaged
from services.vault.connections import Connections
from services.vault.port import Vault
from services.vault.seal import unseal
from services.vault.statements import KNOWN_KEYS

TABLES: Final = frozenset({"touchline.data_key", "touchline.vault_secret"})
"""Which go into the vault's backup, and into no other."""
MASTER_KEY: Final = "master.key"
"""The file that holds the master key: in a data directory's keys, and in a vault's backup."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """A sealed part of a record; ``at`` names the record."""

    at: str
    sealed: Sealed
    bound_to: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """What became of sealed parts that were tried."""

    opened: int
    erased: int
    """Their keys were destroyed, as an erasure does."""


def name_of(vault: Vault) -> str:
    """Names a vault without telling anything: its hash key is its own, and never changes."""
    return blake2b(key=vault.hash_key, digest_size=16, person=b"vault").hexdigest()


def master_key_file(master_key: bytes) -> str:
    """What the file ``MASTER_KEY`` says."""
    return base64.b64encode(master_key).decode() + "\n"


def try_opening(sealings: Collection[Sealing], vault: Vault, url: str) -> Opening:
    """Open ``sealings`` with the vault in the database ``url``.

    Raises ``Damaged`` for one that doesn't open though its key was not destroyed.
    """
    key_ids = {sealing.sealed.key_id for sealing in sealings}
    secrets, known = vault.secrets(key_ids), _known(key_ids, url)
    opened = 0
    for sealing in sealings:
        key_id = sealing.sealed.key_id
        if key_id not in known:
            raise _shut(sealing, f"has no key {key_id}")
        if key_id not in secrets:
            continue
        try:
            unseal(secrets[key_id], sealing.sealed, bound_to=sealing.bound_to)
        except BadRecord as cause:
            raise _shut(sealing, f"can't open it ({cause})") from cause
        opened += 1
    return Opening(opened, len(sealings) - opened)


def count_opened(sealings: Collection[Sealing], vault: Vault) -> int:
    """How many of ``sealings`` the vault opens; it may be older than they are, or another one."""
    secrets = vault.secrets({sealing.sealed.key_id for sealing in sealings})
    opened = 0
    for sealing in sealings:
        if (secret := secrets.get(sealing.sealed.key_id)) is not None:
            with suppress(BadRecord):
                unseal(secret, sealing.sealed, bound_to=sealing.bound_to)
                opened += 1
    return opened


def _known(key_ids: Collection[str], url: str) -> set[str]:
    connections = Connections(url)
    try:
        with connections.cursor() as cursor:
            return {key_id for (key_id,) in cursor.execute(KNOWN_KEYS, [list(key_ids)])}
    finally:
        connections.close()


def _shut(sealing: Sealing, why: str) -> Damaged:
    return Damaged(
        f"the record at {sealing.at} is sealed, and the vault {why}; "
        "nothing was restored: use the vault's backup that was made with this one, or a later one"
    )
