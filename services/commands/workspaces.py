"""Workspaces: opened with what gives their events a meaning, and told to the log at once."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.codec import Undecodable, decode
from schemas.envelope import Recorded
from schemas.fields import iana, iso4217
from schemas.workspace import WorkspaceCreated
from services.commands.policies import defaults
from services.errors import Refused
from services.log.port import CONTROL, Log
from services.store.tenants import Tenants, WorkspaceRow

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LONGEST_TITLE: Final = 200
AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class WorkspaceOrder:
    """What is asked for; ``name`` is what people call it, the workspace's own name by default."""

    workspace: str
    name: str = ""
    time_zone: str = "UTC"
    currency: str = "EUR"
    region: str = "US"


def create_workspace(
    order: WorkspaceOrder,
    tenants: Tenants,
    now: datetime,
    *,
    by: str,
) -> WorkspaceRow:
    """Open a workspace; ``workspace.created`` and the default policies leave for the log with it.

    Raises ``Refused`` for what can't be a name, time zone, currency or region, and ``Conflict``
    where there is one of this name.
    """
    _check(order)
    row = WorkspaceRow(
        order.workspace,
        order.name or order.workspace,
        order.time_zone,
        order.currency,
        order.region,
        now,
    )
    tenants.insert_workspace(row, [_created(row, by), *defaults(row.workspace, by, now)])
    return row


def in_log(log: Log) -> Sequence[WorkspaceRow]:
    """The workspaces that ``log`` tells of, as they are now: for a store that was lost."""
    found: dict[str, WorkspaceRow] = {}
    at, end = 0, log.ends()[CONTROL]
    while at < end:
        for stored in log.read(CONTROL, at, AT_ONCE):
            at = stored.offset + 1
            if b'"type":"workspace.' not in stored.payload:
                continue
            with suppress(Undecodable):
                recorded = decode(stored.payload)
                row = found.get(recorded.workspace)
                found[recorded.workspace] = _after(row, recorded)
    return list(found.values())


def _after(row: WorkspaceRow | None, recorded: Recorded[Any]) -> WorkspaceRow:
    """``row`` once ``recorded`` was taken in; of two that created it the first stands."""
    told = recorded.data
    if row is None:
        words = told.name, told.time_zone, told.currency, told.region
        return WorkspaceRow(recorded.workspace, *words, recorded.occurred_at)
    if isinstance(told, WorkspaceCreated):
        return row
    return row._replace(
        name=told.name or row.name,
        time_zone=told.time_zone or row.time_zone,
        currency=told.currency or row.currency,
        region=told.region or row.region,
    )


def _created(row: WorkspaceRow, by: str) -> bytes:
    data = WorkspaceCreated(
        name=row.name, time_zone=row.time_zone, currency=row.currency, region=row.region, by=by
    )
    return msgspec.json.encode(
        {
            "id": f"workspace.created/{row.workspace}",
            "source": "touchline",
            "type": data.type,
            "version": data.version,
            "occurred_at": row.created_at,
            "identifiers": [],
            "data": data,
        }
    )


def _check(order: WorkspaceOrder) -> None:
    if not _NAME.fullmatch(order.workspace):
        raise Refused(
            "can't name a workspace",
            "use at most 63 of a-z, 0-9 and -, the first no -",
            field="workspace",
            value=order.workspace,
        )
    if len(order.name) > _LONGEST_TITLE:
        raise Refused("is too long", "use at most 200 characters", field="name", value=order.name)
    _check_by(iana, "time_zone", order.time_zone, "use an IANA name, like Europe/Berlin")
    _check_by(iso4217, "currency", order.currency, "use a code like EUR")
    _check_region(order.region)


def _check_by(rule: Callable[[str], object], field: str, value: str, remedy: str) -> None:
    try:
        rule(value)
    except ValueError as cause:
        raise Refused(str(cause), remedy, field=field, value=value) from cause


def _check_region(region: str) -> None:
    # Imported here: its tables take a tenth of a second, and few commands need them.
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415

    if region not in SUPPORTED_REGIONS:
        raise Refused(
            "is no region that phone numbers are read in",
            "use an ISO 3166 country code, like DE",
            field="region",
            value=region,
        )
