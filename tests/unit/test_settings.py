"""Settings: what is wrong is named, with a remedy."""

from pathlib import Path

import pytest

from services.errors import Misconfigured
from services.settings import PREFIX, Settings, load


@pytest.fixture(autouse=True)
def _no_settings_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_set_is_the_embedded_platform_on_this_machine() -> None:
    settings = load()

    assert settings.store_url == settings.log_url == settings.archive_url == ""
    assert settings.url == "http://127.0.0.1:8080"
    assert settings.data_dir == Path("~/.touchline").expanduser()


def test_a_data_directory_beside_us_is_taken(tmp_path: Path) -> None:
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run" / "lock").touch()

    assert load().data_dir == tmp_path / "data"


def test_what_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_PORT", "9000")
    monkeypatch.setenv("TOUCHLINE_HOST", "::")

    settings = load(port=9001, host=None)

    assert (settings.port, settings.host) == (9001, "::")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "eighty", "TOUCHLINE_PORT should be a valid integer"),
        ("PORT", "70000", "TOUCHLINE_PORT should be less than or equal to 65535"),
        ("ENVIRONMENT", "staging", "TOUCHLINE_ENVIRONMENT should be 'development' or 'production'"),
        (
            "LOG_URL",
            "redis://x",
            r"TOUCHLINE_LOG_URL is no address of the form kafka://",
        ),
        (
            "STORE_URL",
            "mysql://secret",
            "TOUCHLINE_STORE_URL is no address of the form postgresql://",
        ),
        (
            "ARCHIVE_URL",
            "clickhouse://x",
            "TOUCHLINE_ARCHIVE_URL is no address of the form http://",
        ),
        (
            "ARCHIVE_URL",
            "http://[::1:8123/events",
            "TOUCHLINE_ARCHIVE_URL is no address of the form http://",
        ),
        (
            "KAFKA_URL",
            "redis://x",
            r"TOUCHLINE_KAFKA_URL is no address .*; .* for those of the log",
        ),
        ("INBOXES", "orders", "TOUCHLINE_INBOXES should be topic=key_id"),
        ("INBOXES", "a=k_1,a=k_2", "TOUCHLINE_INBOXES should be .* each topic once"),
        ("INBOXES", "orders=k_1", "TOUCHLINE_KAFKA_URL is missing"),
        ("STORE_QUERY_URL", "postgresql://h/d", "TOUCHLINE_STORE_URL is missing"),
        ("REQUESTS_PER_S", "0.0", "TOUCHLINE_REQUESTS_PER_S should be greater than 0"),
        ("REQUESTS_PER_S", "inf", "TOUCHLINE_REQUESTS_PER_S should be a finite number"),
        ("REQUESTS_PER_S", "many", "TOUCHLINE_REQUESTS_PER_S should be a valid number"),
        ("REQUESTS_BURST", "0.5", "TOUCHLINE_REQUESTS_BURST should be greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)

    with pytest.raises(Misconfigured, match=complaint) as refused:
        load()

    assert value not in str(refused.value)


def test_production_with_its_own_store_wants_a_master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_STORE_URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("TOUCHLINE_ENVIRONMENT", "production")

    with pytest.raises(Misconfigured, match=r"TOUCHLINE_MASTER_KEY is missing.*openssl"):
        load()


def test_a_setting_may_be_a_file_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "touchline_master_key").write_text("ab" * 32 + "\n")
    (tmp_path / "touchline_port").write_text("9001")
    (tmp_path / "password_of_others").write_text("theirs")
    monkeypatch.setenv("TOUCHLINE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("TOUCHLINE_PORT", "9002")

    settings = load()

    assert (settings.master_key, settings.port) == ("ab" * 32, 9002)


def test_a_file_that_no_setting_is_read_from_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "touchline_master-key").write_text("ab" * 32)
    monkeypatch.setenv("TOUCHLINE_SECRETS_DIR", str(tmp_path))

    with pytest.raises(Misconfigured, match=r"touchline_master-key, which no setting") as refused:
        load()

    assert "abab" not in str(refused.value)


def test_a_directory_of_secrets_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOUCHLINE_SECRETS_DIR", str(tmp_path / "none"))

    with pytest.raises(Misconfigured, match="TOUCHLINE_SECRETS_DIR names"):
        load()


def test_secrets_are_not_shown() -> None:
    settings = load(store_url="postgresql://u:secret@h/d", master_key="ab" * 32)

    assert "secret" not in repr(settings)
    assert "abab" not in repr(settings)


def test_settings_handed_to_another_process_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(port=9001, store_url="postgresql://u:secret@h/d")

    for name, value in settings.environ.items():
        monkeypatch.setenv(name, value)

    assert load() == settings


def test_every_setting_is_documented() -> None:
    text = Path(__file__).parents[2].joinpath("services", "settings.py").read_text()

    undocumented = [
        name
        for name in Settings.model_fields
        if '"""' not in text.split(f"    {name}: ", 1)[1].split("\n    ", 2)[1]
        and '"""' not in text.split(f"    {name}: ", 1)[1].split("\n", 2)[1]
    ]

    assert undocumented == []


def test_inboxes_have_each_a_key_and_the_log_s_brokers_unless_others_are_named() -> None:
    ours = load(inboxes="touchline.inbox=k_1,partners=k_2", log_url="kafka://k1:9092")
    theirs = load(inboxes="partners=k_2", kafka_url="kafka://k2:9092")

    assert ours.inbox_keys == {"touchline.inbox": "k_1", "partners": "k_2"}
    assert (ours.kafka, theirs.kafka) == ("kafka://k1:9092", "kafka://k2:9092")
    assert load().inbox_keys == {}


def test_decisions_are_sent_where_the_log_is_on_kafka_or_where_a_topic_is_named() -> None:
    on_kafka, elsewhere = "kafka://k1:9092", "kafka://k2:9092"

    assert load().decisions == load(kafka_url=elsewhere).decisions == ""
    assert load(log_url=on_kafka).decisions == "touchline.decisions"
    assert load(log_url=on_kafka, decisions_topic="off").decisions == ""
    assert load(kafka_url=elsewhere, decisions_topic="told").decisions == "told"
    assert load(log_url=on_kafka, inboxes="a=k").doors == ["a", "touchline.decisions"]
    with pytest.raises(Misconfigured, match="KAFKA_URL is missing: told is a topic"):
        load(decisions_topic="told")
    with pytest.raises(Misconfigured, match="DECISIONS_TOPIC is an inbox too"):
        load(log_url=on_kafka, decisions_topic="a", inboxes="a=k")
    with pytest.raises(Misconfigured, match="LOG_URL names a topic that is an inbox"):
        load(log_url=on_kafka, inboxes="touchline.events=k")
    with pytest.raises(Misconfigured, match="DECISIONS_TOPIC should be a topic's name"):
        load(log_url=on_kafka, decisions_topic="a b")


def test_a_cluster_of_the_archive_has_a_plain_name_and_is_not_believed_blindly() -> None:
    url = "https://clickhouse:8443/touchline"

    settings = load(archive_url=url, archive_cluster="shop-1")

    assert (settings.archive_cluster, settings.archive_verify) == ("shop-1", "on")
    with pytest.raises(Misconfigured, match="ARCHIVE_CLUSTER should be a name"):
        load(archive_url=url, archive_cluster="shop` DROP")
    with pytest.raises(Misconfigured, match="ARCHIVE_VERIFY is off"):
        load(archive_url=url, archive_verify="off", environment="production")
