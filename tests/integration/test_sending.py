"""Sending: targets that hang, redirect, fail, lie about who they are; and those beside them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from services.store.urls import Urls
from tests.integration.dispatch import (
    Dispatch,
    at_the_hour_of,
    dispatching,
    failing,
    told,
    verified,
)
from tests.integration.receiving import (
    PATIENCE_S,
    answering,
    receiving,
)
from tests.integration.spending import WORKSPACE


@pytest.fixture
def dispatch(urls: Urls) -> Iterator[Dispatch]:
    with dispatching(urls) as dispatch:
        yield dispatch


def test_a_dead_target_delays_no_other(urls: Urls) -> None:
    # They hang for longer than this test has patience.
    with (
        dispatching(urls, threads=4, attempt_s=10 * PATIENCE_S) as dispatch,
        receiving() as dead,
        receiving() as alive,
    ):
        dispatch.target(alive.url)
        told(dispatch, "first")
        dispatch.send()
        dead.behave = dead.hang
        for number in range(6):
            dispatch.target(f"{dead.url}/{number}")
        told(dispatch, *(f"d{number}" for number in range(60)))

        with working(dispatch):
            dead.wait_for(2)
            alive.wait_for(61)
            # Half of all threads is for those who took what they were sent last.
            assert len(dead.received) == 2
            dead.released.set()

        assert dispatch.courier.is_idle(PATIENCE_S)


@contextmanager
def working(dispatch: Dispatch) -> Iterator[None]:
    """What is due is sent, for the time of the block."""
    stop = threading.Event()

    def turns() -> None:
        while not stop.wait(0.02):
            dispatch.courier.turn()

    thread = threading.Thread(target=turns)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_target_that_hangs_is_left_at_the_deadline(urls: Urls) -> None:
    with dispatching(urls, attempt_s=0.3) as dispatch, receiving() as receiver:
        receiver.behave = receiver.hang
        dispatch.target(receiver.url)
        told(dispatch, "d1")

        dispatch.send()

        assert failing(dispatch) == "did not answer within 0.3 s"


def test_a_target_that_answers_byte_by_byte_is_left_at_the_deadline(urls: Urls) -> None:
    with dispatching(urls, attempt_s=0.4) as dispatch, receiving() as receiver:
        receiver.behave = receiver.drip
        dispatch.target(receiver.url)
        told(dispatch, "d1")

        dispatch.send()

        assert failing(dispatch) == "did not answer within 0.4 s"


def test_an_answer_without_end_is_not_read_to_its_end(dispatch: Dispatch) -> None:
    with receiving(answering(500, b"no " * 1_000_000)) as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1")

        dispatch.send()

        assert failing(dispatch).startswith("answered 500: no no no")
        assert len(failing(dispatch)) < 300


def test_headers_without_end_are_not_read_to_their_end(dispatch: Dispatch) -> None:
    with receiving(answering(200, b"", **{f"X{n}": "x" * 60_000 for n in range(50)})) as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1")

        dispatch.send()

        assert "larger than 65536 bytes" in failing(dispatch)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(dispatch: Dispatch, status: int) -> None:
    with receiving() as inner, receiving(answering(status, Location=inner.url)) as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1")

        dispatch.send()

        assert failing(dispatch).startswith(f"answered {status}: redirects are not followed")
        assert inner.connections == 0


def test_what_is_refused_for_an_hour_is_delivered_once_it_is_not(dispatch: Dispatch) -> None:
    clock = dispatch.till.clock
    with receiving(answering(500)) as receiver, at_the_hour_of(dispatch.till):
        made = dispatch.target(receiver.url)
        told(dispatch, "d1")
        began, ended = clock.now(), clock.now() + timedelta(hours=1)
        attempts = []
        while clock.now() < ended:
            dispatch.send()
            attempts.append(receiver.received[-1])
            (row,) = dispatch.rows()
            assert row.due_at
            clock.at = row.due_at
        receiver.behave = answering(200)

        dispatch.send()
        dispatch.send()

        assert {one.id for one in receiver.received} == {"d1"}
        assert len({one.body for one in receiver.received}) == 1
        assert verified(receiver.received[-1], made.secret)["id"] == "d1"
    (row,) = dispatch.rows()
    assert row.state == "delivered"
    assert 5 < len(attempts) < 12
    assert clock.now() - began < timedelta(hours=3)


def test_after_three_days_it_is_dead_and_can_be_sent_again(dispatch: Dispatch) -> None:
    clock = dispatch.till.clock
    with receiving(answering(503)) as receiver, at_the_hour_of(dispatch.till):
        made = dispatch.target(receiver.url)
        told(dispatch, "d1")
        began = clock.now()
        while (row := dispatch.rows()[0]).state == "waiting":
            assert row.due_at
            clock.at = max(clock.at, row.due_at)
            dispatch.send()
        died, attempts = clock.now(), len(receiver.received)
        receiver.behave = answering(204)
        dispatch.send()
        assert len(receiver.received) == attempts
        clock.passes(days=5)

        dispatch.deliveries.redeliver(WORKSPACE, row.delivery_id)
        dispatch.send()

        assert receiver.received[-1].id == "d1"
        verified(receiver.received[-1], made.secret)
    assert died - began == timedelta(days=3)
    assert 15 < attempts < 30
    assert (row.problem, row.status) == ("answered 503", 503)
    assert dispatch.states() == ["delivered"]


def test_who_asks_to_wait_is_left_alone_for_so_long(dispatch: Dispatch) -> None:
    with receiving(answering(429, Retry_After="1800")) as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1")

        dispatch.send()

        (row,) = dispatch.rows()
        assert row.due_at == dispatch.till.clock.now() + timedelta(minutes=30)


def test_what_nobody_sent_for_days_is_given_up_unsent(dispatch: Dispatch) -> None:
    with receiving() as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1")
        dispatch.till.clock.passes(days=4)

        dispatch.send()

        (row,) = dispatch.rows()
        assert (row.state, row.attempts, receiver.connections) == ("dead", 0, 0)
