"""Status: the account of every record, so that nothing can be missing unseen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from services.log.port import Position
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.store.reader import NONE, Reader, Reading

CHECKPOINTS: Final = """
SELECT partition, next_offset, applied, duplicate, dead_lettered FROM checkpoint
"""
WORKSPACE: Final = """
SELECT coalesce(sum(applied), 0)::bigint, coalesce(sum(duplicate), 0)::bigint,
       coalesce(sum(dead_lettered), 0)::bigint
FROM workspace_count WHERE workspace = %(workspace)s
"""
UNSETTLED: Final = "SELECT count(*) FROM unsettled WHERE workspace = %(workspace)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionStatus:
    """Of one partition; accepted = applied + duplicate + dead_lettered + in_flight, always."""

    __pydantic_config__ = DOCUMENTED

    partition: int
    accepted: int
    """In the log, of all workspaces."""
    applied: int
    """Folded, each exactly once."""
    duplicate: int
    """Recorded before, word for word: they changed nothing."""
    dead_lettered: int
    """Kept as dead letters, with the reason."""
    in_flight: int
    """In the log and not folded yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceStatus:
    """What became of a workspace's records, those in flight aside."""

    __pydantic_config__ = DOCUMENTED

    workspace: str
    applied: int
    duplicate: int
    dead_lettered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveStatus:
    """How far the archive is, which timelines read."""

    __pydantic_config__ = DOCUMENTED

    archived: int
    """Records whose outcome the archive holds."""
    in_flight: int
    """Records that it does not hold yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The account of every record."""

    __pydantic_config__ = DOCUMENTED

    partitions: Sequence[PartitionStatus]
    workspaces: Sequence[WorkspaceStatus]
    """The key's own."""
    archive: ArchiveStatus
    unsettled: int
    """Customers, the key's own, whose stages and tiers in lists and figures are behind: while a
    backlog is folded they wait for its end. Who asks for one customer gets what is folded."""
    lag_s: float
    """Age of the oldest record that is not folded, in seconds; 0 when all are."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/status``."""
    routes = APIRouter(tags=["operation"])

    @routes.get(
        "/v1/status",
        summary="Show the account of all records",
        responses=responses(Status, "Accepted = applied + duplicate + dead-lettered + in flight."),
    )
    async def show_status(caller: Annotated[Caller, Depends(desk.caller)]) -> Response:
        """For every partition what is in the log, and what became of it."""
        return await desk.answer(caller, lambda: _answered(desk, caller), desk.folded)

    return routes


def _answered(desk: Desk, caller: Caller) -> Answered:
    with desk.reader.reading(caller.workspace) as reading:
        rows = {partition: kept for partition, *kept in reading.rows(CHECKPOINTS)}
        own = _own(reading)
        fed = reading.archived()
        [(unsettled,)] = reading.rows(UNSETTLED)
    # Asked after the checkpoints: an end is never before them, so nothing is in flight below zero.
    ends = desk.log.ends()
    return Answered(
        Status(
            partitions=partitions(rows, ends),
            workspaces=[own],
            archive=ArchiveStatus(
                archived=sum(fed.values()),
                in_flight=sum(
                    max(0, end - fed.get(partition, 0)) for partition, end in ends.items()
                ),
            ),
            unsettled=unsettled,
            lag_s=round(desk.folded.measure(), 3),
        ),
        reading.position,
    )


def counts(reader: Reader) -> dict[int, list[int]]:
    """Of each partition: next offset, applied, duplicate, dead-lettered; no workspace is seen."""
    with reader.reading(NONE) as reading:
        return {partition: kept for partition, *kept in reading.rows(CHECKPOINTS)}


def partitions(rows: dict[int, list[int]], ends: Position) -> list[PartitionStatus]:
    """The account of each partition of a log that ends at ``ends``."""
    account = []
    for partition, end in sorted(ends.items()):
        next_offset, applied, duplicate, dead_lettered = rows.get(partition, (0, 0, 0, 0))
        account.append(
            PartitionStatus(
                partition=partition,
                accepted=end,
                applied=applied,
                duplicate=duplicate,
                dead_lettered=dead_lettered,
                in_flight=end - next_offset,
            )
        )
    return account


def _own(reading: Reading) -> WorkspaceStatus:
    row = reading.row(WORKSPACE) or (0, 0, 0)
    return WorkspaceStatus(
        workspace=reading.workspace, applied=row[0], duplicate=row[1], dead_lettered=row[2]
    )
