"""Deliveries: what targets were sent, looked at, tried out and sent again."""

import secrets
from collections.abc import Sequence

from services.clock import Clock
from services.commands.message import encode, trial
from services.commands.targets import Targets
from services.errors import Conflict, NotFound
from services.store.targets import DeliveryRow, Sought, TargetRow
from services.store.targets import Targets as Store


class Deliveries:
    """The deliveries of all workspaces; who asks names one."""

    def __init__(self, store: Store, targets: Targets, clock: Clock) -> None:
        self._store, self._targets, self._clock = store, targets, clock

    def test(self, workspace: str, target_id: str) -> int:
        """Send a message that says it is a trial, once; the delivery's number.

        Raises ``Conflict`` for a target that is disabled.
        """
        row, _ = self._targets.find(workspace, target_id)
        _demand_enabled(row)
        now, id_ = self._clock.now(), f"test-{secrets.token_hex(16)}"
        message = trial(id_, workspace, now)
        return self._store.queue(row, (id_, message.type, encode(message)), now)

    def page(self, workspace: str, sought: Sought) -> Sequence[DeliveryRow]:
        """At most so many deliveries, newest first."""
        return self._store.deliveries(workspace, sought)

    def find(self, workspace: str, delivery_id: int) -> DeliveryRow:
        """One delivery; raises ``NotFound``."""
        found = self._store.delivery(workspace, delivery_id)
        if found is None:
            raise _unknown_delivery(delivery_id)
        return found

    def redeliver(self, workspace: str, delivery_id: int) -> DeliveryRow:
        """Send it again under the same id, at once, and for three days from now where it fails.

        Raises ``NotFound``, and ``Conflict`` for a target that is disabled.
        """
        row, _ = self._targets.find(workspace, self.find(workspace, delivery_id).target_id)
        _demand_enabled(row)
        found = self._store.requeue(workspace, delivery_id, self._clock.now())
        if found is None:
            raise _unknown_delivery(delivery_id)
        return found


def _demand_enabled(row: TargetRow) -> None:
    if not row.is_enabled:
        raise Conflict(
            "is disabled: nothing is sent to it", "enable it first",
            field="target_id", value=row.target_id,
        )  # fmt: skip


def _unknown_delivery(delivery_id: int) -> NotFound:
    return NotFound(
        "is no delivery of this workspace, or was forgotten after 30 days",
        "GET /v1/deliveries lists them",
        field="delivery_id",
        value=delivery_id,
    )
