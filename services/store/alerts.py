"""Alerts in the store: what was told of each, and what people did about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class AlertRow(NamedTuple):
    """An alert as it was told, with what became of it since."""

    workspace: str
    alert_id: str
    customer_id: str
    """As it was when it was raised."""
    rule: str
    policy_version: int
    severity: str
    owner: str
    began_at: datetime
    """When its episode began, by what was known then."""
    raised_at: datetime
    facts: Mapping[str, Any]
    """Values beside their thresholds."""
    events: Sequence[str]
    """Ids of the events behind it."""
    is_restated: bool
    """History: it was recorded, and nobody was told."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    action: str | None = None
    """What somebody said they did about it, last."""
    acted_at: datetime | None = None
    """When somebody first did something for the customer, or said so."""
    snoozed_until: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    outcome: str = "unknown"
    """left, stayed, gone or unknown, as ``scoring.rules.leaving`` has them."""
    outcome_due_at: datetime | None = None
    """When it may be known; None where it is, or never will be."""


class Act(NamedTuple):
    """What a person did about an alert."""

    workspace: str
    alert_id: str
    at: datetime
    by: str
    action: str | None = None
    """Of a closing the reason."""
    snoozed_until: datetime | None = None
    is_closing: bool = False


class Known(NamedTuple):
    """As much of an alert as whoever acts upon it has to know."""

    customer_id: str
    """As it is now."""
    rule: str
    closed_at: datetime | None


class TestedRow(NamedTuple):
    """What a backtest of a rule found."""

    rule: str
    digest: str
    """Of the rule's very words."""
    tested_at: datetime
    by: str
    body: Mapping[str, Any]


class Alerts(Protocol):
    """What commands ask about alerts; every call raises ``Unavailable`` where the store is away."""

    def known(self, workspace: str, alert_id: str) -> Known | None:
        """The alert of this id."""

    def keep(self, workspace: str, tested: TestedRow) -> None:
        """Keep what a backtest found in the place of what it found before."""

    def tested(self, workspace: str, rule: str, digest: str) -> TestedRow | None:
        """What the backtest of that very rule found last."""
