"""Commands that back up and restore, as tests give them, and what they find."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from services.store.backup_folder import Manifest
from tests.integration.running import Json, RunningPlatform
from tests.platforms import environ, touchline


@contextmanager
def posting(platform: RunningPlatform) -> Iterator[set[str]]:
    """Events come all the while; the ids of those that were acknowledged."""
    acknowledged: set[str] = set()
    stop, some = threading.Event(), threading.Event()

    def post() -> None:
        for number in count():
            ids = [f"during-{number}-{at}" for at in range(5)]
            answer = platform.post([bought(id_) for id_ in ids])
            assert answer.status_code == 200, answer.text
            acknowledged.update(ids)
            if number == 10:
                some.set()
            if stop.is_set():
                return

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(post)
        try:
            assert some.wait(30)
            yield acknowledged
        finally:
            stop.set()
        working.result()


def bought(id_: str) -> Json:
    """Of one of nine people, always the same one."""
    shopper = sum(id_.encode()) % 9
    return {
        "id": id_,
        "source": "shop",
        "type": "purchase.completed",
        "occurred_at": "2026-11-01T10:00:00Z",
        "identifiers": [f"user:{shopper}", f"email:{shopper}@example.org"],
        "personal": {"name": f"Shopper {shopper}"},
        "data": {"order_id": id_, "amount_minor": 12_50, "currency": "EUR"},
    }


def totals(platform: RunningPlatform) -> tuple[int, int]:
    """How many records were applied, and how many were repetitions."""
    rows = platform.settled()["partitions"]
    return sum(row["applied"] for row in rows), sum(row["duplicate"] for row in rows)


def killing(kill: str, *arguments: str) -> int:
    """The exit code of a command that is killed at a point of its work."""
    script = (
        "import os; from pathlib import Path; from services.main import app, restoring;"
        "from services.store.backup_folder import Draft;"
        f"kill = lambda *_, **__: os.kill(os.getpid(), 9); {kill}; app()"
    )
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environ(), check=False).returncode


def resign(place: Path, **changes: Any) -> None:
    """Change what a manifest says, as somebody would who could write one."""
    backup = json.loads(place.read_bytes())["backup"] | changes
    body = msgspec.json.encode(msgspec.convert(backup, Manifest, str_keys=True))
    signed = {"backup": backup, "sha256": sha256(body).hexdigest()}
    place.write_text(json.dumps(signed))


def restore(into: RunningPlatform, taken: Path) -> Json:
    code, said = touchline(*restoring(taken, into.data_dir), "--json")
    assert code == 0, said
    told: Json = json.loads(said.splitlines()[-1])
    return told


def taking(place: Path) -> list[str]:
    return [str(place / "log"), "--vault", str(place / "vault")]


def restoring(taken: Path, place: Path) -> list[str]:
    return ["restore", *taking(taken), "--data-dir", str(place)]


def refused(taken: Path, place: Path) -> tuple[int, str]:
    """The exit code of a restore, and what it says."""
    return touchline(*restoring(taken, place))


def run(platform: RunningPlatform, *arguments: str) -> tuple[int, str]:
    return touchline(*arguments, TOUCHLINE_DATA_DIR=str(platform.data_dir))
