"""The whole platform for tests and benchmarks: real processes in a data directory, to be killed."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal, Self, TypeAlias, cast

import httpx
import psutil
import psycopg

from services.addresses import Addresses, find
from services.edge.headers import WAIT_FOR
from services.ports import free_port
from services.settings import Settings
from services.store.embedded import EmbeddedPostgres
from services.store.programs import until
from tests.mould import moulded
from tests.platforms import environ, is_gone, touchline

Process: TypeAlias = Literal["up", "archive", "engine", "web", "scorer", "postgres"]
Json: TypeAlias = dict[str, Any]

PATIENCE_S: Final = 120.0
"""For anything: the machine may be busy with other things, and a hang is found all the same."""
_MODULES: Final = {
    "services.archive.front": "archive",
    "services.engine": "engine",
    "services.scorer": "scorer",
    "services.web": "web",
}
_KEY: Final = re.compile(r"\btl_(browser|write|secret|admin)_\w+")


class RunningPlatform:
    """``touchline up`` on a port that it keeps; what it says is in ``said``, beside its data."""

    def __init__(self, data_dir: Path, *, log_url: str = "") -> None:
        self.data_dir = data_dir
        self.log_url = log_url
        self.more: dict[str, str] = {}
        """Further variables of its environment."""
        self.said = data_dir.with_suffix(".said")
        self.workspace, self.keys = "default", dict[str, str]()
        self.port = free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Run it; gives the seconds until it was ready."""
        began_s = monotonic()
        moulded(self.data_dir)
        heard = self.said.stat().st_size if self.said.exists() else 0
        with self.said.open("ab") as said:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "services.main", "up", "--port", str(self.port)],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until(lambda: "╯" in self._heard(heard).decode(errors="replace"), "up is ready")
        took_s = monotonic() - began_s
        text = self._heard(heard).decode()
        self.keys |= {match[1]: match[0] for match in _KEY.finditer(text)}
        return took_s

    def stop(self) -> int:
        """As by Ctrl-C; gives the exit code."""
        assert self._up is not None
        self._up.terminate()
        return self._up.wait(PATIENCE_S)

    def kill(self, *names: Process) -> None:
        """``kill -9`` each, all at once; who is not there is dead already."""
        pids = self.pids()
        backends = _children(pids["postgres"]) if {"postgres"} & {*names} & pids.keys() else []
        for name in names:
            with suppress(KeyError, ProcessLookupError):
                os.kill(pids[name], signal.SIGKILL)
        # They serve on until they notice, a moment later.
        assert all(is_gone(pid) for pid in backends)
        if "up" in names and self._up is not None:
            self._up.wait(PATIENCE_S)
            assert all(is_gone(pid) for name, pid in pids.items() if name != "postgres")

    def signal(self, name: Process, number: signal.Signals) -> None:
        """Send ``number``, as SIGSTOP or SIGCONT."""
        os.kill(self.pids()[name], number)

    def pids(self) -> dict[Process, int]:
        """The processes that live now."""
        found: dict[Process, int] = {}
        if self._up is not None and self._up.poll() is None:
            found["up"] = self._up.pid
            for child in psutil.Process(self._up.pid).children():
                with suppress(psutil.Error):
                    module = next((it for it in child.cmdline() if it in _MODULES), None)
                    if module:
                        found[cast("Process", _MODULES[module])] = child.pid
        if (postgres := EmbeddedPostgres(self.data_dir).postmaster()) is not None:
            found["postgres"] = postgres.pid
        return found

    def addresses(self) -> Addresses:
        """Where its store, log and archive are."""
        return find(Settings(data_dir=self.data_dir, log_url=self.log_url))

    def is_ready(self) -> bool:
        """Whether everything runs and answers, the archive too."""
        try:
            answer = self.client.get("/readyz")
        except httpx.HTTPError:
            return False
        checks: dict[str, str] = answer.json().get("checks", {})
        return answer.status_code == httpx.codes.OK and {*checks.values()} == {"ready"}

    @property
    def reading(self) -> dict[str, str]:
        """Headers that may read."""
        return {"Authorization": f"Bearer {self.keys['secret']}"}

    def get(self, path: str, position: str = "") -> Json:
        """The body of an answer that must be 200, once ``position`` is in it."""
        waiting = {WAIT_FOR: position} if position else {}
        answer = self.client.get(path, headers=self.reading | waiting)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return cast("Json", answer.json())

    def post(self, events: Sequence[Json]) -> httpx.Response:
        """``POST /v1/events``."""
        headers = {"Authorization": f"Bearer {self.keys['write']}"}
        return self.client.post("/v1/events", json=list(events), headers=headers)

    def touchline(self, *arguments: str) -> subprocess.Popen[str]:
        """A command at work on this data directory."""
        return self.python("-m", "services.main", *arguments)

    def python(self, *arguments: str) -> subprocess.Popen[str]:
        """Python, as that command would find it."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # As from a terminal of its own: the kernel gives sessions equal shares.
            start_new_session=True,
        )

    def ran(self, *arguments: str) -> str:
        """What a command says that must end with 0."""
        code, said = touchline(*arguments, **self._settings)
        assert code == 0, (arguments, code, said)
        return said

    @contextmanager
    def acting_in(self, workspace: str) -> Iterator[None]:
        """With the keys of a new workspace, for the time of the block."""
        self.ran("workspaces", "create", workspace)
        of, before = ("keys", "create", "--workspace", workspace, "--json", "--kind"), self.keys
        made = {kind: self.ran(*of, kind) for kind in ("write", "secret")}
        self.keys = {kind: json.loads(said.splitlines()[-1])["key"] for kind, said in made.items()}
        self.workspace = workspace
        try:
            yield
        finally:
            self.workspace, self.keys = "default", before

    def verified(self) -> Json:
        """What ``verify --json`` says; raises ``AssertionError`` where it is not ok."""
        said = self.ran("verify", "--json")
        return cast("Json", json.loads(said.splitlines()[-1]))

    def archived(self) -> Json:
        """Wait until nothing is in flight, in the archive neither; the status then."""
        self.wait_until(self.is_ready, "it can serve")
        self.wait_until(lambda: _is_calm(self.get("/v1/status")), "nothing is in flight")
        return self.get("/v1/status")

    def settled(self) -> Json:
        """Wait until all is scored too, and nothing more will come of it; the status then."""
        self.archived()
        # What is still to be scored, or relayed, would be in the log a moment later.
        self.wait_until(
            lambda: self._is_decided() and _is_calm(self.get("/v1/status")), "all is decided"
        )
        return self.get("/v1/status")

    def _is_decided(self) -> bool:
        """Whether all that is folded is scored, and all that was decided is in the log."""
        query = """
            SELECT NOT EXISTS (SELECT FROM touchline.outbox) AND (%s = 'off' OR NOT EXISTS (
                SELECT FROM live.checkpoint LEFT JOIN touchline.scoring_progress AS scored
                USING (partition)
                WHERE checkpoint.next_offset > coalesce(scored.next_offset, 0)))
        """
        try:
            with psycopg.connect(self.addresses().store.owner) as connection:
                scoring = self.more.get("TOUCHLINE_SCORING", "on")
                return connection.execute(query, (scoring,)).fetchone() == (True,)
        except psycopg.OperationalError:
            return False

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Come back when ``holds`` does; an ``AssertionError`` tells what was said last."""
        for _ in until(PATIENCE_S, every_s=0.05):
            if holds():
                return
            if self._up is not None and self._up.poll() is not None:
                break
        last = self._heard(0).decode(errors="replace")[-4000:]
        raise AssertionError(f"it did not come about that {what}; the platform said:\n{last}")

    def close(self) -> None:
        """Leave nothing running."""
        self.client.close()
        if self._up is not None and self._up.poll() is None:
            with suppress(ProcessLookupError):
                self._up.send_signal(signal.SIGCONT)
            self.stop()
        EmbeddedPostgres(self.data_dir).stop()

    @property
    def _environ(self) -> dict[str, str]:
        return {**environ(), **self._settings}

    @property
    def _settings(self) -> dict[str, str]:
        ours = {"TOUCHLINE_DATA_DIR": str(self.data_dir), "TOUCHLINE_LOG_URL": self.log_url}
        return ours | self.more

    def _heard(self, first: int) -> bytes:
        return self.said.read_bytes()[first:] if self.said.exists() else b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_calm(status: Json) -> bool:
    waiting = [*status["partitions"], status["archive"]]
    return not status["unsettled"] and not any(row["in_flight"] for row in waiting)


def _children(pid: int) -> list[int]:
    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []
