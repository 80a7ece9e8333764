"""Lines to PostgreSQL and Kafka that are cut, slow or half open: each event counts once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.addresses import Addresses
from services.archive.access import Access
from services.log.kafka.address import parse
from services.store.urls import Urls
from tests.campaign import Campaign
from tests.cluster.broker import Broker
from tests.cluster.scenes import Scene, a_scene, assert_as_alone, has_shares, telling
from tests.cluster.workers import How
from tests.integration.folding import MASTER_KEY, Engine
from tests.proxied import Proxy, a_proxy
from tests.reported import Fault, Noted
from tests.stories import a_story

BETWEEN: Final = 60
"""Records folded between one fault and the next, at least."""
LATE_S: Final = 0.02
STALLED_S: Final = 4.0
"""Instead of minutes: after so long a worker that asks in vain ends itself."""
Faults = tuple[str, ...]
SOME: Final[Faults] = ("postgres cut", "kafka cut", "kafka slow")
ALL: Final[Faults] = (
    *("postgres cut", "kafka cut", "postgres slow", "kafka slow") * 3,
    *("postgres silent", "kafka silent", "postgres silent"),
)


@contextmanager
def proxied(engine: Engine, broker: Broker) -> Iterator[tuple[Addresses, dict[str, Proxy]]]:
    """Addresses of the same log and store by way of proxies."""
    topic = parse(engine.log_url).topic
    port = int(str(conninfo_to_dict(engine.urls.fold)["port"]))
    with a_proxy(port) as postgres, a_proxy(broker.behind, broker.before) as kafka:
        urls = (engine.urls.owner, engine.urls.fold, engine.urls.query)
        by_proxy = Urls(*(make_conninfo(u, host="127.0.0.1", port=postgres.port) for u in urls))
        log_url = f"kafka://127.0.0.1:{kafka.port}/{topic}"
        addresses = Addresses(by_proxy, log_url, Access(""), MASTER_KEY)
        yield addresses, {"postgres": postgres, "kafka": kafka}


@pytest.mark.fault(Fault.LINES)
def test_lines_that_are_cut_slow_or_half_open_lose_and_double_nothing(
    mortal: Broker,
    shared: Engine,
    alone: Engine,
    tmp_path: Path,
    *,
    campaign: Campaign,
    noted: Noted,
) -> None:
    chance, faults = Random(campaign.seed), campaign.of(SOME, ALL)
    number = campaign.of(600, 3_000)
    events = a_story(chance, events=number, people=60, vault=shared.vault).events
    with (
        proxied(shared, mortal) as (addresses, proxies),
        a_scene(shared, tmp_path, addresses=addresses) as scene,
    ):
        workers = [scene.worker(name, How(stalled_s=STALLED_S)) for name in ("first", "second")]
        scene.waits(lambda: all(has_shares(worker, 1) for worker in workers))
        share = len(events) // len(faults)
        for turn, fault in enumerate(chance.sample(faults, len(faults))):
            name, _, how = fault.partition(" ")
            before = scene.folded()
            with telling(shared, events[turn * share :][:share], url=addresses.log):
                scene.folds(min(BETWEEN, share // 3), since=before)
                wrong(scene, proxies[name], how)
            noted.say(f"{turn + 1} of {len(faults)}: {fault}, {scene.folded():,} records folded")
        with telling(shared, events[len(faults) * share :]):
            pass
        scene.waits(scene.is_done)
        codes = [worker.stop() for worker in workers]

    assert codes == [0, 0]
    assert_as_alone(shared, alone, len(events))
    noted.add(events=len(events))


def wrong(scene: Scene, proxy: Proxy, how: str) -> None:
    """Let it go wrong, and be right again."""
    match how:
        case "cut":
            assert proxy.cut()
        case "slow":
            proxy.slow(LATE_S)
            scene.folds(1)
            proxy.slow(0)
        case _:
            proxy.silence()
            scene.rests(2 * STALLED_S)
            proxy.speak()
