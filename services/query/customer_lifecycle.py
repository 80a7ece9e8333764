"""A customer's lifecycle: where it stands, why, what comes next, and the way that led there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from services.query.courses import Courses
from services.query.customer import CustomerId, group_of
from services.query.desk import DOCUMENTED, Caller, Desk, responses
from services.store.reader import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What put the customer into a stage."""

    __pydantic_config__ = DOCUMENTED

    rule: str
    """The stage's conditions, in words."""
    facts: Mapping[str, str | int]
    """What of the customer met them, by name: days are ISO dates, ``rhythm_days`` is how often
    the customer buys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """What time alone will do."""

    __pydantic_config__ = DOCUMENTED

    stage: str
    on: date
    """At 00:00 UTC of that day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A customer in a stage."""

    __pydantic_config__ = DOCUMENTED

    stage: str
    since: date
    """The first day of it, UTC."""
    policy_version: int
    """The version of the machine that says so."""
    why: Why
    next: Coming | None
    """What comes if nothing happens; null if it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A stage on the customer's way."""

    __pydantic_config__ = DOCUMENTED

    machine: str
    stage: str
    since: date
    until: date | None
    """The day on which it was left; null where the customer is in it still."""
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLifecycle:
    """Where a customer stands in each machine."""

    __pydantic_config__ = DOCUMENTED

    customer_id: str
    at: datetime | None
    """The instant that this holds for: the last minute told, or a later event's; null for whom
    nothing happened to yet."""
    stages: Mapping[str, Stay]
    """By machine; ``default`` is the one whose stage is the customer's."""
    history: Sequence[Passed]
    """Every stage there was, oldest first, computed from all that is known by now: what was told
    late is in it from the day on which it happened."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers/{customer_id}/lifecycle``."""
    routes = APIRouter(tags=["lifecycle"])

    @routes.get(
        "/v1/customers/{customer_id}/lifecycle",
        summary="Show where a customer stands, and why",
        responses=responses(CustomerLifecycle, "Stages, what comes next, and the way there.", 404),
    )
    async def show_lifecycle(
        caller: Annotated[Caller, Depends(desk.caller)], customer_id: CustomerId
    ) -> Response:
        """For each machine the stage, the facts behind it, and what comes if nothing happens."""
        return await desk.read(
            caller, lambda reading: shown(reading, customer_id, desk.courses), is_slow=True
        )

    return routes


def shown(reading: Reading, identifier: str, courses: Courses) -> CustomerLifecycle:
    """The lifecycle of whom ``identifier`` is part of; raises ``NotFound``."""
    customer_id = group_of(reading, identifier)
    days = courses.active_days(reading, courses.leaves(reading, customer_id))
    course, ruled = courses.lifecycle.course, courses.ruled(reading)
    book = ruled.book(course)
    state = courses.state(reading, customer_id, (course, book), lambda: days)
    as_of = course.as_of(state)
    if as_of is None:
        return CustomerLifecycle(customer_id=customer_id, at=None, stages={}, history=[])
    at = ruled.time.at(as_of)
    found: Mapping[str, Any] = course.settle(state, at, book)
    return CustomerLifecycle(
        customer_id=customer_id,
        at=at,
        stages={machine: _stay(stay) for machine, stay in found["stages"].items()},
        history=list(_passed(courses.lifecycle.path(days, book, at))),
    )


def _stay(told: Mapping[str, Any]) -> Stay:
    return Stay(
        stage=told["stage"],
        since=told["since"],
        policy_version=told["policy_version"],
        why=_why(told["why"]),
        next=Coming(**told["next"]) if told["next"] else None,
    )


def _why(told: Mapping[str, Any]) -> Why:
    return Why(
        rule=told["rule"], facts={name: fact for name, fact in told.items() if name != "rule"}
    )


def _passed(moves: Sequence[Any]) -> Iterator[Passed]:
    """Moves as stays: each ends where the machine's next begins."""
    until: dict[str, date] = {}
    found = []
    for move in reversed(moves):
        found.append(
            Passed(
                machine=move.machine,
                stage=move.stage,
                since=move.from_date,
                until=until.get(move.machine),
                why=_why(move.why),
            )
        )
        until[move.machine] = move.from_date
    return reversed(found)
