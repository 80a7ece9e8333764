"""Targets: their secrets, their limits, being disabled, tried out and counted."""

from collections.abc import Iterator

import pytest
from standardwebhooks import WebhookVerificationError

from services.commands.targets import Change
from services.errors import Conflict, NotFound, Refused
from services.store.urls import Urls
from tests.integration.dispatch import Dispatch, at_the_hour_of, dispatching, told, verified
from tests.integration.receiving import answering, receiving
from tests.integration.spending import WORKSPACE


@pytest.fixture
def dispatch(urls: Urls) -> Iterator[Dispatch]:
    with dispatching(urls) as dispatch:
        yield dispatch


def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(dispatch: Dispatch) -> None:
    clock = dispatch.till.clock
    with receiving() as receiver, at_the_hour_of(dispatch.till):
        old = dispatch.target(receiver.url)
        new = dispatch.targets.rotate(WORKSPACE, old.row.target_id)
        told(dispatch, "d1")
        dispatch.send()
        for secret in {old.secret, new.secret}:
            verified(receiver.received[-1], secret)

        clock.passes(hours=24)
        told(dispatch, "d2")
        dispatch.send()

        verified(receiver.received[-1], new.secret)
        with pytest.raises(WebhookVerificationError):
            verified(receiver.received[-1], old.secret)


def test_a_disabled_target_is_sent_nothing_and_goes_on_once_it_is_enabled(
    dispatch: Dispatch,
) -> None:
    with receiving() as receiver:
        row = dispatch.target(receiver.url).row
        told(dispatch, "d1")
        dispatch.targets.change(WORKSPACE, row.target_id, Change(is_enabled=False))
        dispatch.send()
        assert receiver.connections == 0
        with pytest.raises(Conflict):
            dispatch.deliveries.test(WORKSPACE, row.target_id)
        with pytest.raises(Conflict):
            dispatch.deliveries.redeliver(WORKSPACE, dispatch.rows()[0].delivery_id)

        dispatch.targets.change(WORKSPACE, row.target_id, Change(is_enabled=True))
        dispatch.send()

        assert dispatch.states() == ["delivered"]


def test_a_trial_is_sent_once_whatever_comes_of_it(dispatch: Dispatch) -> None:
    with receiving(answering(404, b"no such hook")) as receiver:
        row = dispatch.target(receiver.url).row

        number = dispatch.deliveries.test(WORKSPACE, row.target_id)
        dispatch.send()

        found = dispatch.deliveries.find(WORKSPACE, number)
        assert (found.state, found.problem) == ("dead", "answered 404: no such hook")
        assert receiver.received[0].json["type"] == "touchline.test"


def test_what_ended_is_forgotten_after_thirty_days(dispatch: Dispatch) -> None:
    with receiving() as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1")
        dispatch.send()
        told(dispatch, "d2")
        dispatch.till.clock.passes(days=29)
        assert dispatch.courier.purge() == 0

        dispatch.till.clock.passes(days=2)

        assert dispatch.courier.purge() == 1
    assert [row.event_id for row in dispatch.rows()] == ["d2"]


def test_secrets_and_addresses_are_sealed(dispatch: Dispatch) -> None:
    made = dispatch.target("https://example.org/hook/hidden?token=hidden")

    stored = str(dispatch.till.rows("SELECT target::text FROM touchline.target"))

    assert made.row.shown == "https://example.org/…"
    for secret in (made.secret, made.secret.removeprefix("whsec_"), "hidden"):
        assert secret not in stored
        assert secret not in repr(made)


def test_a_workspace_sees_its_own_targets_and_deliveries_alone(dispatch: Dispatch) -> None:
    row = dispatch.target("https://example.org/").row
    told(dispatch, "d1")
    number = dispatch.rows()[0].delivery_id

    assert dispatch.targets.all("bank") == []
    for ask in (
        lambda: dispatch.targets.find("bank", row.target_id),
        lambda: dispatch.targets.change("bank", row.target_id, Change(name="x")),
        lambda: dispatch.targets.rotate("bank", row.target_id),
        lambda: dispatch.deliveries.redeliver("bank", number),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_workspace_has_so_many_targets_and_no_more(dispatch: Dispatch) -> None:
    for number in range(50):
        dispatch.target(f"https://t{number}.example.org/")

    with pytest.raises(Conflict, match="has 50 targets"):
        dispatch.target("https://one-more.example.org/")


def test_figures_count_what_waits_and_what_was_given_up(dispatch: Dispatch) -> None:
    clock = dispatch.till.clock
    with receiving(answering(500)) as receiver:
        dispatch.target(receiver.url)
        told(dispatch, "d1", "d2")
        dispatch.send()
        clock.passes(minutes=10)
        dispatch.decide("d3")

        found = dispatch.queue.figures(clock.now())

        assert (found.waiting, found.failing, found.dead) == (2, 1, 0)
        assert found.oldest_s == 600
        assert found.behind == 2


def test_what_a_target_can_not_be_is_refused(dispatch: Dispatch) -> None:
    for kind, more in (
        ("pigeon", {}),
        ("webhook", {"types": []}),
        ("webhook", {"types": ["purchase.completed"]}),
        ("webhook", {"language": "fr"}),
        ("webhook", {"secret": "mine"}),
        ("slack", {"secret": "mine"}),
    ):
        with pytest.raises(Refused):
            dispatch.target("https://example.org/", kind, **more)
