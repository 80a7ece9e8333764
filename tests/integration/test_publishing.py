"""Decisions for others to read: each once under its id, in order, and history never."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import msgspec
import pytest

from services.errors import NotOurs, Unavailable
from services.fold.apply import Folds
from services.fold.rebuild import rebuild
from services.log.memory_outlet import MemoryOutlet
from services.log.outlet import Outbound
from services.projector.projections import READ_MODELS
from services.scoring.deliver import publisher
from services.scoring.deliver.publisher import publish_once
from services.store.deliveries import Move
from services.store.postgres import PostgresStore
from services.store.postgres_published import PostgresPublished
from services.store.shadow import Shadow
from services.store.urls import Urls
from tests.integration.dispatch import Dispatch, dispatching


class Scene:
    """A shop whose decisions are published when a test asks."""

    def __init__(self, dispatch: Dispatch, progress: PostgresPublished) -> None:
        self.dispatch, self.progress, self.outlet = dispatch, progress, MemoryOutlet()
        self.decide, self.till = dispatch.decide, dispatch.till

    def publish(self) -> None:
        while publish_once(self.till.log, self.progress, self.outlet):
            pass

    def ids(self) -> list[str]:
        """Of decisions made by the test, as they were sent."""
        sent = [record.headers["ce_id"] for record in self.outlet.sent]
        return [id_ for id_ in sent if id_.startswith("d")]


@pytest.fixture
def scene(urls: Urls) -> Iterator[Scene]:
    with dispatching(urls) as dispatch, closing(PostgresPublished(urls.fold)) as progress:
        scene = Scene(dispatch, progress)
        scene.publish()
        yield scene


def test_a_decision_is_a_cloud_event_keyed_by_its_customer(scene: Scene) -> None:
    scene.decide("d1", who="user:7")

    scene.publish()

    (record,) = [one for one in scene.outlet.sent if one.headers["ce_id"] == "d1"]
    about = scene.till.hash("user:7")
    assert record.key == about.encode()
    assert record.headers["ce_type"] == "lifecycle.changed"
    assert record.headers["ce_subject"] == about
    body = msgspec.json.decode(record.value)
    assert (body["id"], body["customer_id"]) == ("d1", about)
    assert body["data"]["stage"] == "at_risk"


def test_decisions_go_in_the_order_in_which_they_were_taken_each_once(scene: Scene) -> None:
    wanted = [f"d{number}" for number in range(30)]
    scene.decide(*wanted, "d3")

    scene.publish()
    scene.publish()

    assert scene.ids() == wanted


def test_it_begins_with_what_is_decided_after_it_first_looked(urls: Urls) -> None:
    with dispatching(urls) as dispatch, closing(PostgresPublished(urls.fold)) as progress:
        scene = Scene(dispatch, progress)
        scene.decide("d1")
        scene.publish()
        scene.decide("d2")
        scene.publish()

        assert scene.ids() == ["d2"]


def test_what_is_restated_is_not_sent_and_what_waited_for_days_is(scene: Scene) -> None:
    scene.decide("d1", is_restated=True)
    scene.decide("d2")
    scene.till.clock.at = scene.till.clock.now().replace(year=2036)

    scene.publish()

    assert scene.ids() == ["d2"]


class Failing(MemoryOutlet):
    """Brokers that go away after so many records of a send, once."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after: int | None = after

    def send(self, records: Sequence[Outbound]) -> None:
        if self._after is not None:
            super().send(records[: self._after])
            self._after = None
            raise Unavailable("no broker answers")
        super().send(records)


def test_what_the_brokers_did_not_take_is_sent_again_in_order_under_the_same_ids(
    scene: Scene,
) -> None:
    scene.outlet = Failing(after=3)
    wanted = [f"d{number}" for number in range(6)]
    scene.decide(*wanted)

    with pytest.raises(Unavailable):
        scene.publish()
    scene.publish()

    assert list(dict.fromkeys(scene.ids())) == wanted


def test_of_two_that_publish_one_alone_moves_on(scene: Scene) -> None:
    scene.decide("d1")
    places = scene.progress.places()
    partition, place = next((at, one) for at, one in places.items() if one.end > (one.at or 0))
    scene.publish()

    for move in (Move(place.at, place.end + 1), Move(None, place.end)):
        with pytest.raises(NotOurs):
            scene.progress.move({partition: move})
    assert scene.ids() == ["d1"]


def test_a_rebuild_sends_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "AT_ONCE", 3)
    till = scene.till
    for number in range(1, 5):
        till.tell(till.bought(f"o{number}", 600_00, f"user:{number}"))
    till.work()
    scene.publish()
    sent = len(scene.outlet.sent)
    assert sent > 4

    shadow = Shadow(till.urls.owner, "shadow")
    shadow.make()
    replaying = Folds(READ_MODELS, till.vault, is_replay=True)
    with closing(PostgresStore(till.urls.fold, schema=shadow.schema)) as store:
        rebuild(replaying, till.log, store, shadow, progress=lambda done, total: None)
    till.restart()
    till.work()
    scene.publish()

    assert len(scene.outlet.sent) == sent
