"""The address of a log on Kafka: what it may say, and what is refused."""

import pytest

from services.errors import Misconfigured
from services.log.kafka.address import TOPIC, Address, parse


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("kafka://broker:9093", Address(("broker:9093",))),
        ("kafka://broker", Address(("broker:9092",))),
        ("kafka://a:1,b,[::1]:3/", Address(("a:1", "b:9092", "[::1]:3"))),
        ("kafka://broker/other.events", Address(("broker:9092",), "other.events")),
        ("kafka://broker?finite_retention=allowed", Address(("broker:9092",), TOPIC, True)),
    ],
)
def test_an_address_names_brokers_and_perhaps_a_topic(url: str, address: Address) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka://broker:99999",
        "kafka://a,,b",
        "kafka://user:secret@broker:9092",
        "kafka://broker/a/b",
        "kafka://broker/" + "a" * 250,
        "kafka://broker?finite_retention=secret",
        "kafka://broker?tls=secret",
        "redis://secret",
        "kafka://[secret",
        "redis://a,[::1]/secret",
    ],
)
def test_what_is_no_address_is_refused_by_its_name_and_without_its_secrets(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"TOUCHLINE_LOG_URL .* kafka://host:port") as refused:
        parse(url)

    assert "secret" not in str(refused.value)
