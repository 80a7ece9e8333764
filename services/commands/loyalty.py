"""Loyalty: points spent, given and corrected, each decided once under the customer's lock.

What is available is the balance as far as it is folded, settled to this instant, less what is
decided on and not folded yet: so no point is spent twice, wherever a crash falls between.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from schemas import PointsAdjusted, PointsRedeemed, RewardGranted
from schemas.explain import shortened
from schemas.fields import MAX_POINTS
from schemas.rules.loyalty import Loyalty, Reward
from services.clock import Clock
from services.commands.awaiting import token
from services.commands.control import checked
from services.commands.once import Asked, Outcome, Request, once
from services.errors import Conflict, NotFound, Refused
from services.fold.course import AnyCourse, state_in
from services.fold.decisions import decision
from services.fold.rules import in_order
from services.fold.source import LedgerSource
from services.fold.supply import entries_in
from services.log.port import Log, partition_of
from services.store.balance import Account, Balances, Deciding, Decision, Spoken

Data: TypeAlias = PointsRedeemed | PointsAdjusted | RewardGranted
HASH: Final = re.compile(r"[0-9a-f]{32}")
MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Done:
    """What was decided; it is safe."""

    id: str
    """Of the redemption, adjustment or grant: what it is cancelled by."""
    points: int
    """That it takes, or adds if negative."""
    available: int
    """What can be spent after it; points that it adds once they are applied."""
    position: str
    """A token to wait for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's points at the instant of a decision."""

    customer_id: str
    at: datetime
    available: int
    programme: Loyalty | None
    """The rules in force then."""


class Points:
    """Decides on points; answers at commit, before the log has it."""

    def __init__(
        self, balances: Balances, points: tuple[AnyCourse, LedgerSource], log: Log, clock: Clock
    ) -> None:
        """``points`` are loyalty's course, which settles what the folds stored, and its source."""
        self._balances, self._log, self._clock = balances, log, clock
        self._course, self._source = points
        self._books: dict[str, tuple[int, Any]] = {}

    def redeem(self, asked: Asked, customer: str, points: int, reason: str | None = None) -> Done:
        """Spend points of the customer whose identifier (a hash) it is.

        Raises ``Malformed`` without a key, ``NotFound`` for a stranger, ``Refused`` for what is no
        number of points, ``Conflict`` where fewer are available.
        """
        asked.demand_key()
        _refuse_odd(points, least=1, remedy="send how many points to take, a whole number")

        def decide(deciding: Deciding, id_: str) -> Outcome | Conflict:
            standing = self._standing(deciding, asked.workspace, customer)
            if points > standing.available:
                return _short(standing, points, "points")
            data = PointsRedeemed(redemption_id=id_, points=points, reason=reason, by=asked.by)
            return self._outcome(standing, data, points)

        return self._done(asked, Request(["redeem", customer, points, reason], customer), decide)

    def adjust(self, asked: Asked, customer: str, points: int, reason: str) -> Done:
        """Add points by hand, or take them if negative; the balance may become a debt.

        Raises ``NotFound`` for a stranger, ``Refused`` for what changes nothing or too much.
        """
        remedy = "send the points to add, or to take if negative, a whole number"
        _refuse_odd(points, least=-MAX_POINTS, remedy=remedy)

        def decide(deciding: Deciding, id_: str) -> Outcome:
            standing = self._standing(deciding, asked.workspace, customer)
            data = PointsAdjusted(adjustment_id=id_, points=points, by=asked.by, reason=reason)
            return self._outcome(standing, data, -points)

        return self._done(asked, Request(["adjust", customer, points, reason], customer), decide)

    def grant(self, asked: Asked, customer: str, reward: str) -> Done:
        """Give a reward of the programme for its price.

        Raises ``NotFound`` for a stranger and for a reward that the rules in force do not have,
        ``Conflict`` where it can't be had now, is out of stock, or costs more than is available.
        """

        def decide(deciding: Deciding, id_: str) -> Outcome | Conflict:
            standing = self._standing(deciding, asked.workspace, customer)
            offer = _offer(standing, reward)
            if conflict := _closed(offer, standing.at):
                return conflict
            if offer.cost_points > standing.available:
                return _short(standing, offer.cost_points, "reward")
            if offer.stock is not None and deciding.taken(reward) >= offer.stock:
                return Conflict(
                    f"is out of stock: all {offer.stock} are granted",
                    "grant another reward, or publish a policy with more of it",
                    field="reward",
                    value=reward,
                )
            data = RewardGranted(
                reward_id=id_, benefit=reward, cost_points=offer.cost_points, by=asked.by
            )
            return self._outcome(standing, data, offer.cost_points)

        return self._done(asked, Request(["grant", customer, reward], customer), decide)

    def _done(self, asked: Asked, request: Request, decide: Any) -> Done:
        if not HASH.fullmatch(request.customer or ""):
            raise stranger(str(request.customer))
        answer = once(self._balances, asked, request, decide)
        position = token(answer["outbox_id"], answer["partition"])
        return Done(answer["id"], answer["points"], answer["available"], position)

    def _standing(self, deciding: Deciding, workspace: str, customer: str) -> Standing:
        account = deciding.account()
        if account is None:
            raise stranger(customer)
        course, book = self._course, self._book(deciding, workspace, account)
        # What is read now may have in it what is spoken for as well: less is available then.
        state = state_in(
            course,
            account.state,
            book,
            lambda: entries_in(self._source, *deciding.told(account.customer_id)),
        )
        # Never before what is folded, though our clock was set back.
        at = max(filter(None, (self._clock.now(), account.tick, course.as_of(state))))
        available: Any = course.settle(state, at, book)["available"]
        free = max(0, available - account.spoken_for)
        return Standing(account.customer_id, at, free, book.at(at))

    def _book(self, deciding: Deciding, workspace: str, account: Account) -> Any:
        revision, book = self._books.get(workspace, (-1, None))
        if revision != account.revision:
            book = self._course.book(in_order(deciding.rules()))
            self._books[workspace] = account.revision, book
        return book

    def _outcome(self, standing: Standing, data: Data, points: int) -> Outcome:
        """The event that takes ``points``, and the answer."""
        customer, id_ = standing.customer_id, _id_of(data)
        event = decision(data, id_=id_, occurred_at=standing.at, identifiers=[customer])
        reward = data.benefit if isinstance(data, RewardGranted) else None
        spoken = Spoken(id_, customer, data.type, points, reward) if points > 0 else None
        answer: Mapping[str, Any] = {
            "id": id_,
            "points": points,
            "available": max(0, standing.available - max(0, points)),
            "partition": partition_of(customer, self._log.partitions),
        }
        return Outcome(Decision(checked(event), spoken), answer)


