"""The lifecycle in figures: how many are in each stage, who moved, and how long they stay.

Counts, and who came, are of the rows that folds write. Moves are of what was decided as it happened
(`lifecycle.changed` in the archive, but for what is restated): exactly what teams were told, and
one scan of a column. History that an import brings makes no moves: while it comes, a customer seems
to be wherever the part that is known by then leads. The way of one customer is computed from facts,
which takes milliseconds: too long to be asked of all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.rules.lifecycle import Lifecycle as Machine
from schemas.rules.lifecycle import parse
from services.errors import Refused
from services.query.archived import Moves
from services.query.courses import Ruled
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.figures import COUNTING_S

COUNTS: Final = """
SELECT machine, stay ->> 'stage', (stay ->> 'since')::date, count(*)
FROM lifecycle, jsonb_each(stages) AS of_machine (machine, stay)
WHERE workspace = %(workspace)s GROUP BY 1, 2, 3
"""
PERIOD: Final = timedelta(days=29)
"""Before the last day, unless other days are asked for: thirty in all."""
Tally = Counter[int]
"""So many by a number of days."""


@dataclass(slots=True)
class Here:
    """Who is in a stage now."""

    days: Tally = field(default_factory=Counter)
    """How long they have been in it."""
    newcomers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFigures:
    """A stage, who is in it, and who came and went in the period."""

    __pydantic_config__ = DOCUMENTED

    stage: str
    means: str
    """What it says of a customer, as the policy has it."""
    customers: int
    """Who is in it now."""
    median_days: int | None
    """How long they have been in it; null where nobody is."""
    newcomers: int
    """Of these, who came in the period."""
    left: int
    """Who was seen to leave it in the period."""
    median_days_to_leave: int | None
    """How long these had been in it; null where that is known of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFigures:
    """Moves between two stages in the period."""

    __pydantic_config__ = DOCUMENTED

    previous: str | None
    """Null for the first stage that was told of a customer."""
    stage: str
    moves: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFigures:
    """A lifecycle machine."""

    __pydantic_config__ = DOCUMENTED

    machine: str
    means: str
    customers: int
    stages: Sequence[StageFigures]
    """From the first on the way to the last: the policy's order of precedence, turned round."""
    moves: Sequence[MoveFigures]
    """The most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleFigures:
    """All machines."""

    __pydantic_config__ = DOCUMENTED

    at: datetime | None
    """The minute up to which counts are settled; null before the first."""
    first: date
    """The period of the moves: days in UTC, both included."""
    last: date
    machines: Sequence[MachineFigures]


class Asked(BaseModel):
    """What can be asked of the figures."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    from_: Annotated[date | None, Field(alias="from", examples=["2026-10-01"])] = None
    """The first day of the period of moves, UTC; by default 29 days before ``to``."""
    to: Annotated[date | None, Field(examples=["2026-10-31"])] = None
    """Its last day; today by default."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/lifecycle``."""
    routes = APIRouter(tags=["lifecycle"])

    @routes.get(
        "/v1/lifecycle",
        summary="Show the lifecycle in figures",
        responses=responses(LifecycleFigures, "Counts by stage, and moves of a period."),
    )
    async def show_figures(
        caller: Annotated[Caller, Depends(desk.caller)], asked: Annotated[Asked, Query()]
    ) -> Response:
        """Moves are those that were decided as they happened; what an import brought is none."""
        last = asked.to or desk.clock.now().astimezone(UTC).date()
        first = asked.from_ or max(date.min + PERIOD, last) - PERIOD
        if first > last:
            raise Refused("is after to", "send days in their order", field="from", value=str(first))

        def count() -> Answered:
            return counted(desk, caller.workspace, first, last)

        return await desk.answer(
            caller,
            lambda: desk.figures.answered(
                ("lifecycle", caller.workspace, first, last),
                count,
                is_fresh=caller.awaited is not None,
            ),
            # Never ahead of the folds, so that counts include what moves do.
            desk.archived,
            is_slow=True,
        )

    return routes


def counted(desk: Desk, workspace: str, first: date, last: date) -> Answered:
    """All figures; counts of one snapshot, moves as far as the archive is fed."""
    with desk.reader.reading(workspace) as reading:
        reading.may_take(COUNTING_S)
        ruled = desk.courses.ruled(reading)
        rows = reading.rows(COUNTS)
        position = reading.archived()
    today = ruled.time.tick.date()
    stays: dict[str, dict[str, Here]] = defaultdict(lambda: defaultdict(Here))
    for machine, stage, since, customers in rows:
        here = stays[machine][stage]
        here.days[max(0, (today - since).days)] += customers
        here.newcomers += customers if first <= since <= last else 0
    moves: dict[str, list[Moves]] = defaultdict(list)
    for one in desk.timelines.moves(workspace, first, last):
        if not one.is_restated:
            moves[one.machine].append(one)
    machines = dict(_machines(ruled))
    return Answered(
        LifecycleFigures(
            at=ruled.tick,
            first=first,
            last=last,
            machines=[
                _machine(name, machines.get(name), stays[name], moves[name])
                for name in sorted({*machines, *stays}, key=_default_first)
            ],
        ),
        position,
    )


def median(tally: Mapping[int, int]) -> int | None:
    """The median, the lower of two; None of nothing."""
    half = (sum(tally.values()) + 1) // 2
    passed = 0
    for days, many in sorted(tally.items()):
        passed += many
        if passed >= half:
            return days
    return None


def _machines(ruled: Ruled) -> Iterator[tuple[str, Machine]]:
    for name, rule in ruled.in_force("lifecycle", ruled.time.tick).items():
        machine = parse(msgspec.json.decode(rule.body))
        if isinstance(machine, Machine):
            yield name, machine


def _default_first(name: str) -> tuple[bool, str]:
    return name != "default", name


def _machine(
    name: str, rules: Machine | None, stays: Mapping[str, Here], moves: Sequence[Moves]
) -> MachineFigures:
    means = {stage.name: stage.means for stage in reversed(rules.stages)} if rules else {}
    names = [*means, *sorted(stage for stage in stays if stage not in means)]
    return MachineFigures(
        machine=name,
        means=rules.means if rules else "",
        customers=sum(here.days.total() for here in stays.values()),
        stages=[_stage(stage, means.get(stage, ""), stays, moves) for stage in names],
        moves=_between(moves),
    )


def _stage(
    name: str, means: str, stays: Mapping[str, Here], moves: Sequence[Moves]
) -> StageFigures:
    left = [one for one in moves if one.previous == name]
    to_leave: Tally = Counter()
    for one in left:
        if one.days is not None:
            to_leave[one.days] += one.moves
    here = stays.get(name, Here())
    return StageFigures(
        stage=name,
        means=means,
        customers=here.days.total(),
        median_days=median(here.days),
        newcomers=here.newcomers,
        left=sum(one.moves for one in left),
        median_days_to_leave=median(to_leave),
    )


def _between(moves: Sequence[Moves]) -> Sequence[MoveFigures]:
    every: Counter[tuple[str | None, str]] = Counter()
    for one in moves:
        every[one.previous, one.stage] += one.moves
    return [
        MoveFigures(previous=previous, stage=stage, moves=many)
        for (previous, stage), many in every.most_common()
    ]
