"""The supervisor: starts, restarts, and ends in order, with small processes for the platform's."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.plan import Child, Plan, Server, load
from services.ports import free_port
from tests.platforms import DEAF, SERVING, Platform, child, is_gone


@pytest.fixture
def run() -> Iterator[Callable[[Plan], Platform]]:
    with ExitStack() as started:
        yield lambda plan: started.enter_context(Platform.following(plan))


def test_a_plan_is_read_back_as_it_was_written() -> None:
    plan = Plan(
        [Child("web", ["python"], "http://x/readyz")], Server("pid", ["a"], ["b"]), 7, False
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
    load = [sys.executable, "-c", "print('loaded')"]
    once = Child("sample", load, is_once=True, is_late=True)
    greeting, asked = socket.socketpair()
    platform = run(Plan([child("one"), serving, once], greeter=asked.fileno()))
    asked.close()

    with greeting:
        greeting.settimeout(20)
        greeting.recv(1)
        platform.hears("platform.ready")
        # Nothing else begins while it greets.
        assert not any(line.startswith("loaded") for line in platform.said)
    platform.hears("loaded")
    pid = next(int(line.split()[2]) for line in platform.said if line.startswith("began web"))
    os.kill(pid, signal.SIGKILL)
    platform.hears("began web")
    platform.process.terminate()

    _, said = platform.ends()
    assert said.count("loaded") == 1


@pytest.mark.parametrize("ready", ["http://127.0.0.1:1/readyz", ""], ids=["asked", "not asked"])
def test_a_child_that_refuses_its_settings_ends_the_platform(
    run: Callable[[Plan], Platform], ready: str
) -> None:
    platform = run(Plan([child("one"), child("web", "raise SystemExit(2)", ready=ready)]))

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
