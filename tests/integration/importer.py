"""An import in a process of its own, to be killed; told database, master key and file."""

import sys
from pathlib import Path

from schemas.problems import Problem
from services.clock import SystemClock
from services.ingest.accept import Producer
from services.ingest.files.load import import_file, understand
from services.ingest.load import Loaded, Mark, destination
from services.log.postgres import PostgresLog
from services.store.import_state import PostgresImportState
from services.vault.postgres import PostgresVault


class Aloud:
    """Tells every mark on standard output; nothing is behind, and nothing is refused."""

    def at(self, mark: Mark) -> None:
        sys.stdout.write(f"{mark.records}\n")
        sys.stdout.flush()

    def waiting(self, in_flight: int) -> None:
        raise AssertionError(in_flight)

    def appended(self) -> int:
        return 0

    def in_flight(self) -> int:
        return 0

    def keep(self, raw: bytes, problem: Problem, origin: str) -> None:
        raise AssertionError(origin, raw, problem)


def run(url: str, master_key: bytes, path: Path) -> Loaded:
    """Import the file at ``path`` into the database."""
    log, vault, aloud = PostgresLog(url), PostgresVault(url, master_key), Aloud()
    marks = PostgresImportState(url, "shop")
    try:
        target = destination(
            Producer("shop", "write", "k_import", "DE"),
            log,
            vault,
            SystemClock(),
            backlog=aloud,
            dead_letters=aloud,
            marks=marks,
        )
        return import_file(understand(path), target, progress=aloud)
    finally:
        for resource in (marks, log, vault):
            resource.close()


if __name__ == "__main__":
    run(sys.argv[1], bytes.fromhex(sys.argv[2]), Path(sys.argv[3]))