def stranger(customer: str) -> NotFound:
    """Told of an id that is nobody's."""
    return NotFound(
        "is no customer of this workspace",
        "find it with GET /v1/customers?identifier=kind:value",
        field="customer_id",
        value=customer[:80],
    )


def _id_of(data: Data) -> str:
    match data:
        case PointsRedeemed():
            return data.redemption_id
        case PointsAdjusted():
            return data.adjustment_id
        case RewardGranted():
            return data.reward_id


def _refuse_odd(points: int, *, least: int, remedy: str) -> None:
    problem = None
    if points == 0:
        problem = "is zero, which changes nothing"
    elif points < 0 < least:
        problem = "is negative"
    elif not least <= points <= MAX_POINTS:
        problem = f"is beyond the {MAX_POINTS} points that one entry can have"
    if problem:
        raise Refused(problem, remedy, field="points", value=shortened(points))


def _short(standing: Standing, points: int, field: str) -> Conflict:
    available = standing.available
    return Conflict(
        f"takes {points} points, and {available} are available",
        f"take at most {available}, under another key" if available else "wait for points to come",
        field=field,
        value=points,
    )


def _offer(standing: Standing, reward: str) -> Reward:
    offers = standing.programme.rewards if standing.programme else ()
    for offer in offers:
        if offer.name == reward:
            return offer
    named = ", ".join(offer.name for offer in offers[:MOST_NAMED])
    raise NotFound(
        "is no reward of the rules in force",
        f"choose one of {named}" if named else "publish a loyalty policy that has rewards",
        field="reward",
        value=shortened(reward),
    )


def _closed(offer: Reward, at: datetime) -> Conflict | None:
    told = {"field": "reward", "value": offer.name}
    if offer.from_at and at < offer.from_at:
        return Conflict(f"can't be had before {offer.from_at:%Y-%m-%dT%H:%MZ}", "wait", **told)
    if offer.until_at and at >= offer.until_at:
        over = f"could be had until {offer.until_at:%Y-%m-%dT%H:%MZ}"
        return Conflict(over, "choose another", **told)
    return None
