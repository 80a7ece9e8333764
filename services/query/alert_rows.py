"""Alerts in SQL: found by what they are asked for, shown as answers have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from services.query.desk import DOCUMENTED

Status = Literal["open", "acknowledged", "snoozed", "closed"]
Severity = Literal["info", "warning", "critical"]
Outcome = Literal["left", "stayed", "gone", "unknown"]

_COLUMNS: Final = """
       alert_id, coalesce(now.customer_id, alert.customer_id), rule, policy_version, severity,
       owner, began_at, raised_at, facts, events, is_restated, acknowledged_at, acknowledged_by,
       action, acted_at, snoozed_until, closed_at, closed_by, reason, outcome,
       CASE WHEN closed_at IS NOT NULL THEN 'closed'
            WHEN snoozed_until > %(at)s::timestamptz THEN 'snoozed'
            WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE 'open' END, who.name
"""
_FROM: Final = """
    touchline.alert LEFT JOIN identifier AS now ON now.identifier = alert.customer_id
    LEFT JOIN customer AS who ON who.customer_id = coalesce(now.customer_id, alert.customer_id)
"""
ALERT: Final = f"""
SELECT {_COLUMNS}
FROM {_FROM}
WHERE alert.workspace = %(workspace)s AND alert_id = %(alert_id)s
"""  # noqa: S608 - columns of ours
CONDITIONS: Final[Mapping[str, str]] = {
    "rule": "rule = %(rule)s",
    "severity": "severity = %(severity)s",
    "since": "raised_at >= %(since)s::timestamptz",
    "customer": """alert.customer_id IN (
        SELECT member.identifier FROM identifier AS member JOIN identifier AS asked
        USING (customer_id) WHERE asked.identifier = %(customer)s::uuid)""",
    "open": """closed_at IS NULL AND acknowledged_at IS NULL
        AND (snoozed_until IS NULL OR snoozed_until <= %(at)s::timestamptz)""",
    "acknowledged": """closed_at IS NULL AND acknowledged_at IS NOT NULL
        AND (snoozed_until IS NULL OR snoozed_until <= %(at)s::timestamptz)""",
    "snoozed": "closed_at IS NULL AND snoozed_until > %(at)s::timestamptz",
    "closed": "closed_at IS NOT NULL",
    "after": "(raised_at, alert_id) < (%(raised_at)s::timestamptz, %(alert_id)s)",
    "told": "NOT is_restated",
}


def page(conditions: Sequence[str]) -> str:
    """The list's SQL, newest first; ``conditions`` are names of ``CONDITIONS``."""
    where = "".join(f" AND {CONDITIONS[one]}" for one in conditions)
    return f"""
        SELECT {_COLUMNS}
        FROM {_FROM}
        WHERE alert.workspace = %(workspace)s{where}
        ORDER BY raised_at DESC, alert_id DESC LIMIT %(limit)s
    """  # noqa: S608 - conditions of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertShown:
    """An alert, and what became of it."""

    __pydantic_config__ = DOCUMENTED

    alert_id: Annotated[str, Field(examples=["silence.5f3c0a917e2b4d6c8a90f1e2"])]
    customer_id: str
    """As it is now; ``GET /v1/customers/{customer_id}`` says who that is."""
    customer_name: str | None
    """As the customer's traits have it."""
    rule: str
    policy_version: int
    """The version of the rule that found it."""
    severity: Severity
    owner: str
    """A team or a role."""
    status: Status
    """Open until somebody acknowledged or closed it, or its reason was gone."""
    began_at: datetime
    """When the rule began to hold."""
    raised_at: datetime
    """When it was alerted: at once, or after a snooze or a cool-down."""
    evidence: dict[str, Any]
    """Values beside their thresholds, as they were then."""
    events: Sequence[str]
    """Ids of the events behind it, the newest twenty."""
    is_restated: bool
    """It is of the past (an import, scoring switched on later): recorded, and nobody was told."""
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    action: str | None
    """What somebody said they did about it, last."""
    acted_at: datetime | None
    """When somebody first said so, or called, answered or met the customer."""
    snoozed_until: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    """``scoring`` where its reason was gone."""
    reason: str | None
    """recovered, rule (another version does not see it), withdrawn (what was told late shows that
    there never was a reason), or what somebody wrote."""
    outcome: Outcome
    """What became of the customer in the ninety days after: left, stayed, gone (they had left
    before), or not known yet."""


def shown(row: Sequence[Any]) -> AlertShown:
    """An alert as answers have it."""
    return AlertShown(
        alert_id=row[0], customer_id=row[1], rule=row[2], policy_version=row[3], severity=row[4],
        owner=row[5], began_at=row[6], raised_at=row[7], evidence=row[8], events=row[9],
        is_restated=row[10], acknowledged_at=row[11], acknowledged_by=row[12], action=row[13],
        acted_at=row[14], snoozed_until=row[15], closed_at=row[16], closed_by=row[17],
        reason=row[18], outcome=row[19], status=row[20],
        customer_name=row[21],
    )  # fmt: skip
