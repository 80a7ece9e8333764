"""The language: every event type that may be recorded, in three unions by who may append it."""

from typing import Any, Final, Literal, TypeAlias, get_args

from schemas.access import AccessAudited
from schemas.alert import AlertAcknowledged, AlertClosed, AlertRaised
from schemas.appointment import AppointmentBooked, AppointmentHeld
from schemas.call import CallEnded
from schemas.case import (
    CaseAssigned,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseReopened,
    CaseReplied,
    CaseResolved,
)
from schemas.chat import ChatEnded
from schemas.clock import ClockTicked
from schemas.consent import ConsentGiven, ConsentWithdrawn
from schemas.custom import Custom, custom_name
from schemas.customer import CustomerErased, CustomerIdentified, CustomerMerged, CustomerSplit
from schemas.deal import DealLost, DealMoved, DealOpened, DealWon
from schemas.email import (
    EmailBounced,
    EmailClicked,
    EmailComplained,
    EmailDelivered,
    EmailOpened,
    EmailReceived,
    EmailSent,
    EmailUnsubscribed,
)
from schemas.event import EventConflicted, EventQuarantined, EventVoided
from schemas.feedback import FeedbackGiven
from schemas.form import FormSubmitted
from schemas.lifecycle import LifecycleChanged
from schemas.message import MessageReceived, MessageSent
from schemas.model import ModelPromoted
from schemas.note import NoteWritten
from schemas.points import PointsAdjusted, PointsExpiring, PointsRedeemed
from schemas.policy import PolicyPublished
from schemas.purchase import PurchaseCancelled, PurchaseCompleted, PurchaseRefunded
from schemas.reward import RewardGranted
from schemas.score import ScoreComputed
from schemas.subscription import (
    SubscriptionCancelled,
    SubscriptionPaymentFailed,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from schemas.task import TaskCompleted, TaskCreated
from schemas.tier import TierChanged
from schemas.web import WebActed, WebVisited
from schemas.workspace import WorkspaceChanged, WorkspaceCreated

Touchpoint: TypeAlias = (
    EmailSent
    | EmailDelivered
    | EmailOpened
    | EmailClicked
    | EmailBounced
    | EmailComplained
    | EmailUnsubscribed
    | EmailReceived
    | CallEnded
    | ChatEnded
    | MessageSent
    | MessageReceived
    | FeedbackGiven
    | WebVisited
    | WebActed
    | FormSubmitted
    | CustomerIdentified
    | ConsentGiven
    | ConsentWithdrawn
    | Custom
)
"""Any key that writes may append these."""

Business: TypeAlias = (
    PurchaseCompleted
    | PurchaseRefunded
    | PurchaseCancelled
    | SubscriptionStarted
    | SubscriptionRenewed
    | SubscriptionPaymentFailed
    | SubscriptionCancelled
    | CaseOpened
    | CaseAssigned
    | CaseReplied
    | CaseEscalated
    | CaseResolved
    | CaseReopened
    | CaseClosed
    | DealOpened
    | DealMoved
    | DealWon
    | DealLost
    | TaskCreated
    | TaskCompleted
    | AppointmentBooked
    | AppointmentHeld
    | NoteWritten
    | RewardGranted
)
"""Servers append these; from a browser key they are kept but never counted."""

Control: TypeAlias = (
    WorkspaceCreated
    | WorkspaceChanged
    | CustomerMerged
    | CustomerSplit
    | CustomerErased
    | PolicyPublished
    | ClockTicked
    | EventVoided
    | EventConflicted
    | EventQuarantined
    | PointsRedeemed
    | PointsAdjusted
    | PointsExpiring
    | LifecycleChanged
    | TierChanged
    | ScoreComputed
    | ModelPromoted
    | AlertRaised
    | AlertAcknowledged
    | AlertClosed
    | AccessAudited
)
"""Only our own commands and folds append these."""

Data: TypeAlias = Touchpoint | Business | Control
Appender: TypeAlias = Literal["touchpoint", "business", "control"]

TYPES: Final[dict[str, type[Any]]] = {kind.type: kind for kind in get_args(Data)}
"""Every class by its wire name; producers' own types are all under ``custom``."""

_APPENDERS: Final[dict[str, Appender]] = {
    **{kind.type: "touchpoint" for kind in get_args(Touchpoint)},
    **{kind.type: "business" for kind in get_args(Business)},
    **{kind.type: "control" for kind in get_args(Control)},
}


def key_of(type_: str) -> str | None:
    """The key of ``type_`` in ``TYPES``, or None where no such type may be recorded."""
    if custom_name(type_):
        return Custom.type
    return type_ if type_ in TYPES and type_ != Custom.type else None


def appendable_by(type_: str) -> Appender:
    """Who may append events of ``type_``; raises ``LookupError`` for a type that does not exist."""
    key = key_of(type_)
    if key is None:
        msg = f"no event type {type_!r}"
        raise LookupError(msg)
    return _APPENDERS[key]
