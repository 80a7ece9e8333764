"""What ingest refuses where nobody reads the answer, kept sealed as dead letters."""

from datetime import datetime

import psycopg

from schemas.problems import Problem
from services.clock import Clock
from services.errors import Unavailable
from services.store.connect import open_connection
from services.vault.port import Vault
from services.vault.seal import seal

KEEP = """
    INSERT INTO touchline.dead_letter (workspace, origin, reason, field, key_id, ciphertext)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (workspace, origin) WHERE partition IS NULL DO NOTHING
"""


def day_owner(at: datetime) -> str:
    """Owner of the key that what can't be read is sealed under: it goes when the day's key goes."""
    return f"day:{at:%Y-%m-%d}"


class PostgresRefused:
    """The letters of one workspace, on a connection of its own; lost, it is opened again."""

    def __init__(self, url: str, workspace: str, vault: Vault, clock: Clock) -> None:
        self._url, self._workspace, self._vault, self._clock = url, workspace, vault, clock
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def keep(self, raw: bytes, problem: Problem, origin: str) -> None:
        """Keep ``raw``, sealed; once for each ``origin``; raises ``Unavailable``."""
        owner = day_owner(self._clock.now())
        key = self._vault.keys_for(self._workspace, [owner])[owner]
        sealed = seal(key, raw, bound_to=f"{self._workspace}\0{origin}".encode())
        reason = f"{problem.problem}; {problem.remedy}"
        row = (self._workspace, origin, reason, problem.field, sealed.key_id, sealed.ciphertext)
        try:
            if self._connection is None:
                self._connection = open_connection(self._url, "refused")
            self._connection.execute(KEEP, row)
        except (psycopg.OperationalError, psycopg.InterfaceError) as cause:
            self.close()
            raise Unavailable(f"the dead letter can't be kept: {cause}") from cause

    def close(self) -> None:
        """Give the connection back."""
        if self._connection:
            self._connection.close()
            self._connection = None
