"""Up: the supervisor with small processes in place of the platform's, and what up prepares."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Self

import pytest

from services.commands.keys import KINDS
from services.data_dir import DataDir, Running, running
from services.errors import Conflict
from services.plan import Child, Plan, Server, load
from services.ports import claimed_port, free_port
from services.settings import PREFIX, Settings
from services.store.embedded import EmbeddedPostgres
from services.store.programs import until
from services.up import children, greeting

TALKER = """
import os, signal, sys
def leave(*_):
    print("ended", sys.argv[1], flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("began", sys.argv[1], os.getpid(), flush=True)
while True:
    signal.pause()
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

    def __init__(self, argv: Sequence[str], *, inherited: int = -1) -> None:
        self.process = subprocess.Popen(
            argv,
            pass_fds=[inherited] if inherited >= 0 else [],
            env={**environ(), "TOUCHLINE_PLAN_FD": str(inherited)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.said: list[str] = []
        self._rest = b""

    @classmethod
    def following(cls, plan: Plan) -> Self:
        """A supervisor that was given ``plan``."""
        read, write = os.pipe()
        os.write(write, plan.dump())
        os.close(write)
        platform = cls([sys.executable, "-m", "services.supervisor"], inherited=read)
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
        """The words of the next line that has all of ``words``."""
        deadline = monotonic() + within_s
        while monotonic() < deadline:
            line = self._line(deadline)
            if line is None:
                break
            self.said.append(line)
            if all(word in line for word in words):
                return line.split()
        raise AssertionError(f"nobody said {words}: {self.said}")

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


@pytest.fixture
def started() -> Iterator[list[Platform]]:
    platforms: list[Platform] = []
    yield platforms
    for platform in platforms:
        platform.process.kill()
        platform.process.wait()
        assert platform.process.stdout is not None
        platform.process.stdout.close()


@pytest.fixture
def run(started: list[Platform]) -> Callable[[Plan], Platform]:
    def start(plan: Plan) -> Platform:
        started.append(Platform.following(plan))
        return started[-1]

    return start


@pytest.fixture
def up(started: list[Platform], tmp_path: Path) -> Iterator[Callable[[], Platform]]:
    port = free_port()

    def start() -> Platform:
        started.append(Platform.up(tmp_path, port))
        return started[-1]

    yield start
    EmbeddedPostgres(tmp_path).stop()


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


def test_a_plan_is_read_back_as_it_was_written() -> None:
    plan = Plan(
        [Child("web", ["python"], "http://x/readyz")], Server("pid", ["a"], ["b"]), "Hello", False
    )

    assert load(plan.dump()) == plan


def test_a_child_that_dies_is_started_again_and_said_so(run: Callable[[Plan], Platform]) -> None:
    platform = run(Plan([child("one")]))
    first = int(platform.hears("began one")[2])

    os.kill(first, signal.SIGKILL)

    platform.hears("process.ended", '"code": -9', '"restart_in_s": 0.2')
    assert int(platform.hears("began one")[2]) != first


def test_all_end_in_reverse_order_when_told_to(run: Callable[[Plan], Platform]) -> None:
    platform = run(Plan([child("one"), child("two")]))
    for name in ("one", "two"):
        platform.hears(f"began {name}")

    platform.process.send_signal(signal.SIGTERM)

    code, said = platform.ends()
    assert code == 0
    assert said.index("ended two") < said.index("ended one") < said.index("platform.stopped")


def test_ctrl_c_reaches_the_supervisor_alone(run: Callable[[Plan], Platform]) -> None:
    platform = run(Plan([child("one")]))
    pid = int(platform.hears("began one")[2])

    assert os.getsid(pid) != os.getsid(platform.process.pid)
    platform.process.send_signal(signal.SIGINT)

    code, said = platform.ends()
    assert (code, "ended one" in said) == (0, True)


def test_a_second_signal_kills_what_will_not_end(run: Callable[[Plan], Platform]) -> None:
    platform = run(Plan([child("deaf", DEAF)]))
    pid = int(platform.hears("began deaf")[2])

    platform.process.send_signal(signal.SIGTERM)
    platform.hears("platform.stopping")
    platform.process.send_signal(signal.SIGTERM)

    assert platform.ends()[0] == 0
    assert is_gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_children_die_with_a_killed_supervisor(run: Callable[[Plan], Platform]) -> None:
    platform = run(Plan([child("one"), child("deaf", DEAF)]))
    pids = [int(platform.hears(f"began {name}")[2]) for name in ("one", "deaf")]

    platform.process.kill()

    assert all(is_gone(pid) for pid in pids)


def test_the_greeting_is_shown_once_all_are_ready_and_only_then_what_runs_once_begins(
    run: Callable[[Plan], Platform],
) -> None:
    port = free_port()
    serving = child("web", SERVING, str(port), ready=f"http://127.0.0.1:{port}/readyz")
    once = Child("sample", [sys.executable, "-c", "print('loaded')"], is_once=True)
    platform = run(Plan([child("one"), serving, once], greeting="Welcome!\n"))

    platform.hears("loaded")
    pid = next(int(line.split()[2]) for line in platform.said if line.startswith("began web"))
    os.kill(pid, signal.SIGKILL)
    platform.hears("began web")
    platform.process.terminate()

    _, said = platform.ends()
    assert said.index("platform.ready") < said.index("Welcome!") < said.index("loaded")
    assert (said.count("Welcome!"), said.count("loaded")) == (1, 1)


def test_a_child_that_refuses_its_settings_ends_the_platform(
    run: Callable[[Plan], Platform],
) -> None:
    never_ready = "http://127.0.0.1:1/readyz"
    platform = run(Plan([child("one"), child("web", "raise SystemExit(2)", ready=never_ready)]))

    code, said = platform.ends()

    assert code == 2
    assert "process.refused" in said


def test_a_database_that_is_gone_is_started_again(
    run: Callable[[Plan], Platform], tmp_path: Path
) -> None:
    pid_file = tmp_path / "postmaster.pid"
    start = f"open({str(pid_file)!r}, 'w').write('{os.getpid()}'); print('revived', flush=True)"
    server = Server(
        str(pid_file),
        [sys.executable, "-c", start],
        [sys.executable, "-c", "print('database stopped', flush=True)"],
    )
    platform = run(Plan([child("one")], server))

    platform.hears("postgres.ended")
    platform.hears("revived")
    platform.hears("began one")
    platform.process.terminate()

    _, said = platform.ends()
    assert said.index("ended one") < said.index("database stopped")


def test_a_supervisor_is_light(run: Callable[[Plan], Platform]) -> None:
    platform = run(Plan([child("one")]))
    platform.hears("platform.ready")

    status = Path(f"/proc/{platform.process.pid}/status").read_text()

    resident_kb = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    assert resident_kb < 25_000


def test_a_data_directory_is_held_by_one_who_is_named(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)

    with directory.lock("touchline up"), pytest.raises(Conflict, match=rf"pid {os.getpid()}"):
        directory.lock("another")

    directory.lock("later").close()


def test_a_running_platform_is_found_while_its_lock_is_held(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)
    said = Running(os.getpid(), "http://127.0.0.1:8080", "", "2026-11-22T10:00:00+00:00")

    with directory.lock("touchline up"):
        before = running(tmp_path)
        directory.announce(said)
        during = running(tmp_path)

    assert (before, during, running(tmp_path)) == (None, said, None)
    assert running(tmp_path / "nothing") is None
    assert not (tmp_path / "nothing").exists()


def test_a_port_in_use_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Conflict, match=rf"127\.0\.0\.1:{port} .*--port"):
            claimed_port("127.0.0.1", port)


def test_children_are_told_apart_by_what_is_embedded(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)
    elsewhere = Settings(data_dir=tmp_path, archive_url="http://clickhouse:8123")

    assert names(children(Settings(data_dir=tmp_path), directory, sample="")) == [
        *("archive", "engine", "web")
    ]
    assert names(children(elsewhere, directory, sample="dunnhumby")) == ["engine", "web", "sample"]


def test_keys_are_shown_when_they_are_new(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)
    settings = Settings(data_dir=tmp_path, port=8099)

    new = greeting(settings, directory, {"write": "tl_write_x"}, sample="")
    later = greeting(settings, directory, {}, sample="")

    assert "Bearer tl_write_x" in new
    assert "http://127.0.0.1:8099/v1/events" in new
    assert "touchline keys create" in later


def test_up_makes_all_ready_shows_keys_and_leaves_nothing_running(
    up: Callable[[], Platform], tmp_path: Path
) -> None:
    platform = up()
    platform.hears("Bearer tl_write_")

    second = up()
    code, refusal = second.ends()
    found = running(tmp_path)
    platform.process.terminate()

    ended, said = platform.ends()
    assert (code, f"touchline up (pid {platform.process.pid})" in refusal) == (1, True)
    assert found is not None
    assert found.pid == platform.process.pid
    assert all(f"tl_{kind}_" in said for kind in KINDS)
    assert ended == 0
    assert EmbeddedPostgres(tmp_path).postmaster() is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_killed_up_leaves_the_database_and_the_next_one_adopts_it(
    up: Callable[[], Platform], tmp_path: Path
) -> None:
    first = up()
    web = int(first.hears("began web")[2])
    first.hears("Bearer")
    database = EmbeddedPostgres(tmp_path).postmaster()

    first.process.kill()
    first.process.wait()

    assert is_gone(web)
    second = up()
    second.hears("touchline keys create")
    assert database is not None
    assert EmbeddedPostgres(tmp_path).postmaster() == database
    assert "tl_write" not in " ".join(second.said)


def test_a_killed_database_is_brought_back(up: Callable[[], Platform], tmp_path: Path) -> None:
    platform = up()
    platform.hears("Bearer")
    before = EmbeddedPostgres(tmp_path).postmaster()
    assert before is not None

    os.kill(before.pid, signal.SIGKILL)
    platform.hears("postgres.ended")

    found = (EmbeddedPostgres(tmp_path).postmaster() for _ in until(10, every_s=0.1))
    assert any(it is not None and it.is_ready and it.pid != before.pid for it in found)


def names(found: Sequence[Child]) -> list[str]:
    return [it.name for it in found]
