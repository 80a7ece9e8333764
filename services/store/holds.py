"""Holds: what a batch's transaction locks before it looks, so that others of its kind wait.

Either batches follow one another, or they work beside each other and hold what they touch. The row
of the identifier that names a customer then stands for all of it: whoever reads or changes facts,
rows or members of a customer holds that row, and looks again once it does, as another may have
joined or parted them meanwhile. Whom nobody knew has no row to hold: of two batches that both take
somebody in, the second runs into the first's row, and is taken again.
"""

from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

from psycopg import Cursor
from psycopg.rows import TupleRow

from services.store.connect import Hashes
from services.store.statements import ALONE, GROUPS_OF, ORDERS, TABLES

TOGETHER: Final = ALONE.replace("pg_advisory_xact_lock(", "pg_advisory_xact_lock_shared(")
"""Waits for who is alone, and for who waits to be: so control comes to its turn."""
CONTROL: Final = 0
"""The partition of control events, as the log has it."""
MEMBERS: Final = TABLES["identifier"].select("WHERE customer_id = ANY(%s)")
_HOLD: Final = """
    SELECT encode(uuid_send(identifier), 'hex') FROM identifier
    WHERE identifier = ANY(%s) ORDER BY identifier FOR NO KEY UPDATE
"""
_HOLD_CUSTOMERS_OF: Final = """
    SELECT encode(uuid_send(identifier), 'hex') FROM identifier
    WHERE identifier IN (SELECT customer_id FROM identifier WHERE identifier = ANY(%s))
    ORDER BY identifier FOR NO KEY UPDATE
"""
_WAITING: Final = """
    SELECT encode(uuid_send(customer_id), 'hex') FROM unsettled LIMIT %s
"""
_HOLD_WAITING: Final = """
    SELECT encode(uuid_send(waiting.customer_id), 'hex')
    FROM unsettled AS waiting CROSS JOIN LATERAL (
        SELECT FROM identifier WHERE identifier = waiting.customer_id
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS held LIMIT %s
"""
"""By the index and one by one, so that no more are held than are asked for."""
_HOLD_ORDERS: Final = f"{ORDERS} ORDER BY order_key FOR NO KEY UPDATE"
_CUSTOMER_ID: Final = [*TABLES["identifier"].columns].index("customer_id")


class Holds(Protocol):
    """Reads rows, once nobody else can change them; within one transaction."""

    def claim(self, partitions: Collection[int]) -> None:
        """Let the transaction begin."""

    def groups_of(self, hashes: Hashes) -> list[TupleRow]:
        """The rows of identifiers, and of all others of their customers."""

    def members(self, customers: Hashes) -> list[TupleRow]:
        """The rows of all identifiers of these customers."""

    def orders(self, order_keys: Hashes) -> list[TupleRow]:
        """The rows of orders."""

    def waiting(self, limit: int) -> list[str]:
        """Some of the customers whose rows wait to be settled, first those nobody else has at hand.

        Whether they wait still has to be looked at again.
        """

    @property
    def may_replace(self) -> bool:
        """Whether a row that was not there when asked for may be replaced if it is there now."""


MakeHolds = Callable[[Cursor[TupleRow]], Holds]


class Alone:
    """For the only process that folds: a transaction waits for the one before it."""

    may_replace = True

    def __init__(self, cursor: Cursor[TupleRow]) -> None:
        self._cursor = cursor

    def claim(self, partitions: Collection[int]) -> None:
        """Transactions that claim follow one another, whatever their partitions."""
        _ = partitions
        self._cursor.execute(ALONE)

    def groups_of(self, hashes: Hashes) -> list[TupleRow]:
        """As ``Holds`` says."""
        return _rows(self._cursor, GROUPS_OF, hashes)

    def members(self, customers: Hashes) -> list[TupleRow]:
        """As ``Holds`` says."""
        return _rows(self._cursor, MEMBERS, customers)

    def orders(self, order_keys: Hashes) -> list[TupleRow]:
        """As ``Holds`` says."""
        return _rows(self._cursor, ORDERS, order_keys)

    def waiting(self, limit: int) -> list[str]:
        """As ``Holds`` says."""
        return [one for (one,) in _rows(self._cursor, _WAITING, limit)]


class Beside:
    """For workers that share the partitions; control's batches alone are taken by themselves.

    Rows are held in key order. Where more turn out to be touched, two may still come to wait for
    each other: PostgreSQL then ends one of them (40P01), and its batch is taken again.
    """

    may_replace = False

    def __init__(self, cursor: Cursor[TupleRow]) -> None:
        self._cursor = cursor
        self._customers: set[str] = set()

    def claim(self, partitions: Collection[int]) -> None:
        """Beside all others, unless it is control's: rules, merges and splits concern anybody."""
        self._cursor.execute(ALONE if CONTROL in partitions else TOGETHER)

    def groups_of(self, hashes: Hashes) -> list[TupleRow]:
        """As ``Holds`` says."""
        self._hold(_HOLD_CUSTOMERS_OF, hashes)
        while True:
            rows = _rows(self._cursor, GROUPS_OF, hashes)
            missing = {row[_CUSTOMER_ID] for row in rows} - self._customers
            if not missing:
                return rows
            self._hold(_HOLD, Hashes([*missing]))

    def members(self, customers: Hashes) -> list[TupleRow]:
        """As ``Holds`` says."""
        self._hold(_HOLD, customers)
        return _rows(self._cursor, MEMBERS, customers)

    def orders(self, order_keys: Hashes) -> list[TupleRow]:
        """As ``Holds`` says."""
        return _rows(self._cursor, _HOLD_ORDERS, order_keys)

    def waiting(self, limit: int) -> list[str]:
        """As ``Holds`` says; several settle beside each other.

        Where others have all of them at hand one is waited for: a batch leaves him waiting, and
        the next one may have him before anybody looks again. Whoever holds nobody else, and waits
        for one, is in nobody's way.
        """
        found = [one for (one,) in _rows(self._cursor, _HOLD_WAITING, limit)]
        if not found and (found := [one for (one,) in _rows(self._cursor, _WAITING, 1)]):
            self._hold(_HOLD, Hashes(found))
        return found

    def _hold(self, query: str, hashes: Hashes) -> None:
        self._customers.update(row[0] for row in _rows(self._cursor, query, hashes))


def _rows(cursor: Cursor[TupleRow], query: str, *parameters: Any) -> list[TupleRow]:
    return cursor.execute(query.encode(), parameters, prepare=True).fetchall()
