"""Search: from what somebody types to the customers that may be meant."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from schemas.identifiers import is_blocked, normalise
from schemas.problems import Problem
from services.edge.keys import Key
from services.errors import Refused
from services.fold.orders import Order, order_key
from services.store.reader import Reading
from services.vault.seal import hash_identifier

_HASH: Final = re.compile(r"[0-9a-f]{32}")
_PHONE: Final = re.compile(r"[+(]?\d[\d\s()./-]{5,}")
_LIKE: Final = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})
_ORDER: Final = msgspec.msgpack.Decoder(Order)

OWNERS: Final = """
SELECT customer_id FROM identifier
WHERE workspace = %(workspace)s AND identifier = ANY(%(identifiers)s::uuid[])
"""
TOLD: Final = """
SELECT facts FROM purchase_order WHERE workspace = %(workspace)s AND order_key = %(order_key)s::uuid
"""


def hashed(identifier: str, key: Key, hash_key: bytes, *, field: str = "identifier") -> str | None:
    """The hash of a ``kind:value`` as events are hashed; None for a value that names nobody.

    Raises ``Refused`` where it is no identifier.
    """
    found = normalise(identifier, region=key.region)
    if isinstance(found, Problem):
        raise Refused(found.problem, found.remedy, field=field, value=found.value)
    kind, value = found
    return None if is_blocked(value) else hash_identifier(hash_key, key.workspace, kind, value)


def candidates(text: str, key: Key, hash_key: bytes) -> set[str]:
    """Hashes of all identifiers that ``text`` may be, with its kind or without."""
    return {text} if _HASH.fullmatch(text) else set(_hashes(text, key, hash_key))


def customers_of(reading: Reading, identifiers: set[str]) -> list[str]:
    """The customers of these identifiers."""
    rows = reading.rows(OWNERS, identifiers=sorted(identifiers)) if identifiers else []
    return sorted({customer_id for (customer_id,) in rows})


def found_by(reading: Reading, text: str, key: Key, hash_key: bytes) -> list[str]:
    """Customers whom ``text`` names: an identifier, or an order's id."""
    meant = candidates(text, key, hash_key) | set(_tellers(reading, text))
    return customers_of(reading, meant)


def like(text: str) -> str:
    """A pattern of names that contain ``text``, in lower case."""
    return f"%{text.lower().translate(_LIKE)}%"


def _hashes(text: str, key: Key, hash_key: bytes) -> Iterator[str]:
    for identifier in _readings(text):
        found = normalise(identifier, region=key.region)
        if not isinstance(found, Problem) and not is_blocked(found[1]):
            yield hash_identifier(hash_key, key.workspace, *found)


def _readings(text: str) -> Iterator[str]:
    if ":" in text:
        yield text
    if "@" in text:
        yield f"email:{text}"
    if _PHONE.fullmatch(text):
        yield f"phone:{text}"
    yield f"user:{text}"


def _tellers(reading: Reading, order_id: str) -> Iterator[str]:
    """The leaves under which the order was told; its purchases' own if there are any."""
    row = reading.row(TOLD, order_key=order_key(reading.workspace, order_id))
    if row is None:
        return
    order = _ORDER.decode(row[0])
    for report in order.purchases or (*order.refunds, *order.cancellations, *order.heard):
        yield report.leaf
