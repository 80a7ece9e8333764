"""What can be redeemed: by time, after refunds, and of rewards while there are any."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest

from services.errors import Conflict
from services.store.urls import Urls
from tests.integration.crowds import at_once, tried, working
from tests.integration.spending import Till, a_till

SHIP: Final[dict[str, Any]] = {"return_window": {"days": 0}, "first_purchase_points": 0}
"""Points of purchases may be spent at once."""


@pytest.fixture
def till(urls: Urls) -> Iterator[Till]:
    with a_till(urls) as till:
        yield till


def test_points_are_good_until_the_very_instant_at_which_they_expire(till: Till) -> None:
    till.publish(**SHIP, expiry={"rule": "rolling", "after": {"days": 10}})
    till.earned("user:1", 100)
    expires_at = till.clock.at + timedelta(days=10)

    till.clock.at = expires_at - timedelta(microseconds=1)
    assert tried(till, "user:1", 60) == ["spent"]
    till.clock.at = expires_at
    assert tried(till, "user:1", 1) == ["short"]
    till.tick()
    till.work()

    # Told before the redemption was folded, the tick has taken nothing that was spent.
    assert till.balance("user:1") == 0
    [(debt, months)] = till.rows("SELECT debt, months FROM live.loyalty")
    assert debt == 0
    assert [sums[2] for sums in months.values()][-1] == 40


def test_a_clock_that_was_set_back_brings_no_expired_points_back(till: Till) -> None:
    till.publish(**SHIP, expiry={"rule": "rolling", "after": {"days": 10}})
    till.earned("user:1", 100)
    till.clock.passes(days=11)
    till.tick()

    till.clock.passes(days=-5)

    assert tried(till, "user:1", 1) == ["short"]


def test_a_refund_before_its_purchase_leaves_nothing_to_spend(till: Till) -> None:
    till.publish(**SHIP)
    till.clock.passes(hours=1)
    till.tell(till.refunded("o1", 10_000, "user:1"))
    till.fold()
    assert tried(till, "user:1", 1) == ["short"]

    before = till.clock.at - timedelta(minutes=30)
    till.tell(till.bought("o1", 10_000, "user:1", occurred_at=before))
    till.fold()

    assert till.balance("user:1") == 0
    assert tried(till, "user:1", 1) == ["short"]


def test_a_refund_after_its_points_were_spent_is_a_debt_that_is_paid_first(till: Till) -> None:
    till.publish(**SHIP)
    till.tell(till.bought("o1", 10_000, "user:1"))
    till.fold()
    till.redeem("user:1", 100)
    till.clock.passes(hours=1)
    for _ in range(2):
        till.tell(till.refunded("o1", 20_000, "user:1"))
    till.work()
    assert till.balance("user:1") == -100

    till.clock.passes(hours=1)
    till.tell(till.bought("o2", 15_000, "user:1"))
    till.work()

    assert till.balance("user:1") == 50
    assert tried(till, "user:1", 51) == ["short"]
    assert tried(till, "user:1", 50) == ["spent"]


def test_a_reward_is_granted_as_often_as_there_is_stock(till: Till) -> None:
    till.publish(rewards=[{"name": "mug", "cost_points": 10, "stock": 5}])
    for n in range(4):
        till.earned(f"user:m{n}", 100)

    def grant(n: int) -> str | None:
        try:
            return till.points.grant(till.asked(), till.hash(f"user:m{n % 4}"), "mug").id
        except Conflict as conflict:
            return None if "out of stock" in conflict.problem.problem else "another conflict"

    with working(till):
        had = [(n % 4, id_) for n, id_ in enumerate(at_once(32, grant)) if id_]
    assert len(had) == 5
    till.work()
    assert grant(0) is None

    n, id_ = had[0]
    till.voids.cancel(till.asked(), till.hash(f"user:m{n}"), id_, None)
    till.work()

    assert grant(1) is not None
    assert grant(2) is None
    till.work()
    assert sum(till.balance(f"user:m{n}") for n in range(4)) == 400 - 50


def test_a_reward_can_be_had_in_its_time_only(till: Till) -> None:
    start = till.clock.at
    spring = {"name": "tulip", "cost_points": 1, "from_at": start + timedelta(hours=1)}
    till.publish(rewards=[spring | {"until_at": start + timedelta(hours=2)}])
    till.earned("user:1", 100)
    outcomes = []

    for minutes in (59, 60, 119, 120):
        till.clock.at = start + timedelta(minutes=minutes)
        outcomes.append(granted(till, "user:1", "tulip"))

    assert outcomes == ["can't", "granted", "granted", "could"]


def test_a_redemption_on_its_way_can_be_cancelled(till: Till) -> None:
    till.earned("user:1", 100)
    spent = till.redeem("user:1", 100)

    for _ in range(2):
        till.voids.cancel(till.asked(), till.hash("user:1"), spent, None)
    # It is not spent again before both are folded, in whatever order.
    assert tried(till, "user:1", 1) == ["short"]
    till.work()

    assert till.balance("user:1") == 100
    assert tried(till, "user:1", 100) == ["spent"]


def granted(till: Till, who: str, reward: str) -> str:
    """What came of granting."""
    try:
        till.points.grant(till.asked(), till.hash(who), reward)
    except Conflict as conflict:
        return conflict.problem.problem.split()[0]
    return "granted"
