"""The archive's front as a process of its own, as ``touchline up`` runs it."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import httpx

from services.archive.access import Access
from services.archive.clickhouse import ClickHouseArchive

PASSWORD: Final = "ein-Geheimnis & mehr/:@"
_NUMBERS: Final = itertools.count()


class FrontProcess:
    """Started with a free port; killed, and started again on that port, as a test likes."""

    def __init__(self, folder: Path, *, arguments: Sequence[str] = ()) -> None:
        self._folder, self._arguments = folder, arguments
        self._password_file = folder.with_suffix(".password")
        self._password_file.write_text(f"{PASSWORD}\n")
        self.port = 0
        self.start()

    def start(self) -> None:
        """Run; returns when it listens."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "services.archive.front", "--data-dir", str(self._folder)),
                *("--password-file", str(self._password_file), "--port", str(self.port)),
                *self._arguments,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("archive: http://127.0.0.1:"):
            self._end(signal.SIGKILL)
            raise RuntimeError("the front did not start; its standard error says why")
        self.port = int(line.rpartition(":")[2])

    def kill(self) -> None:
        """As by ``kill -9``."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As by a supervisor; gives the exit code."""
        return self._end(signal.SIGTERM)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, database: str) -> str:
        return f"http://touchline:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def fresh_url(self) -> str:
        """The address of a database that nobody has used."""
        return self.url(f"test_{next(_NUMBERS)}")

    def http(self) -> httpx.Client:
        """Plain HTTP, as the one user."""
        return httpx.Client(base_url=self.address, auth=("touchline", PASSWORD), trust_env=False)

    def archive(self) -> ClickHouseArchive:
        """A client of an archive of its own."""
        return ClickHouseArchive(Access(self.fresh_url()))

    def anonymous_mb(self) -> float:
        """Memory that is this process's alone and no file's."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        line = next(line for line in text.splitlines() if line.startswith("Anonymous:"))
        return int(line.split()[1]) / 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    def ended(self) -> int:
        """Wait until it ends by itself; gives the exit code."""
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def _end(self, number: int) -> int:
        os.kill(self.process.pid, number)
        return self.ended()
