"""Targets and deliveries from the command line; and a running platform that is killed."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from services.main import app, targets
from services.store.urls import Urls
from tests.integration.dispatch import Dispatch, dispatching
from tests.integration.house import found_by_commands
from tests.integration.receiving import answering, receiving
from tests.integration.running import RunningPlatform
from tests.integration.spending import MASTER_KEY
from tests.integration.test_decisions_stream import buying


@pytest.fixture
def dispatch(urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dispatch]:
    """A shop whose sender works."""
    found_by_commands(
        urls, tmp_path, monkeypatch, ALLOW_PRIVATE_TARGETS="true", MASTER_KEY=MASTER_KEY.hex()
    )
    with dispatching(urls) as dispatch:
        # What commands queue is of this instant, and the test's clock stands.
        dispatch.till.clock.passes(minutes=5)
        stop = threading.Event()

        def sending() -> None:
            while not stop.wait(0.05):
                dispatch.courier.turn()

        thread = threading.Thread(target=sending)
        thread.start()
        yield dispatch
        stop.set()
        thread.join()


def touchline(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--workspace", "shop"])


def answer(*arguments: str) -> Any:
    result = touchline(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_target_is_made_tried_listed_rotated_and_disabled(dispatch: Dispatch) -> None:
    with receiving() as receiver:
        made = answer("targets", "create", "webhook", receiver.url, "--type", "tier.changed")
        tried = answer("targets", "test", made["target_id"])
        request = receiver.received[0]
    rotated = answer("targets", "rotate-secret", made["target_id"])
    disabled = answer("targets", "disable", made["target_id"])
    refused = touchline("targets", "test", made["target_id"])
    (listed,) = answer("targets", "list")
    enabled = answer("targets", "enable", made["target_id"])

    assert tried["state"] == "delivered"
    assert request.id == tried["event_id"]
    assert made["secret"] != rotated["secret"]
    assert (disabled["is_enabled"], enabled["is_enabled"]) == (False, True)
    assert (refused.exit_code, "is disabled" in refused.output) == (1, True)
    assert (listed["waiting"], listed["is_enabled"], listed["types"]) == (
        0,
        False,
        ["tier.changed"],
    )


def test_a_trial_that_fails_says_why_and_is_sent_again_by_hand(dispatch: Dispatch) -> None:
    with receiving(answering(404, b"no_service")) as receiver:
        made = answer("targets", "create", "slack", receiver.url)
        failed = touchline("targets", "test", made["target_id"])
        (dead,) = answer("deliveries", "list", "--state", "dead")
        receiver.behave = answering(200, b"ok")
        # A target that just failed is left alone for a moment.
        dispatch.till.clock.passes(seconds=30)

        again = answer("deliveries", "redeliver", str(dead["delivery_id"]))
        receiver.wait_for(2)

        first, second = receiver.received
    assert failed.exit_code == 1
    assert failed.stdout.endswith("It failed: answered 404: no_service.\n")
    assert again["state"] == "waiting"
    assert first.body == second.body
    assert "blocks" in first.json


def test_what_is_wrong_is_said_with_exit_code_2(dispatch: Dispatch) -> None:
    for arguments in (
        ("targets", "create", "pigeon", "https://example.org/"),
        ("targets", "create", "webhook", "gopher://example.org/"),
        ("targets", "create", "webhook", "https://example.org/", "--type", "purchase.completed"),
        ("deliveries", "list", "--state", "lost"),
    ):
        assert touchline(*arguments).exit_code == 2, arguments


def test_people_read_what_to_do_next(dispatch: Dispatch) -> None:
    made = touchline("targets", "create", "webhook", "https://example.org/x")
    listed = touchline("targets", "list")
    none = touchline("deliveries", "list")
    taught = touchline("targets", "create", "--help")

    assert "This is the only time it is shown" in made.output
    assert "touchline targets test t_" in made.output
    assert "https://example.org/…" in listed.output
    assert none.output == "There are no deliveries.\n"
    assert "hooks.slack.com" in taught.output


def test_a_trial_that_nobody_sends_says_so(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "PATIENCE_S", 0.1)
    dispatch.courier._may_serve = lambda *_: False  # type: ignore[method-assign]
    made = answer("targets", "create", "webhook", "https://example.org/")

    waiting = touchline("targets", "test", made["target_id"])

    assert (waiting.exit_code, "It waits still" in waiting.output) == (1, True)


def test_a_platform_killed_between_decision_and_delivery_delivers_each_under_one_id(
    platform: RunningPlatform,
) -> None:
    with receiving() as receiver:
        ours = ("--workspace", platform.workspace, "--json")
        asked = ("targets", "create", "webhook", receiver.url, "--type", "tier.changed")
        made = json.loads(platform.ran(*asked, *ours))
        receiver.behave = receiver.hang
        wanted = {f"k{number}" for number in range(20)}
        answered = platform.post([buying(id_, f"user:{id_}", 600_00) for id_ in wanted])
        assert answered.status_code == 200, answered.text
        # It has one in its hands, which it will never know was taken.
        receiver.wait_for(1)
        platform.kill("scorer")
        receiver.released.set()
        receiver.behave = answering(200)

        def is_done() -> bool:
            said = platform.ran("deliveries", "list", "--state", "delivered", *ours)
            return len(json.loads(said)) == len(wanted)

        receiver.wait_for(len(wanted) + 1)
        platform.wait_until(is_done, "all is delivered")
        rows = json.loads(platform.ran("deliveries", "list", *ours))

        for request in receiver.received:
            Webhook(made["secret"]).verify(request.body, request.headers)
        by_id = {request.id: request.json["cause"] for request in receiver.received}
        assert len(rows) == len(by_id) == len(wanted)
        assert set(by_id.values()) == wanted
        # What was under way when it was killed came twice, under one id; all else once.
        assert len(receiver.received) == len(wanted) + 1
        assert receiver.received[0].id in {one.id for one in receiver.received[1:]}
