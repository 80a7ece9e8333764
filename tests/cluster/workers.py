"""Workers for tests: real processes that fold their share, each started anew when it ends."""

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
from typing import Final, Self

from prometheus_client import CollectorRegistry

from services import cluster, telemetry
from services.addresses import Addresses
from services.fold.watch import Watch
from services.process import stopped_by_signals

SESSION_S: Final = 2.0
"""Less than Kafka allows as it comes, and this run's broker allows it."""
ENDED_S: Final = 30.0
# What a worker imports takes it longer than all else that it does until it folds.
PROCESSES: Final = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def fold(addresses: Addresses, said: Path, session_s: float) -> None:
    """What a worker's process does."""
    threading.Thread(target=_end_with_who_started_us, daemon=True).start()
    with said.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    # A worker that hangs can be asked where.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    telemetry.configure("worker", format="json")
    watch = Watch(CollectorRegistry())
    cluster.fold_a_share(addresses, stopped_by_signals(), watch, session_s=session_s)


def _end_with_who_started_us() -> None:
    """However that ended."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


class Worker:
    """One of a group: as an orchestrator keeps it, until it is told to end."""

    def __init__(
        self,
        addresses: Addresses,
        said: Path,
        *,
        session_s: float = SESSION_S,
        target: Callable[[Addresses, Path, float], None] = fold,
    ) -> None:
        self._said, self._target = said, target
        self._told = addresses, said, session_s
        self.codes: list[int | None] = []
        """What it ended with, each time."""
        self._is_wanted = True
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
        return self._said.read_text() if self._said.exists() else ""

    @property
    def shares(self) -> int:
        """How often it was given one."""
        return self.said.count("projector.took_over")

    @property
    def pid(self) -> int:
        """Of the process that it is by now."""
        return self._process.pid or 0

    def send(self, number: signal.Signals) -> None:
        """Whatever process it is by now; nothing where it is between two."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def stop(self) -> int | None:
        """As an orchestrator does; gives the exit code of the last."""
        self._is_wanted = False
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
            if not self._is_wanted:
                return
            self._process = self._started()

    def _started(self) -> ForkServerProcess:
        process = PROCESSES.Process(target=self._target, args=self._told, daemon=True)
        process.start()
        return process
