"""Deliveries: what was decided is queued once for each target, and history never."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from typing import Any, cast

import pytest

from services.commands.targets import Change
from services.errors import NotOurs
from services.fold.apply import Folds
from services.fold.rebuild import rebuild
from services.projector.projections import READ_MODELS
from services.scoring.deliver import feed
from services.scoring.deliver.courier import Courier
from services.scoring.deliver.feed import feed_once
from services.store.deliveries import Move
from services.store.pool import Pool
from services.store.postgres import PostgresStore
from services.store.postgres_deliveries import PostgresDeliveries
from services.store.shadow import Shadow
from services.store.urls import Urls
from tests.integration.dispatch import Dispatch, Killed, dispatching, killing, verified
from tests.integration.receiving import PATIENCE_S, receiving
from tests.integration.spending import WORKSPACE


@pytest.fixture
def dispatch(urls: Urls) -> Iterator[Dispatch]:
    with dispatching(urls) as dispatch:
        yield dispatch


class Dying(PostgresDeliveries):
    """Of a process that is killed just before what it queued is committed."""

    def queue(self, *arguments: Any) -> None:
        whole, self._pool = self._pool, cast("Pool", _DyingPool(self._pool))
        try:
            super().queue(*arguments)
        finally:
            self._pool = whole


class _DyingPool:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._pool.transaction() as cursor:
            yield cursor
            raise Killed


def ids(dispatch: Dispatch) -> list[str]:
    return [row.event_id for row in dispatch.rows()]


def test_what_folds_decide_comes_signed_to_a_webhook(dispatch: Dispatch) -> None:
    with receiving() as receiver:
        made = dispatch.target(receiver.url, types=["tier.changed"])
        dispatch.till.tell(dispatch.till.bought("o1", 600_00, "user:1"))
        dispatch.till.work()

        dispatch.feed()
        dispatch.send()

        (request,) = receiver.received
        told = verified(request, made.secret)
    assert request.headers["content-type"] == "application/json"
    assert (request.id, told["type"]) == (told["id"], "tier.changed")
    assert told["data"]["tier"] == "silver"
    assert told["customer_id"] == dispatch.till.hash("user:1")
    assert dispatch.states() == ["delivered"]


def test_a_target_is_told_of_what_it_asked_for_from_its_beginning_on(dispatch: Dispatch) -> None:
    dispatch.decide("before")
    one = dispatch.target("https://one.example.org/").row
    other = dispatch.target("https://two.example.org/", types=["alert.raised"]).row
    dispatch.decide("after")
    dispatch.feed()
    late = dispatch.target("https://three.example.org/").row
    dispatch.decide("later")
    dispatch.feed()

    found = [(row.event_id, row.target_id) for row in dispatch.rows()]

    assert [row for row in found if row[1] == one.target_id] == [
        ("after", one.target_id),
        ("later", one.target_id),
    ]
    assert ("later", late.target_id) in found
    assert other.target_id not in dict(found).values()
    assert len(found) == 3


def test_a_target_begins_at_the_present_however_far_the_folds_are_behind(
    dispatch: Dispatch,
) -> None:
    dispatch.decide("known")
    dispatch.till.append([(WORKSPACE, dispatch.decided("unfolded", "user:1"))])
    dispatch.target("https://one.example.org/")

    dispatch.till.fold()
    dispatch.feed()
    dispatch.decide("new")
    dispatch.feed()

    assert ids(dispatch) == ["new"]


def test_what_is_decided_while_a_target_is_disabled_is_not_sent_to_it(dispatch: Dispatch) -> None:
    row = dispatch.target("https://one.example.org/").row
    dispatch.targets.change(WORKSPACE, row.target_id, Change(is_enabled=False))
    dispatch.decide("meanwhile")
    # The feed may be late: what counts is when it was enabled, not when somebody looks.
    dispatch.targets.change(WORKSPACE, row.target_id, Change(is_enabled=True))
    dispatch.decide("after")

    dispatch.feed()

    assert ids(dispatch) == ["after"]


def test_history_is_not_sent(dispatch: Dispatch) -> None:
    dispatch.decide()
    dispatch.till.work()
    dispatch.target("https://one.example.org/")

    dispatch.decide("restated", is_restated=True)
    dispatch.decide("old", ago=timedelta(days=1, seconds=1))
    dispatch.decide("young", ago=timedelta(hours=23))
    dispatch.till.tell(
        dispatch.till.bought(
            "o1", 600_00, "user:2", occurred_at=dispatch.till.clock.now() - timedelta(days=2)
        )
    )
    dispatch.till.work()
    dispatch.feed()

    assert ids(dispatch) == ["young"]


def test_a_decision_that_is_in_the_log_twice_is_sent_once(dispatch: Dispatch) -> None:
    dispatch.target("https://one.example.org/")

    dispatch.decide("d1", "d1", "d2")
    dispatch.feed()

    assert ids(dispatch) == ["d1", "d2"]


def test_a_producer_can_not_pass_for_the_platform(dispatch: Dispatch) -> None:
    dispatch.target("https://one.example.org/")
    till = dispatch.till

    till.tell(
        till.event("custom.said", "user:1", text='"source":"touchline","type":"tier.changed"')
    )
    till.work()
    dispatch.feed()

    assert ids(dispatch) == []


def test_a_feed_that_is_killed_anywhere_queues_each_decision_once(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "AT_ONCE", 3)
    for number in range(2):
        dispatch.target(f"https://t{number}.example.org/")
    wanted = [f"d{number}" for number in range(20)]
    dispatch.decide(*wanted)
    now = dispatch.till.clock.now()

    for cut in range(30):
        # Each second one dies once all was written and nothing committed.
        kind = Dying if cut % 2 else PostgresDeliveries
        with closing(kind(dispatch.till.urls.fold)) as mine, suppress(Killed):
            feed_once(dispatch.till.log, mine, now)

    found = sorted((row.event_id, row.target_id) for row in dispatch.rows())
    assert len(found) == len(set(found)) == 2 * len(wanted)
    assert {event_id for event_id, _ in found} == set(wanted)


def test_of_two_feeds_one_alone_moves_on(dispatch: Dispatch) -> None:
    dispatch.target("https://one.example.org/")
    dispatch.decide("d1")
    places = dispatch.queue.places()
    partition = next(at for at, place in places.items() if place.end and at)
    end = places[partition].end
    dispatch.feed()

    for move in (Move(None, end), Move(0, end + 1)):
        with pytest.raises(NotOurs):
            dispatch.queue.queue({partition: move}, [], dispatch.till.clock.now())

    assert ids(dispatch) == ["d1"]


def test_a_sender_killed_before_it_could_write_sends_again_under_the_same_id(
    dispatch: Dispatch,
) -> None:
    with receiving() as receiver:
        made = dispatch.target(receiver.url)
        dispatch.decide("d1")
        dispatch.feed()
        dying = Courier(dispatch.queue, killing(dispatch), dispatch.till.clock, threads=1)
        dying._may_serve = lambda *_: True  # type: ignore[method-assign]
        dying.turn()
        assert dying.is_idle(PATIENCE_S)
        dying.close()
        assert dispatch.states() == ["waiting"]

        dispatch.send()
        dispatch.send()

        first, second = receiver.received
        assert first.id == second.id == "d1"
        assert first.body == second.body
        verified(second, made.secret)
    assert dispatch.states() == ["delivered"]


def test_a_rebuild_sends_nothing(dispatch: Dispatch) -> None:
    till = dispatch.till
    with receiving() as receiver:
        dispatch.target(receiver.url)
        for number in range(1, 5):
            till.tell(till.bought(f"o{number}", 600_00, f"user:{number}"))
        till.work()
        dispatch.feed()
        dispatch.send()
        sent = len(receiver.received)
        before = till.rows("SELECT delivery_id, event_id FROM touchline.delivery ORDER BY 1")
        assert sent == len(before) > 4

        shadow = Shadow(till.urls.owner, "shadow")
        shadow.make()
        replaying = Folds(READ_MODELS, till.vault, is_replay=True)
        with closing(PostgresStore(till.urls.fold, schema=shadow.schema)) as store:
            rebuild(replaying, till.log, store, shadow, progress=lambda done, total: None)
        till.restart()
        till.work()
        dispatch.feed()
        dispatch.send()

        after = till.rows("SELECT delivery_id, event_id FROM touchline.delivery ORDER BY 1")
        assert (after, len(receiver.received)) == (before, sent)
