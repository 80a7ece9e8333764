"""Processes of a cluster for tests, each started anew when it ends, as an orchestrator does."""

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final, Self

ENDED_S: Final = 30.0
PAUSE_S: Final = 0.1
"""Before it is started anew: one that can't reach what it needs ends at once."""
# What a process imports takes it longer than all else that it does until it works.
PROCESSES: Final = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.cluster.workers", "services.web"])


def _begun(work: Callable[..., None], said: Path, told: tuple[Any, ...]) -> None:
    """What such a process does."""
    threading.Thread(target=_end_with_who_started_us, daemon=True).start()
    with said.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    # One that hangs can be asked where.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    work(*told)


def _end_with_who_started_us() -> None:
    """However that ended."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


class Kept:
    """``work`` in a process of its own, until it is told to end; what it says is in ``place``."""

    def __init__(self, work: Callable[..., None], place: Path, *told: Any) -> None:
        self._place = place
        self._begun = work, place, told
        self.codes: list[int | None] = []
        """What it ended with, each time."""
        self._is_unwanted = threading.Event()
        self._process = self._started()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def said(self) -> str:
        """What all its processes logged."""
        return self._place.read_text() if self._place.exists() else ""

    @property
    def pid(self) -> int:
        """Of the process that it is by now."""
        return self._process.pid or 0

    @property
    def kills(self) -> int:
        """How often it was ended by ``kill -9``."""
        return self.codes.count(-signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Whatever process it is by now; nothing where it is between two."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def stop(self) -> int | None:
        """As an orchestrator does; gives the exit code of the last."""
        self._is_unwanted.set()
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        self._keeper.join(ENDED_S)
        if self._keeper.is_alive():
            self._process.kill()
            raise AssertionError(self.said[-4000:])
        return self.codes[-1]

    def _keep(self) -> None:
        while True:
            self._process.join()
            self.codes.append(self._process.exitcode)
            if self._is_unwanted.wait(PAUSE_S):
                return
            self._process = self._started()

    def _started(self) -> ForkServerProcess:
        process = PROCESSES.Process(target=_begun, args=self._begun, daemon=True)
        process.start()
        return process
