"""The desk: what every route of the query service is given, and how it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, NamedTuple

import anyio
from anyio import to_thread
from fastapi import Depends, Header, Request, Response
from pydantic import ConfigDict

from services.clock import Clock
from services.commands.alerts import Alerts
from services.commands.awaiting import Awaited, Decisions, appended, decode
from services.commands.backtests import Backtests
from services.commands.customers import Customers
from services.commands.dead_letters import DeadLetters, Send
from services.commands.deliveries import Deliveries
from services.commands.loyalty import Points
from services.commands.policies import Policies
from services.commands.targets import Targets
from services.commands.voids import Voids
from services.edge.answers import answer, refusal
from services.edge.auth import Gate, Needs
from services.edge.headers import LAG, POSITION, WAIT_FOR
from services.edge.keys import Key, Right
from services.edge.shown import Model, content
from services.errors import Refused, Timeout
from services.log.port import Log, Position
from services.log.position import encode
from services.query.archived import Timelines
from services.query.courses import Courses
from services.query.explained import Explain
from services.query.feed import Feed
from services.query.figures import Figures
from services.query.freshness import Freshness
from services.query.lines import Lines
from services.query.paging import Cursors
from services.store.reader import Reader, Reading
from services.vault.port import Vault

THREADS: Final = 8
"""As many as the pool has connections: who has a thread never waits for a connection."""
POINT_THREADS: Final = 8
"""As many as the pool of balances has connections."""
SLOW_THREADS: Final = 16
"""For what waits: archive, commands."""
DOCUMENTED: Final = ConfigDict(use_attribute_docstrings=True)
"""For response classes: their fields' docstrings are what /docs says."""


class Answered(NamedTuple):
    """What a route answers, and how far that was applied; None is how far the folds are."""

    content: object
    position: Position | str | None = None
    """A token where it stands for what is not applied yet."""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what has to be applied before the answer."""

    key: Key
    awaited: Awaited | None
    request: Request

    @property
    def workspace(self) -> str:
        """The only one there is for this caller."""
        return self.key.workspace


@dataclass(frozen=True, slots=True)
class Desk:
    """Made once, by the composition root."""

    gate: Gate
    reader: Reader
    vault: Vault
    log: Log
    clock: Clock
    timelines: Timelines
    folded: Freshness
    """Of what folds wrote."""
    archived: Freshness
    """Of what the archive was fed."""
    scored: Freshness
    """Of what scoring took in."""
    decisions: Decisions
    customers: Customers
    points: Points
    voids: Voids
    policies: Policies
    letters: DeadLetters
    send: Callable[[Key], Send]
    """Ingest's way in, for what is sent again with a key."""
    cursors: Cursors
    courses: Courses
    lines: Lines
    feed: Feed
    figures: Figures
    targets: Targets
    deliveries: Deliveries
    explain: Explain
    alerts: Alerts
    backtests: Backtests
    threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(THREADS))
    slow_threads: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(SLOW_THREADS)
    )
    point_threads: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(POINT_THREADS)
    )
    """Of their own: who waits for a customer's lock keeps no read from its thread."""

    @property
    def caller(self) -> Callable[..., Caller]:
        """The dependency of every route: ``caller: Annotated[Caller, Depends(desk.caller)]``."""
        return self._who("read")

    @property
    def administrator(self) -> Callable[..., Caller]:
        """The same where an admin key is needed."""
        return self._who("administer")

    def _who(self, right: Right) -> Callable[..., Caller]:
        def identified(
            request: Request,
            key: Annotated[Key, Depends(Needs(self.gate, right))],
            wait_for: Annotated[
                str | None,
                Header(
                    alias=WAIT_FOR,
                    description="A Touchline-Position: the answer is given once that is applied, "
                    "after at most 10 s",
                ),
            ] = None,
        ) -> Caller:
            return Caller(key, decode(wait_for) if wait_for else None, request)

        return identified

    async def read(
        self, caller: Caller, ask: Callable[[Reading], object], *, is_slow: bool = False
    ) -> Response:
        """Answer with what ``ask`` finds in one snapshot of the caller's workspace."""

        def work() -> Answered:
            with self.reader.reading(caller.workspace) as reading:
                self.folded.saw(reading.position)
                return Answered(ask(reading), reading.position)

        return await self.answer(caller, work, self.folded, is_slow=is_slow)

    async def answer(
        self,
        caller: Caller,
        work: Callable[[], Answered],
        behind: Freshness,
        *,
        is_slow: bool = False,
        threads: anyio.CapacityLimiter | None = None,
    ) -> Response:
        """Wait for what the caller wrote, do ``work`` in a thread, say how far ``behind`` is.

        Raises ``Timeout``, ``Unavailable``; what is ``Refused`` is answered with the same headers.
        """
        if caller.awaited is not None:
            await behind.wait(await self._position(caller, caller.awaited))

        def done() -> tuple[Response, Position | str | None, float]:
            try:
                answered = work()
            except Refused as error:
                return refusal(error), None, behind.lag_s()
            return answer(answered.status, answered.content), answered.position, behind.lag_s()

        limiter = threads or (self.slow_threads if is_slow else self.threads)
        response, position, lag_s = await to_thread.run_sync(done, limiter=limiter)
        reached = behind.latest if position is None else position
        response.headers[POSITION] = reached if isinstance(reached, str) else encode(reached)
        response.headers[LAG] = f"{lag_s:.3f}"
        # Personal, and outdated by the next event.
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _position(self, caller: Caller, awaited: Awaited) -> Position:
        if awaited.outbox_id is None:
            return awaited.position
        outbox_id, partition = awaited.outbox_id, awaited.partition

        def reached() -> Position | None:
            return appended(
                self.decisions, self.log, caller.workspace, outbox_id, partition=partition
            )

        position = await to_thread.run_sync(reached, limiter=self.slow_threads)
        if position is None:
            raise Timeout("is not in the log yet; what was asked for is safe")
        return position


def responses(model: Model, description: str, *problems: int) -> dict[int | str, dict[str, Any]]:
    """What /docs says of a route: 200 with ``model``, and the problems that it may answer."""
    headers = {
        POSITION: {"schema": {"type": "string"}, "description": "What this answer includes."},
        LAG: {"schema": {"type": "number"}, "description": "Seconds that it is behind the log."},
    }
    documented: dict[int | str, dict[str, Any]] = {
        200: {"content": content(model), "description": description, "headers": headers}
    }
    for status in (401, 403, 422, 429, 503, 504, *problems):
        documented[status] = {"content": content(ProblemShown), "description": _MEANINGS[status]}
    return documented


@dataclass(frozen=True, slots=True)
class ProblemShown:
    """What was wrong, where, and what to do."""

    __pydantic_config__ = DOCUMENTED

    problem: str
    """What is wrong."""
    field: str
    """Where; empty if it is the request as a whole."""
    value: object
    """What was sent there, shortened."""
    remedy: str
    """What to do about it."""


_MEANINGS: Final = {
    401: "No key, or one that is not known.",
    400: "No JSON, or a header that it needs is missing.",
    403: "This kind of key may not.",
    404: "Nothing by that name in this workspace.",
    409: "The state does not allow it.",
    422: "A parameter, cursor or position is wrong.",
    429: "Too many requests with this key.",
    503: "Storage is away: ask again.",
    504: "What was waited for was not applied in time.",
}
