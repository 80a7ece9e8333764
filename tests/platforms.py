"""Platforms for tests: a supervisor at work, with small processes in place of the real ones."""

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Self

from typer.testing import CliRunner

from services.main import app
from services.plan import Child, Plan
from services.settings import PREFIX
from services.store.programs import until

TALKER = """
import os, signal, sys, time
def leave(*_):
    # Not print(): the signal may come while "began" is being printed.
    os.write(1, f"ended {sys.argv[1]}\\n".encode())
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("began", sys.argv[1], os.getpid(), flush=True)
# Not pause(): a signal that comes just before it would be slept through.
while True:
    time.sleep(0.05)
"""
DEAF = TALKER.replace("signal.signal(signal.SIGTERM, leave)", "signal.signal(15, signal.SIG_IGN)")
SERVING = """
import http.server, os, sys
class Yes(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Yes)
print("began", sys.argv[1], os.getpid(), flush=True)
server.serve_forever()
"""


class Platform:
    """A supervisor at work, and what it and its children say."""

    def __init__(
        self, argv: Sequence[str], *, inherited: int = -1, more: Sequence[int] = ()
    ) -> None:
        self.process = subprocess.Popen(
            argv,
            pass_fds=[*([inherited] if inherited >= 0 else []), *more],
            env={**environ(), "TOUCHLINE_PLAN_FD": str(inherited)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.said: list[str] = []
        self._unheard: list[str] = []
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @classmethod
    def following(cls, plan: Plan) -> Self:
        """A supervisor that was given ``plan``."""
        read, write = os.pipe()
        os.write(write, plan.dump())
        os.close(write)
        more = [plan.greeter] if plan.greeter >= 0 else []
        platform = cls([sys.executable, "-m", "services.supervisor"], inherited=read, more=more)
        os.close(read)
        return platform

    @classmethod
    def up(cls, data_dir: Path, port: int) -> Self:
        """The whole of up, with one small process in place of all the platform's."""
        script = (
            "import sys; from services import up; from services.settings import load;"
            "from services.plan import Child;"
            f"web = Child('web', [sys.executable, '-c', {SERVING!r}, 'web', '{port}'],"
            f" 'http://127.0.0.1:{port}/readyz');"
            "up.children = lambda *_, **__: [web];"
            f"up.up(load(data_dir={str(data_dir)!r}, port={port}))"
        )
        return cls([sys.executable, "-c", script])

    def hears(self, *words: str, within_s: float = 20) -> list[str]:
        """The words of the first line with all of ``words`` that was not given before."""
        deadline = monotonic() + within_s
        while True:
            for line in self._unheard:
                if all(word in line for word in words):
                    self._unheard.remove(line)
                    return line.split()
            said = self._line(deadline)
            if said is None:
                raise AssertionError(f"nobody said {words}: {self.said}")
            self.said.append(said)
            self._unheard.append(said)

    def ends(self) -> tuple[int, str]:
        """The exit code, and everything that was said till then."""
        assert self.process.stdout is not None
        rest = self._rest + self.process.stdout.read()
        return self.process.wait(20), "\n".join([*self.said, rest.decode()])

    def _line(self, deadline: float) -> str | None:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        while b"\n" not in self._rest:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - monotonic()))
            read = os.read(descriptor, 4096) if ready else b""
            if not read:
                return None
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


def child(name: str, code: str = TALKER, *arguments: str, ready: str = "") -> Child:
    return Child(name, [sys.executable, "-c", code, name, *arguments], ready)


def environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def is_gone(pid: int) -> bool:
    for _ in until(10):
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state not in {"Z", "X"}:
                continue
        return True
    return False


def touchline(*arguments: str, **settings: str) -> tuple[int, str]:
    """The command's exit code and what it says; right here, since a process takes its second."""
    mine: dict[str, str | None] = dict.fromkeys(os.environ.keys() - environ().keys())
    done = CliRunner().invoke(app, arguments, env=mine | settings)
    return done.exit_code, done.output
