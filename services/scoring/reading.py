"""Reading: what scores need of a record, without making the whole event of it.

Making an event costs five times what its envelope does, and scores ask most types for nothing but
that. A test holds all of this to ``entry_of`` for every example of every type.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas import TYPES, appendable_by
from schemas.codec import Undecodable, decode
from schemas.envelope import Rank
from services.scoring.kept import kept_of
from services.scoring.model.history import Entry


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """An event without its data, or with it undecoded."""

    workspace: str
    id: str
    source: str
    type: str
    version: int
    occurred_at: datetime
    received_at: datetime
    key_kind: str
    data: msgspec.Raw
    identifiers: tuple[str, ...] = ()

    @property
    def rank(self) -> Rank:
        """Its place in the canonical order."""
        return self.occurred_at, self.source, self.id


class _Bought(msgspec.Struct, gc=False):
    """A purchase or a refund, as far as scores look."""

    order_id: str
    amount_minor: int
    currency: str


class _Looked(msgspec.Struct, gc=False):
    """A mail that was opened, or a link of it followed."""

    machine: bool = False


def envelope_of(payload: bytes) -> Envelope:
    """The envelope of a record; raises ``Undecodable``."""
    try:
        return _ENVELOPE.decode(payload)
    except (msgspec.MsgspecError, ValueError) as cause:
        raise Undecodable(f"is no recorded event: {cause}") from cause


def entry_in(envelope: Envelope, payload: bytes) -> tuple[str, Entry] | None:
    """As ``kept_of``: the leaf that it is kept under and what of it, if anything."""
    read = _READ.get(envelope.type)
    if read is None or envelope.version != TYPES[envelope.type].version:
        return kept_of(decode(payload))
    is_business, more = read
    if is_business and envelope.key_kind == "browser":
        return None
    at_s = int(envelope.occurred_at.timestamp())
    particulars = more(envelope.data) if more else ()
    if particulars is None:
        return None
    entry = Entry(at_s, envelope.type, envelope.source, envelope.id, *particulars)
    return envelope.identifiers[0], entry


def _bought(data: msgspec.Raw) -> tuple[str, float, str]:
    bought = _BOUGHT.decode(data)
    return bought.order_id, float(bought.amount_minor), bought.currency


def _looked(data: msgspec.Raw) -> tuple[()] | None:
    return None if _LOOKED.decode(data).machine else ()


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_BOUGHT: Final = msgspec.json.Decoder(_Bought)
_LOOKED: Final = msgspec.json.Decoder(_Looked)
_More = Callable[[msgspec.Raw], tuple[Any, ...] | None]
_PLAIN: Final = (
    "email.sent email.delivered email.bounced email.complained email.unsubscribed email.received "
    "message.sent message.received web.visited web.acted form.submitted customer.identified "
    "consent.given consent.withdrawn deal.opened deal.moved deal.won deal.lost task.created "
    "task.completed appointment.booked appointment.held note.written reward.granted"
).split()
"""Of which scores need no data."""
_READ: Final[Mapping[str, tuple[bool, _More | None]]] = {
    type_: (appendable_by(type_) == "business", more)
    for type_, more in {
        **dict.fromkeys(_PLAIN),
        **dict.fromkeys(("purchase.completed", "purchase.refunded"), _bought),
        **dict.fromkeys(("email.opened", "email.clicked"), _looked),
    }.items()
}
"""Whether a browser's claim of it counts for nothing, and what of its data is looked at."""
