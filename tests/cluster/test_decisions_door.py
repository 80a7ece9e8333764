"""The way out: decisions on a topic of Kafka, each under its id, in order for each customer."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from unittest.mock import patch

import pytest

from schemas import LifecycleChanged
from services import scorer
from services.fold.decisions import decision
from services.ingest.receive import receive_control
from services.log.kafka.address import Address
from services.log.kafka.outlet import KafkaOutlet
from services.log.open import open_log
from services.log.outlet import Outbound, Outlet
from services.process import beside
from services.settings import Settings
from services.store.migrate import migrate
from services.store.postgres_published import PostgresPublished
from services.store.programs import until
from services.store.urls import Urls
from tests.cluster.others import fresh_door, told
from tests.contract.outlet import OutletContract, Sent
from tests.integration.folding import MASTER_KEY, Engine, an_engine

PATIENCE_S: Final = 90.0
PROCESSES: Final = multiprocessing.get_context("forkserver")


class TestKafkaOutlet(OutletContract):
    """A topic of four partitions."""

    @pytest.fixture
    def address(self, kafka: str) -> Address:
        return fresh_door(kafka, partitions=4)

    @pytest.fixture
    def outlet(self, address: Address) -> Iterator[Outlet]:
        with closing(KafkaOutlet(address)) as outlet:
            yield outlet

    @pytest.fixture
    def sent(self, address: Address) -> Sent:
        return lambda: told(address)


class Scene:
    """A log that decisions are taken in, and the topic that they are sent to."""

    def __init__(self, engine: Engine, address: Address) -> None:
        self.engine, self.address = engine, address
        self.wanted: dict[str, list[str]] = {}
        """By customer, in order."""
        self.settings = Settings(
            store_url=engine.urls.owner,
            store_fold_url=engine.urls.fold,
            store_query_url=engine.urls.query,
            log_url=engine.log_url,
            master_key=MASTER_KEY.hex(),
            decisions_topic=address.topic,
        )

    def decide(self, number: int) -> None:
        """About each of seven customers, taken in turns; what is restated among it."""
        at, about = datetime.now(UTC), [self.engine.history.hash(f"user:{one}") for one in range(7)]
        decided = []
        for one in range(number):
            for customer in about:
                count = len(self.wanted.setdefault(customer, []))
                for name, is_restated in ((f"{count}", False), (f"{count} before", True)):
                    data = LifecycleChanged(
                        customer_id=customer,
                        machine="test",
                        stage=f"stage{one}",
                        policy_version=1,
                        is_restated=is_restated,
                    )
                    id_ = f"{customer} {name}"
                    event = decision(data, id_=id_, occurred_at=at, identifiers=[customer])
                    decided.append(("shop", event))
                self.wanted[customer].append(f"{customer} {count}")
        receive_control(decided, at, vault=self.engine.vault, log=self.engine.log)
        self.engine.fold()

    def is_sent(self) -> bool:
        """Whether all that is folded was looked at."""
        query = """
            SELECT count(progress.next_offset) = 16
               AND coalesce(bool_and(progress.next_offset >= checkpoint.next_offset), true)
            FROM checkpoint FULL JOIN touchline.published_progress AS progress USING (partition)
        """
        return self.engine.rows(query) == [(True,)]

    def publish(self) -> None:
        """As the service, until all is sent."""
        stop = threading.Event()
        with (
            closing(open_log(self.engine.log_url)) as log,
            scorer.publishing(self.settings, log) as publisher,
            beside(stop, [publisher.run]),
        ):
            for _ in until(PATIENCE_S, every_s=0.05):
                if self.is_sent():
                    return
        raise AssertionError("not all was sent")


@pytest.fixture
def scene(bare: Urls, log_url: str, kafka: str) -> Iterator[Scene]:
    migrate(bare.owner)
    with an_engine(bare, log_url=log_url) as engine:
        scene = Scene(engine, fresh_door(kafka, partitions=4))
        engine.fold()
        scene.publish()
        yield scene


def by_customer(found: Sequence[Outbound]) -> Mapping[str, list[str]]:
    """Ids in the order in which a reader finds them."""
    ids: dict[str, list[str]] = {}
    for record in found:
        ids.setdefault(record.key.decode(), []).append(record.headers["ce_id"])
    return ids


def test_decisions_come_out_once_each_and_in_order_for_each_customer(scene: Scene) -> None:
    scene.decide(10)
    scene.publish()
    scene.decide(10)
    scene.publish()

    assert by_customer(told(scene.address)) == scene.wanted


def killed_before_it_is_noted(settings: Settings, said: Path) -> None:
    """What the process does that dies between the brokers' answer and its note of it."""
    with said.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    dying = patch.object(PostgresPublished, "move", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with (
        dying,
        closing(open_log(settings.log_url)) as log,
        scorer.publishing(settings, log) as publisher,
    ):
        publisher.run(threading.Event())


def test_a_process_killed_before_it_noted_what_it_sent_sends_it_again_under_the_same_ids(
    scene: Scene, tmp_path: Path
) -> None:
    for _ in range(2):
        scene.decide(5)
        process = PROCESSES.Process(
            target=killed_before_it_is_noted, args=(scene.settings, tmp_path / "said")
        )
        process.start()
        process.join(PATIENCE_S)
        assert process.exitcode == -signal.SIGKILL, (tmp_path / "said").read_text()
    scene.decide(5)
    scene.publish()

    found = by_customer(told(scene.address))
    assert {who: list(dict.fromkeys(ids)) for who, ids in found.items()} == scene.wanted
    # What was noted is never sent again.
    assert all(ids.count(ids[-1]) == 1 for ids in found.values())
