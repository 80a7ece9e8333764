"""Alerts: what people do about them, each an event of its own beside the customer's others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas import AlertAcknowledged, AlertClosed
from schemas.explain import shortened
from services.clock import Clock
from services.commands.awaiting import token
from services.commands.control import checked
from services.commands.once import Asked, Outcome, Request, once
from services.errors import Conflict, NotFound, Refused
from services.fold.decisions import decision
from services.log.port import Log, partition_of
from services.store import alerts
from services.store.balance import Balances, Deciding, Decision

LONGEST_SNOOZE: Final = timedelta(days=366)


Make = Callable[[alerts.Known], AlertAcknowledged | AlertClosed | Conflict]
"""What to say of an alert, or what stands in its way."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What was done; it is safe."""

    alert_id: str
    id: str
    """Of the event."""
    position: str
    """A token to wait for."""


class Alerts:
    """Acts upon alerts; answers at commit, before the log has it."""

    def __init__(
        self, balances: Balances, known: alerts.Alerts, log: Log, clock: Clock
    ) -> None:  # fmt: skip
        self._balances, self._known, self._log, self._clock = balances, known, log, clock

    def acknowledge(self, asked: Asked, alert_id: str) -> Acted:
        """Somebody takes care of it. Raises ``NotFound``."""
        data = AlertAcknowledged(alert_id=alert_id, by=asked.by)
        return self._said(asked, ["acknowledge", alert_id], alert_id, lambda _: data)

    def act(self, asked: Asked, alert_id: str, action: str) -> Acted:
        """Somebody did something about it. Raises ``NotFound``."""
        data = AlertAcknowledged(alert_id=alert_id, by=asked.by, action=action)
        return self._said(asked, ["act", alert_id, action], alert_id, lambda _: data)

    def snooze(self, asked: Asked, alert_id: str, wanted: datetime | timedelta) -> Acted:
        """Nothing more of its rule until then, or for so long.

        Raises ``NotFound``, and ``Refused`` for a time that has come or is more than a year off.
        """

        def data(_: alerts.Known) -> AlertAcknowledged:
            now = self._clock.now().replace(microsecond=0)
            until = now + wanted if isinstance(wanted, timedelta) else wanted
            _refuse_odd(until, now)
            return AlertAcknowledged(alert_id=alert_id, by=asked.by, snoozed_until_at=until)

        return self._said(asked, ["snooze", alert_id, wanted], alert_id, data)

    def close(self, asked: Asked, alert_id: str, reason: str | None) -> Acted:
        """It is settled, though its reason may last: the same episode is not alerted again.

        Raises ``NotFound``, and ``Conflict`` where it is closed already.
        """

        def data(known: alerts.Known) -> AlertClosed | Conflict:
            if known.closed_at is not None:
                return Conflict(
                    f"is closed since {known.closed_at:%Y-%m-%dT%H:%MZ}",
                    "act upon it, if something was done about it",
                    field="alert_id",
                    value=alert_id,
                )
            return AlertClosed(alert_id=alert_id, by=asked.by, reason=reason)

        return self._said(asked, ["close", alert_id, reason], alert_id, data)

    def _said(self, asked: Asked, words: list[object], alert_id: str, make: Make) -> Acted:
        def decide(_: Deciding, id_: str) -> Outcome | Conflict:
            known = self._known.known(asked.workspace, alert_id)
            if known is None:
                raise _stranger(alert_id)
            data = make(known)
            if isinstance(data, Conflict):
                return data
            at = self._clock.now()
            event = decision(data, id_=id_, occurred_at=at, identifiers=[known.customer_id])
            partition = partition_of(known.customer_id, self._log.partitions)
            return Outcome(Decision(checked(event)), {"id": id_, "partition": partition})

        answer = once(self._balances, asked, Request(words), decide)
        return Acted(alert_id, answer["id"], token(answer["outbox_id"], answer["partition"]))


def _stranger(alert_id: str) -> NotFound:
    return NotFound(
        "is no alert of this workspace",
        "list them with GET /v1/alerts",
        field="alert_id",
        value=shortened(alert_id),
    )


def _refuse_odd(until: datetime, now: datetime) -> None:
    value = until.isoformat()
    if until <= now:
        remedy = "leave it out to snooze for as long as the rule says"
        raise Refused("is not in the future", remedy, field="until", value=value)
    if until > now + LONGEST_SNOOZE:
        latest = f"{now + LONGEST_SNOOZE:%Y-%m-%dT%H:%MZ}"
        remedy = f"choose {latest} or earlier, or switch the rule off"
        raise Refused("is more than a year from now", remedy, field="until", value=value)
