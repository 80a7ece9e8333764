"""The supervisor: starts the platform's processes, restarts what dies, ends all in order.

It is what stays of ``touchline up``, for as long as the platform runs. So it knows nothing of the
platform but a plan, and imports nothing but the standard library: 15 MB instead of 60.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from services.plan import Child, Plan, load

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0
"""What ran this long has recovered: its next death is a first one again."""
GRACE_S: Final = 15.0
"""A batch or a request in hand takes far less; who takes longer is killed."""
WRONG_USE: Final = 2
"""The exit code of a process that will not run as it was asked to, however often."""


class _Process:
    """A child as it runs, or waits to run again."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.popen: subprocess.Popen[bytes] | None = None
        self.is_ready = False
        self.has_ended = False
        self.started_at_s = 0.0
        self.start_at_s = 0.0
        self.pause_s = FIRST_PAUSE_S

    @property
    def has_served(self) -> bool:
        """Whether it showed that it can run as it was asked to; by lasting, where nobody asks."""
        if self.child.ready:
            return self.is_ready
        return monotonic() - self.started_at_s > STEADY_S

    def start(self) -> None:
        self.is_ready = not self.child.ready
        self.started_at_s = monotonic()
        self.popen = subprocess.Popen(
            self.child.argv,
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - this process has one thread
            # Ctrl-C is for us, who end the others in order.
            start_new_session=True,
        )

    def ended(self) -> float | None:
        """Note the end; the pause before the next start, None if there is none."""
        self.popen = None
        self.is_ready = False
        if self.child.is_once:
            self.has_ended = True
            return None
        if monotonic() - self.started_at_s > STEADY_S:
            self.pause_s = FIRST_PAUSE_S
        pause_s, self.pause_s = self.pause_s, min(2 * self.pause_s, LONGEST_PAUSE_S)
        self.start_at_s = monotonic() + pause_s
        return pause_s

    def end(self, how: signal.Signals) -> None:
        if self.popen is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.popen.pid, how)


class Supervisor:
    """Runs a plan until it is told to stop by SIGTERM or SIGINT."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._processes = [_Process(child) for child in plan.children]
        self._is_greeted = False
        self._stops = 0
        self._code = 0
        self._bell, self._rung = os.pipe()
        self._look_at_server_s = 0.0

    def run(self) -> int:
        """Work until told to stop, and end everything; the exit code.

        A second signal while ending kills what still runs.
        """
        self._listen()
        while not self._stops:
            self._reap()
            self._revive_server()
            self._start_what_is_due()
            self._look_for_readiness()
            self._wait((0.2 if self._is_greeted else 0.05) if self._is_busy() else 1.0)
        say(self._plan, "platform.stopping")
        for process in reversed(self._processes):
            self._end(process)
        if self._plan.server is not None:
            subprocess.run(self._plan.server.stop, check=False)
        say(self._plan, "platform.stopped")
        return self._code

    def _listen(self) -> None:
        os.set_blocking(self._bell, False)
        os.set_blocking(self._rung, False)
        signal.set_wakeup_fd(self._rung, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Under nohup a closed terminal is none of our business.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: self._stop(0))

    def _stop(self, code: int) -> None:
        self._stops += 1
        self._code = self._code or code

    def _wait(self, seconds: float) -> None:
        select.select([self._bell], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._bell, 4096)

    def _is_busy(self) -> bool:
        """Whether something is about to change that no signal will tell."""
        return any(not process.is_ready and not process.has_ended for process in self._processes)

    def _reap(self) -> None:
        """Take note of every process that ended; as a container's first one, of strangers too."""
        by_pid = {it.popen.pid: it for it in self._processes if it.popen is not None}
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                pid, status = ended
                if (process := by_pid.get(pid)) is not None and process.popen is not None:
                    code = process.popen.returncode = os.waitstatus_to_exitcode(status)
                    self._bury(process, code)

    def _bury(self, process: _Process, code: int) -> None:
        has_served, name = process.has_served, process.child.name
        process.end(signal.SIGKILL)  # what it had started itself
        pause_s = process.ended()
        if self._stops or (pause_s is None and code == 0):
            return
        if code == WRONG_USE and not has_served and pause_s is not None:
            # It has said why, and would say it again.
            say(self._plan, "process.refused", level="error", name=name)
            self._stop(WRONG_USE)
            return
        say(
            self._plan, "process.ended", level="warning", name=name, code=code, restart_in_s=pause_s
        )

    def _start_what_is_due(self) -> None:
        for process in self._processes:
            is_due = process.popen is None and not process.has_ended
            if process.child.is_late and not self._is_greeted:
                continue
            if is_due and process.start_at_s <= monotonic():
                process.start()

    def _look_for_readiness(self) -> None:
        for process in self._processes:
            if process.popen is not None and not process.is_ready and answers(process.child.ready):
                process.is_ready = True
        if not self._is_greeted and all(
            it.is_ready for it in self._processes if not it.child.is_late
        ):
            self._is_greeted = True
            say(self._plan, "platform.ready")
            if self._plan.greeter >= 0:
                with suppress(OSError), socket.socket(fileno=self._plan.greeter) as greeter:
                    greeter.send(b"!")
                    greeter.recv(1)

    def _revive_server(self) -> None:
        if self._plan.server is None or monotonic() < self._look_at_server_s:
            return
        self._look_at_server_s = monotonic() + 1.0
        if not is_alive(self._plan.server.pid_file):
            say(self._plan, "postgres.ended", level="warning")
            if subprocess.run(self._plan.server.start, check=False).returncode != 0:
                self._look_at_server_s = monotonic() + 5.0

    def _end(self, process: _Process) -> None:
        process.end(signal.SIGTERM)
        deadline_s = monotonic() + GRACE_S
        while process.popen is not None:
            if monotonic() > deadline_s or self._stops > 1:
                process.end(signal.SIGKILL)
            self._wait(0.2)
            self._reap()


def say(plan: Plan, event: str, *, level: str = "info", **fields: object) -> None:
    """One log line on standard error, as those of ``services.telemetry`` look."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    told = {"event": event, **{name: value for name, value in fields.items() if value is not None}}
    if plan.is_json:
        line = json.dumps({**told, "level": level, "timestamp": now, "service": "up"})
    elif level == "info":
        return  # on a terminal the greeting says it
    else:
        line = f"{now} [{level}] " + " ".join(f"{name}={value}" for name, value in told.items())
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def answers(url: str) -> bool:
    """Whether ``url`` gives 200 within half a second; plain HTTP, and no library for it."""
    parts = urlsplit(url)
    request = f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or 80), timeout=0.5
        ) as link:
            link.sendall(request.encode())
            return link.recv(32).split(b" ", 2)[1:2] == [b"200"]
    except OSError:
        return False


def is_alive(pid_file: str) -> bool:
    """Whether the process that ``pid_file`` names lives; a zombie does not."""
    try:
        with open(pid_file) as file:  # noqa: PTH123 - pathlib costs a megabyte
            pid = int(file.readline())
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - as above
            return file.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return sys.platform != "linux"


def _die_with(parent: int) -> Callable[[], None]:
    """Lets a child be killed by the kernel when we are, however; Linux only."""
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return ask


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run the plan that waits in the pipe ``TOUCHLINE_PLAN_FD``."""
    with os.fdopen(int(environ["TOUCHLINE_PLAN_FD"]), "rb") as pipe:
        plan = load(pipe.read())
    return Supervisor(plan).run()


if __name__ == "__main__":
    sys.exit(main())
