"""Probes and the watch: what can be seen of a process that serves nothing else."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.commands.metrics import OutboxDepth
from services.edge.probes import Finding, answering, measure_process
from services.errors import Conflict, Unavailable
from services.fold.watch import STUCK_S, Watch, WatchedStore
from services.main.background import alive
from services.store.memory import MemoryStore

HERE = "127.0.0.1"
GOOD = Finding(is_good=True, said={"status": "alive"})
BAD = Finding(is_good=False, said={"status": "not ready"})


class HandClock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def probed(registry: CollectorRegistry) -> Iterator[httpx.Client]:
    measure_process(registry)
    with (
        answering((HERE, 0), registry, alive=lambda: GOOD, ready=lambda: BAD) as port,
        httpx.Client(base_url=f"http://{HERE}:{port}", trust_env=False) as client,
    ):
        yield client


def told(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


def test_a_probe_answers_what_it_found(probed: httpx.Client) -> None:
    answers = {path: probed.get(path).status_code for path in ("/healthz", "/readyz", "/nothing")}

    assert answers == {"/healthz": 200, "/readyz": 503, "/nothing": 404}
    assert probed.get("/healthz").json() == {"status": "alive"}
    assert "process_resident_memory_bytes" in probed.get("/metrics").text


def test_a_taken_port_is_a_conflict_that_names_the_setting(registry: CollectorRegistry) -> None:
    with socket.create_server((HERE, 0)) as taken:
        place = HERE, taken.getsockname()[1]

        with (
            pytest.raises(Conflict, match="TOUCHLINE_METRICS_PORT"),
            answering(place, registry, alive=lambda: GOOD, ready=lambda: GOOD),
        ):
            pass


def test_a_loop_that_hangs_is_not_alive(registry: CollectorRegistry) -> None:
    clock = HandClock()
    watch = Watch(registry, clock)

    watch.turn()
    clock.now_s += STUCK_S
    waiting = alive(watch)
    clock.now_s += 1
    hanging = alive(watch)
    watch.turn()

    assert (waiting.is_good, hanging.is_good, alive(watch).is_good) == (True, False, True)
    assert hanging.said["status"] == "stuck"


def test_batches_are_timed_by_how_they_ended(registry: CollectorRegistry) -> None:
    store = WatchedStore(MemoryStore(), Watch(registry))

    with store.transaction():
        pass
    with pytest.raises(Unavailable), store.transaction():
        raise Unavailable("somebody else was in the way")

    counted = "touchline_fold_batch_duration_seconds_count"
    assert f'{counted}{{outcome="committed"}} 1.0' in told(registry)
    assert f'{counted}{{outcome="failed"}} 1.0' in told(registry)


def test_an_outbox_that_can_t_be_read_tells_nothing(registry: CollectorRegistry) -> None:
    depths = [(3, 7.5)]

    def depth() -> tuple[int, float]:
        if not depths:
            raise Unavailable("the store is away")
        return depths.pop()

    registry.register(OutboxDepth(depth))

    before, after = told(registry), told(registry)

    assert "touchline_outbox_rows 3.0" in before
    assert "touchline_outbox_oldest_seconds 7.5" in before
    assert "touchline_outbox" not in after
