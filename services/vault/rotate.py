"""Rotation of the master key: every stored key wrapped anew, in one transaction."""

from typing import Final

import psycopg
from psycopg.rows import TupleRow

from services.errors import Misconfigured
from services.vault.connections import Connections
from services.vault.statements import (
    HASH_KEY,
    KEYS_AFTER,
    LOCK_KEYS,
    READ_HASH_KEY,
    REWRAP,
    REWRAP_HASH_KEY,
)
from services.vault.wrapping import data_key, fingerprint, unwrap, wrap

PAGE: Final = 5_000


def rewrap(url: str, old: bytes, new: bytes) -> int:
    """Wrap all that the master key ``old`` wraps with ``new``, all or none; how many data keys.

    Data keys and hash key stay what they are, so nothing sealed is touched. Processes that run with
    ``old`` go on opening what they know and can make no key: restart them with ``new``. Doing it
    twice is harmless. Raises ``Misconfigured`` when ``old`` is not the master key in force.
    """
    connections = Connections(url)
    try:
        with connections.cursor() as cursor, cursor.connection.transaction():
            cursor.execute(LOCK_KEYS)
            row = cursor.execute(READ_HASH_KEY, [HASH_KEY]).fetchone()
            if row is None:
                raise Misconfigured("this vault was never used: there is nothing to wrap anew")
            wrapped, master = row
            if master == fingerprint(new):
                return 0
            hash_key = unwrap(old, wrapped, bound_to=HASH_KEY)
            again = wrap(new, hash_key, bound_to=HASH_KEY)
            cursor.execute(REWRAP_HASH_KEY, [again, fingerprint(new), HASH_KEY])
            return _rewrap_data_keys(cursor, old, new)
    finally:
        connections.close()


def _rewrap_data_keys(cursor: psycopg.Cursor[TupleRow], old: bytes, new: bytes) -> int:
    done, last = 0, ""
    while page := cursor.execute(KEYS_AFTER, [last, PAGE]).fetchall():
        again = [
            wrap(
                new,
                unwrap(old, wrapped, bound_to=data_key(workspace, owner, key_id)),
                bound_to=data_key(workspace, owner, key_id),
            )
            for key_id, workspace, owner, wrapped in page
        ]
        key_ids = [row[0] for row in page]
        cursor.execute(REWRAP, [key_ids, again])
        done, last = done + len(page), key_ids[-1]
    return done
