"""Workspaces out of the log, for a store that was lost."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from services.commands.workspaces import in_log
from services.ingest.receive import receive_control
from services.log.memory import MemoryLog
from services.log.port import CONTROL, Entry
from services.vault.memory import MemoryVault

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def told(workspace: str, type_: str, id_: str, **data: Any) -> tuple[str, bytes]:
    event = {"id": id_, "source": "touchline", "type": type_, "occurred_at": NOW}
    return workspace, msgspec.json.encode(event | {"data": {"by": "test", **data}})


def test_they_are_as_they_were_created_first_and_changed_last() -> None:
    log = MemoryLog()
    log.append([Entry(CONTROL, b'no record, "type":"workspace.created"')])
    events = [
        told("shop", "workspace.created", "1", name="Shop", region="DE"),
        told("bank", "workspace.created", "2", name="Bank", currency="GBP"),
        told("shop", "workspace.changed", "3", time_zone="Europe/Berlin"),
        told("shop", "workspace.created", "4", name="Another"),
    ]
    receive_control(events, NOW, vault=MemoryVault(), log=log)

    shop, bank = in_log(log)

    assert shop == ("shop", "Shop", "Europe/Berlin", "EUR", "DE", NOW)
    assert (bank.workspace, bank.currency, bank.time_zone) == ("bank", "GBP", "UTC")
    assert in_log(MemoryLog()) == []
