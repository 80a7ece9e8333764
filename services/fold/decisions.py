"""What folds decide, as events for the outbox.

Their ids are hashes of what they say, so that deciding again changes nothing.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas import Control, EventConflicted, RewardGranted
from schemas.codec import dump
from schemas.envelope import Recorded

SOURCE: Final = "touchline"
"""The source of all that the platform itself says; no key may use it."""


def decision(
    data: Control | RewardGranted,
    *,
    id_: str,
    occurred_at: datetime,
    identifiers: Sequence[str] = (),
    cause: str | None = None,
) -> bytes:
    """``data`` as an event to append, in the form in which producers post theirs.

    ``identifiers`` are hashes: of the customer's leaf, where it is about one.
    """
    body = msgspec.Raw(dump(data))
    return _ENCODER.encode(
        _Posted(id_, SOURCE, data.type, data.version, occurred_at, identifiers, body, cause)
    )


class _Posted(msgspec.Struct, omit_defaults=True, gc=False):
    """An event in the form in which producers post theirs."""

    id: str
    source: str
    type: str
    version: int
    occurred_at: datetime
    identifiers: Sequence[str]
    data: msgspec.Raw
    cause: str | None = None


_ENCODER: Final = msgspec.json.Encoder()


def conflicted(lost: Recorded[Any], kept_digest: str) -> bytes:
    """One id came with two bodies: the later one lost."""
    data = EventConflicted(
        event_source=lost.source,
        event_id=lost.id,
        kept_digest=kept_digest,
        lost_digest=lost.digest,
        leaf=lost.identifiers[0] if lost.identifiers else None,
    )
    key = f"conflicted\0{lost.workspace}\0{lost.source}\0{lost.id}\0{lost.digest}"
    return decision(
        data, id_=hashlib.sha256(key.encode()).hexdigest()[:32], occurred_at=lost.received_at
    )
