"""A worker whose client won't let go: its process ends all the same, with the code it earned."""

import asyncio
import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

pytest.importorskip("faust")

from services.fold.apply import Folds
from services.fold.watch import Watch
from services.projector import thread, worker
from services.projector.projections import READ_MODELS
from services.projector.share import Share
from services.store.memory import MemoryStore
from services.vault.memory import MemoryVault

NOWHERE = worker.Group(["127.0.0.1:1"], "touchline.events")
ENDED_S = 60.0


class Gate:
    """Lets everything through."""

    waiting = 0

    def may_fold(self, *_: Any) -> bool:
        return True


class Clinging(worker.App):
    """An app that doesn't stop, and holds out against being cancelled, as mode's services do."""

    async def stop(self) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue


def begin(said: Path, *, is_told_to_stop: bool) -> None:
    """What the process does; without a broker the app crashes as it starts."""
    os.dup2(os.open(said, os.O_CREAT | os.O_WRONLY), 2)
    os.dup2(2, 1)
    vars(worker).update(App=Clinging, LEAVE_S=0.2)
    stop = threading.Event()
    if is_told_to_stop:
        stop.set()
    share = Share(
        Folds(READ_MODELS, MemoryVault()), MemoryStore(), Gate(), Watch(CollectorRegistry())
    )
    worker.work(NOWHERE, share, stop)


@pytest.mark.parametrize(("is_told_to_stop", "code"), [(True, 0), (False, 1)])
def test_a_process_whose_client_does_not_let_go_ends_and_says_why(
    tmp_path: Path, is_told_to_stop: bool, code: int
) -> None:
    said = tmp_path / "said"
    process = multiprocessing.get_context("spawn").Process(
        target=begin, args=(said,), kwargs={"is_told_to_stop": is_told_to_stop}
    )
    process.start()
    process.join(ENDED_S)

    try:
        assert process.exitcode == code
        assert "projector.cut_off" in said.read_text()
        assert ("aiokafka.errors.KafkaConnectionError" in said.read_text()) == bool(code)
    finally:
        process.kill()


def test_the_clients_thread_keeps_no_process() -> None:
    assert thread.Thread.Worker is thread.Background
    assert thread.Background(None).daemon


def test_nobody_waits_for_ever_for_a_thread_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hanging:
        def _start_thread(self) -> None:
            ended.wait()

    monkeypatch.setattr(thread, "ENDED_S", 0.01)
    ended = threading.Event()
    hanging = thread.Background(Hanging())
    hanging.start()

    hanging.stop()

    assert hanging.is_alive()
    ended.set()
