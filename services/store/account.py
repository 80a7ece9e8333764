"""The account of all records: accepted = applied + duplicate + dead-lettered + in flight."""

from typing import Final, NamedTuple

import psycopg

from services.errors import Unavailable
from services.store.connect import open_connection

_SUMS: Final = """
SELECT coalesce(sum(head.next_offset), 0)::bigint, coalesce(sum(applied), 0)::bigint,
       coalesce(sum(duplicate), 0)::bigint, coalesce(sum(dead_lettered), 0)::bigint
FROM touchline.log_head AS head LEFT JOIN checkpoint USING (partition)
"""


class Account(NamedTuple):
    """What became of every record of the log in PostgreSQL."""

    accepted: int
    applied: int
    duplicate: int
    dead_lettered: int
    in_flight: int


def account(url: str) -> Account:
    """The account at this instant, by the role of folds; raises ``Unavailable``."""
    try:
        with open_connection(url, "status") as connection:
            row = connection.execute(_SUMS).fetchone()
    except psycopg.Error as cause:
        raise Unavailable(f"the store can't be asked: {cause}") from cause
    accepted, applied, duplicate, dead_lettered = row or (0, 0, 0, 0)
    in_flight = accepted - applied - duplicate - dead_lettered
    return Account(accepted, applied, duplicate, dead_lettered, in_flight)
