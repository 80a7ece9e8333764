"""Which activity an event is: one table, from its type to a kind of activity."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from schemas import (
    AppointmentHeld,
    Business,
    CallEnded,
    CaseReplied,
    Control,
    DealMoved,
    EmailClicked,
    EmailOpened,
    MessageSent,
    SubscriptionStarted,
    Touchpoint,
    WebActed,
)
from schemas.rules.lifecycle_tree import KINDS
from services.fold.projection import Event

KNOWN, REACHED, RESPONDED, CONSIDERED, DECIDED, SERVED, BOUGHT = (
    1 << number for number, _ in enumerate(KINDS)
)
"""A kind's bit in a day's mask; whether anything was bought is told by orders, never by events."""

LATE_PERCENT: Final = 50
"""A deal at least this likely to be won is as good as decided; so CRM systems set the stages."""
DECIDING_ACTIONS: Final = frozenset(
    {
        "add_payment_info",
        "begin_checkout",
        "book",
        "checkout",
        "checkout_started",
        "checkout_step_completed",
        "payment_info_entered",
        "request_quote",
        "start_checkout",
    }
)
"""What people do on a page that have all but bought; the words of Segment and Google Analytics."""


def _opened(data: EmailOpened | EmailClicked) -> int:
    return KNOWN if data.machine else RESPONDED


def _acted(data: WebActed) -> int:
    return DECIDED if data.action.lower().replace(" ", "_") in DECIDING_ACTIONS else CONSIDERED


def _called(data: CallEnded) -> int:
    return CONSIDERED if data.direction == "inbound" else REACHED


def _messaged(data: MessageSent) -> int:
    return REACHED if data.is_delivered else KNOWN


def _replied(data: CaseReplied) -> int:
    return KNOWN if data.is_internal else SERVED


def _moved(data: DealMoved) -> int:
    likely = data.probability_percent
    return DECIDED if likely is not None and likely >= LATE_PERCENT else CONSIDERED


def _held(data: AppointmentHeld) -> int:
    return DECIDED if data.outcome == "held" else KNOWN


def _started(data: SubscriptionStarted) -> int:
    return CONSIDERED if data.trial_ends_at else DECIDED


ACTIVITIES: Final[Mapping[str, int | Callable[[Any], int]]] = {
    "email.sent": REACHED,
    "email.delivered": REACHED,
    "email.opened": _opened,
    "email.clicked": _opened,
    "email.received": RESPONDED,
    "call.ended": _called,
    "chat.ended": CONSIDERED,
    "message.sent": _messaged,
    "message.received": RESPONDED,
    "feedback.given": SERVED,
    "web.visited": RESPONDED,
    "web.acted": _acted,
    "form.submitted": CONSIDERED,
    "consent.given": RESPONDED,
    "purchase.refunded": SERVED,
    "purchase.cancelled": SERVED,
    "subscription.started": _started,
    "subscription.renewed": SERVED,
    "case.opened": SERVED,
    "case.replied": _replied,
    "case.reopened": SERVED,
    "deal.opened": CONSIDERED,
    "deal.moved": _moved,
    "deal.won": DECIDED,
    "appointment.booked": DECIDED,
    "appointment.held": _held,
    "reward.granted": REACHED,
}
"""What is not named here (a contact imported, a note, a task, a mail that bounced, an unsubscribing
or any other farewell, types of the producer's own, and a purchase, which its order speaks for) only
makes a customer known. Control events and decisions are no activity at all."""

_BY_CLASS: Final[Mapping[type, int | Callable[[Any], int]]] = {
    **{cls: ACTIVITIES.get(cls.type, KNOWN) for cls in get_args(Touchpoint | Business)},
    **dict.fromkeys(get_args(Control), 0),
}
_BUSINESS: Final = frozenset(get_args(Business))


def kind_of(event: Event) -> int:
    """The event's bit; 0 where it is no activity.

    What the platform appends is none, nor are business events from a browser's key: anybody can
    read such a key and tell of deals that never were.
    """
    cls, key_kind = event.data.__class__, event.recorded.key_kind
    if key_kind == "platform" or (key_kind == "browser" and cls in _BUSINESS):
        return 0
    found = _BY_CLASS[cls]
    return found(event.data) if callable(found) else found
