"""The topic on a real broker: made, shown, checked by the command line, and refused."""

import json
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from typer.testing import CliRunner

from services.errors import Misconfigured, Unavailable
from services.log.kafka import topic
from services.log.kafka.address import parse
from services.log.kafka.log import KafkaLog
from services.log.kafka.topic import create
from services.main import app
from services.ports import free_port
from services.store.programs import until
from services.store.urls import Urls
from tests.cluster.topics import fresh
from tests.contract.log import DEADLINE_S, entries


def test_a_log_without_its_topic_says_what_to_run(kafka: str) -> None:
    with pytest.raises(Misconfigured, match="touchline topics create"):
        KafkaLog(f"kafka://{kafka}/nowhere")


def test_a_log_without_a_broker_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+ did not answer"):
        KafkaLog(f"kafka://127.0.0.1:{free_port()}")


def test_one_broker_that_listens_is_enough(kafka: str) -> None:
    url = f"kafka://127.0.0.1:{free_port()},{kafka}/{parse(fresh(kafka)).topic}"

    with closing(KafkaLog(url)) as log:
        assert log.append(entries(1, b"a")) == {1: 1}


def test_a_topic_that_forgets_is_refused_unless_that_was_allowed(log_url: str) -> None:
    _configure(log_url, {"retention.ms": "3600000", "message.timestamp.type": "CreateTime"})

    with pytest.raises(Misconfigured, match=r"retention.*finite_retention=allowed.*LogAppendTime"):
        KafkaLog(log_url)
    _configure(log_url, {"message.timestamp.type": "LogAppendTime"})
    KafkaLog(f"{log_url}?finite_retention=allowed").close()


def test_a_topic_that_is_there_is_left_as_it_is(log_url: str) -> None:
    assert not create(parse(log_url), 4)
    assert topic.checked(parse(log_url)).partitions == 16


def test_the_command_line_makes_shows_and_checks_the_topic(
    kafka: str, urls: Urls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"kafka://{kafka}/made-{uuid.uuid4().hex}"
    for name, value in {
        "LOG_URL": url,
        "STORE_URL": urls.owner,
        "STORE_FOLD_URL": urls.fold,
        "STORE_QUERY_URL": urls.query,
        "MASTER_KEY": "ab" * 32,
        "DATA_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"TOUCHLINE_{name}", value)

    missing = ran("check")
    made = ran("create", "--partitions", "4", "--json")
    again = ran("create")
    with closing(KafkaLog(url)) as log:
        log.append(entries(3, b"a", b"b"))
    shown = ran("show", "--json")
    _configure(url, {"cleanup.policy": "compact"})
    wrong = ran("check")

    assert (missing[0], "touchline topics create" in missing[1]) == (2, True)
    assert (made[0], json.loads(made[1])["partitions"]) == (0, 4)
    assert (again[0], "It was there" in again[1]) == (0, True)
    assert json.loads(shown[1])["ends"][3] == {"partition": 3, "end": 2, "lag": 2}
    assert (wrong[0], "set cleanup.policy to delete" in wrong[1]) == (1, True)


def test_the_command_line_knows_no_topics_of_the_embedded_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOUCHLINE_DATA_DIR", str(tmp_path))

    code, said = ran("check")

    assert code == 2
    assert "TOUCHLINE_LOG_URL is empty" in said


def ran(*arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it said."""
    result = CliRunner().invoke(app, ["topics", *arguments])
    return result.exit_code, result.stdout or result.stderr


def _configure(url: str, configs: dict[str, str]) -> None:
    address = parse(url)
    with closing(KafkaAdminClient(bootstrap_servers=list(address.servers))) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, address.topic, configs)])
        asked = ConfigResource(ConfigResourceType.TOPIC, address.topic, [*configs])
        for _ in until(DEADLINE_S):
            # A broker learns of it a moment after it was answered.
            said = admin.describe_configs([asked], config_filter="all")["topic"][address.topic]
            if {name: said[name]["value"] for name in configs} == configs:
                return
    raise AssertionError(configs)


def test_the_command_line_makes_inboxes_and_the_topic_of_decisions(
    kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = uuid.uuid4().hex
    for name, value in {
        "KAFKA_URL": f"kafka://{kafka}",
        "INBOXES": f"in-{number}=k_1",
        "DECISIONS_TOPIC": f"out-{number}",
        "DATA_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"TOUCHLINE_{name}", value)

    # The log is in PostgreSQL: it has no topic.
    made = ran("create", "--partitions", "3", "--json")
    again = ran("create", "--json")

    doors = [f"in-{number}", f"out-{number}"]
    assert (made[0], json.loads(made[1])) == (0, {"doors": doors})
    assert (again[0], json.loads(again[1])) == (0, {"doors": []})
    found = [topic.described(parse(f"kafka://{kafka}/{door}")) for door in doors]
    assert [(one.partitions, one.retention_ms) for one in found] == [(3, topic.DOOR_MS)] * 2
