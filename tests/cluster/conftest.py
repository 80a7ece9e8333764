"""What tests on a cluster may ask for: one broker a run, one fresh log a test."""

import os
from collections.abc import Iterator

import pytest

from services.store.migrate import migrate
from services.store.urls import Urls
from tests.cluster.broker import Broker, NoBroker
from tests.cluster.topics import fresh
from tests.integration.folding import Engine, an_engine

NAMED = "TOUCHLINE_TEST_KAFKA"


@pytest.fixture(scope="session")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The run's own broker, fetched by Maven where it was not yet; skips where that can't be."""
    try:
        broker = Broker(tmp_path_factory.mktemp("kafka"))
    except NoBroker as cause:
        pytest.skip(f"no Kafka to test on, and {NAMED} names none: {cause}")
    with broker:
        yield broker


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> str:
    """``host:port`` of a broker: the one that is named, else the run's own."""
    if named := os.environ.get(NAMED):
        return named
    broker: Broker = request.getfixturevalue("own_broker")
    return broker.server


@pytest.fixture
def mortal(request: pytest.FixtureRequest) -> Broker:
    """A broker to be killed, and started again before the test ends."""
    if named := os.environ.get(NAMED):
        pytest.skip(f"{NAMED} names {named}, which is not ours to kill")
    broker: Broker = request.getfixturevalue("own_broker")
    return broker


@pytest.fixture
def log_url(kafka: str) -> str:
    """The address of a log that is empty."""
    return fresh(kafka)


@pytest.fixture
def shared(bare: Urls, log_url: str) -> Iterator[Engine]:
    """Log, store and vault of the workers."""
    migrate(bare.owner)
    with an_engine(bare, log_url=log_url) as engine:
        yield engine


@pytest.fixture
def alone(urls: Urls, shared: Engine) -> Iterator[Engine]:
    """What one embedded loop makes of the same log, in PostgreSQL."""
    with an_engine(urls, vault=shared.vault) as engine:
        yield engine
