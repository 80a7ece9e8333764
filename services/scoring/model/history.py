"""History: a customer's events as scores see them, small and in time order."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas import appendable_by
from schemas.alert import AlertAcknowledged, AlertClosed
from schemas.call import CallEnded
from schemas.case import CaseClosed, CaseOpened, CaseReopened, CaseReplied, CaseResolved
from schemas.chat import ChatEnded
from schemas.email import EmailClicked, EmailOpened
from schemas.envelope import Recorded
from schemas.feedback import FeedbackGiven
from schemas.points import PointsExpiring, PointsRedeemed
from schemas.purchase import PurchaseCancelled, PurchaseCompleted, PurchaseRefunded
from schemas.subscription import SubscriptionPaymentFailed, SubscriptionRenewed, SubscriptionStarted

DAY_S: Final = 86_400


class Entry(NamedTuple):
    """One event; sorts by time, and whatever else is the same whoever sorts."""

    at_s: int
    """When it occurred, in seconds since 1970."""
    type: str
    source: str
    id: str
    about: str = ""
    """The order, case, chat, subscription or alert that it belongs to."""
    value: float = 0.0
    """Money in minor units, a score as its share of the scale, seconds until an answer, points;
    of an act upon an alert, until when it is snoozed."""
    unit: str = ""
    """Currency of money, survey of a score, kind of a case, author of a reply or of an act."""

    @property
    def day(self) -> int:
        """Days since 1970."""
        return self.at_s // DAY_S

    @property
    def family(self) -> str:
        """The first half of its type."""
        return self.type.partition(".")[0]


def history(events: Iterable[Recorded[Any]]) -> Sequence[Entry]:
    """``events`` in time order, without what a program did in the customer's name."""
    return sorted(entry for event in events if (entry := entry_of(event)) is not None)


def until(entries: Iterable[Entry], at_s: int) -> list[Entry]:
    """What was known at ``at_s``: the only way by which a score sees a history."""
    return sorted(entry for entry in entries if entry.at_s <= at_s)


def entry_of(event: Recorded[Any]) -> Entry | None:
    """What scores need of ``event``, if anything.

    None where a program did it, where customers don't see it, or where a page's key claims
    business, which is kept but never counted.
    """
    if isinstance(event.data, EmailOpened | EmailClicked) and event.data.machine:
        return None
    if event.key_kind == "browser" and appendable_by(event.type) == "business":
        return None
    if isinstance(event.data, CaseReplied) and event.data.is_internal:
        return None
    return Entry(
        _at_s(event.occurred_at), event.type, event.source, event.id, *_particulars(event.data)
    )


def _particulars(data: object) -> tuple[str, float, str]:
    """What it is about, its value and its unit, as far as scores look at them."""
    match data:
        case PurchaseCompleted() | PurchaseRefunded():
            return data.order_id, float(data.amount_minor), data.currency
        case PurchaseCancelled():
            return data.order_id, 0.0, ""
        case SubscriptionPaymentFailed() | SubscriptionRenewed() | SubscriptionStarted():
            return data.subscription_id, float(data.amount_minor), ""
        case PointsExpiring():
            return str(_at_s(data.expires_at)), float(data.points), ""
        case PointsRedeemed():
            return data.redemption_id, float(data.points), ""
        case _:
            return _service(data)


def _service(data: object) -> tuple[str, float, str]:
    match data:
        case CaseOpened():
            return data.case_id, 0.0, data.kind
        case CaseReplied():
            return data.case_id, _seconds(data.reply_s), data.author
        case CaseResolved() | CaseReopened() | CaseClosed():
            return data.case_id, 0.0, ""
        case ChatEnded():
            return data.chat_id or "", _seconds(data.first_reply_s), data.outcome
        case CallEnded():
            return data.call_id or "", _seconds(data.queue_s), f"{data.direction} {data.outcome}"
        case FeedbackGiven(score=float() | int() as score):
            low, high = data.scale
            return data.case_id or "", (score - low) / (high - low), data.survey
        case AlertAcknowledged():
            until = data.snoozed_until_at
            return data.alert_id, float(_at_s(until)) if until else 0.0, data.by
        case AlertClosed():
            return data.alert_id, 0.0, data.by
        case _:
            return "", 0.0, ""


def _seconds(known: int | None) -> float:
    """A duration, or less than none where it was not told."""
    return -1.0 if known is None else float(known)


def _at_s(at: datetime) -> int:
    return int(at.timestamp())
