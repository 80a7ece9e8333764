"""What the worker overrides and calls of Faust is where it was, in the installed version."""

import inspect
from importlib.metadata import version
from typing import Any, Final

import pytest

pytest.importorskip("faust")
pytest.importorskip("mode")

import faust
import mode
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.app.base import App
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage, Message
from mode.threads import ServiceThread

from services.projector import transport, worker

OVERRIDDEN: Final = {
    (faust_consumer.Consumer, "getmany"): ("self", "timeout"),
    (faust_consumer.ThreadDelegateConsumer, "seek_to_committed"): ("self",),
    (driver.Consumer, "_new_consumer_thread"): ("self",),
    (driver.AIOKafkaConsumerThread, "on_start"): ("self",),
    (faust_consumer.Consumer, "force_commit"): ("self", "topics", "start_new_transaction"),
    (faust_consumer.Consumer, "_add_gap"): ("self", "tp", "offset_from", "offset_to"),
    (faust.Schema, "loads_key"): ("self", "app", "message", "loads", "serializer"),
    (faust.Schema, "loads_value"): ("self", "app", "message", "loads", "serializer"),
    (App, "on_first_start"): ("self",),
}
CALLED: Final = {
    (faust_consumer.Consumer, "_wait_next_records"): ("self", "timeout"),
    (faust_consumer.Consumer, "pause_partitions"): ("self", "tps"),
    (faust_consumer.Consumer, "resume_partitions"): ("self", "tps"),
    (faust_consumer.ThreadDelegateConsumer, "assignment"): ("self",),
    (faust_consumer.ThreadDelegateConsumer, "seek_wait"): ("self", "partitions"),
    (faust_consumer.ThreadDelegateConsumer, "_commit"): ("self", "offsets"),
    (driver.AIOKafkaConsumerThread, "_ensure_consumer"): ("self",),
    (mode.Service, "crash"): ("self", "reason"),
    (mode.Service, "stop"): ("self",),
}
RELIED_ON: Final = {
    faust_consumer.Consumer._drain_messages: ["self.getmany", "callback(message)"],
    faust_consumer.Consumer.commit: ["self.force_commit("],
    faust_consumer.Consumer.perform_seek: ["await self.seek_to_committed()"],
    driver.AIOKafkaConsumerThread._seek_wait: ["_read_offset[tp] = offset"],
    driver.AIOKafkaConsumerThread._create_worker_consumer: [
        "enable_auto_commit=False",
        "conf.broker_session_timeout",
        "conf.broker_rebalance_timeout",
        "RoundRobinPartitionAssignor",
    ],
    GroupCoordinator._handle_metadata_update: ["self._on_metadata_change()"],
    driver.AIOKafkaConsumerThread.on_start: ["await self._consumer.start()"],
    ServiceThread.start: ["self._thread = self.Worker(self)"],
    AIOKafkaConsumer.start: ["self._fetcher = Fetcher("],
    Fetcher._proc_fetch_request: ["backoff=self._prefetch_backoff"],
    Fetcher._get_actions_per_node: ["self._fetch_max_wait_ms", "self._fetch_min_bytes"],
    App._on_partitions_revoked: ["self.flow_control.clear", "self.on_partitions_revoked.send"],
    faust.Stream._py_aiter: ["message.generation_id != self.app.consumer_generation_id"],
}
"""Functions that are not ours to call, and what they have to do for the worker to be right."""
NAMED: Final = ("_committed_offset", "_paused_partitions", "flow_active")


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("faust-streaming") == "0.15.3"


@pytest.mark.parametrize(("where", "expected"), [*OVERRIDDEN.items(), *CALLED.items()])
def test_what_is_overridden_or_called_has_the_parameters_that_it_had(
    where: tuple[type, str], expected: tuple[str, ...]
) -> None:
    owner, name = where

    assert name in vars(owner)
    assert tuple(inspect.signature(getattr(owner, name)).parameters) == expected


@pytest.mark.parametrize("name", ["getmany", "seek_to_committed", "force_commit", "_add_gap"])
def test_our_consumer_is_called_as_theirs_is(name: str) -> None:
    ours, theirs = getattr(transport.Consumer, name), getattr(driver.Consumer, name)

    assert [*inspect.signature(ours).parameters] == [*inspect.signature(theirs).parameters]
    assert inspect.isasyncgenfunction(ours) == inspect.isasyncgenfunction(theirs)


@pytest.mark.parametrize("function", RELIED_ON)
def test_faust_still_does_what_is_relied_on(function: Any) -> None:
    source = inspect.getsource(function)

    assert [words for words in RELIED_ON[function] if words not in source] == []


def test_a_consumer_has_the_fields_that_are_read() -> None:
    source = inspect.getsource(faust_consumer.Consumer)

    assert [name for name in NAMED if f"{name}:" not in source] == []


def test_a_message_takes_any_value_and_says_of_which_generation_it_is() -> None:
    value: Any = [(1, ["records"])]

    message = ConsumerMessage("t", 1, 9, 0.0, 1, None, None, value, None, generation_id=4)

    assert (message.value, message.generation_id) == (value, 4)
    assert "generation_id" in Message.__slots__
    assert transport.Whole().loads_value(None, message) is value


def test_a_crashing_supervisor_lets_a_crash_reach_the_app() -> None:
    source = inspect.getsource(mode.CrashingSupervisor._contribute_to_service)

    assert source.rstrip().endswith("pass")


def test_the_app_is_set_up_to_lose_nothing() -> None:
    conf = worker.settings(worker.Group(["127.0.0.1:9092"], "touchline.events"))

    app: Any = worker.App("id", broker="kafka://127.0.0.1:9092", **conf).conf
    assert app.web_enabled is False
    assert app.agent_supervisor is mode.CrashingSupervisor
    assert (app.key_serializer, app.value_serializer) == ("raw", "raw")
    assert app.broker_session_timeout == 6.0
    assert app.broker_heartbeat_interval * 3 < app.broker_session_timeout
    assert app.consumer_metadata_max_age_ms <= 1_000 * app.broker_session_timeout
    assert app.stream_wait_empty is False
    assert app.topic_disable_leader is True
    assert app.topic_allow_declare is False
    assert app.table_standby_replicas == 0
    assert str(conf["processing_guarantee"]) == "at_least_once"
