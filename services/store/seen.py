"""The seen port: every id that was ever recorded, each with the record that stands for it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Seen(NamedTuple):
    """An event's idempotency key and body, and the record that brought it."""

    id_hash: str
    digest: str
    partition: int
    offset: int


class SeenIndex(Protocol):
    """Deduplication for ever; every adapter passes ``tests/contract/seen.py``.

    What it takes in commits with the transaction that it belongs to, or never was.
    """

    def drop_known(self, rows: Sequence[Seen]) -> Mapping[int, Seen]:
        """Take in what is new; index in ``rows`` → the record that stands, where its id was known.

        The first record of an id stands for ever, also among ``rows``. Another digest in what
        stands is a conflict, which the caller accounts for.
        """
