"""The process that ``bench/ingest.py`` asks: ingest on one of two logs, or an empty route."""

import argparse
import os
import socket
from pathlib import Path
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry

from services.clock import SystemClock
from services.edge.auth import Gate
from services.edge.compose import with_edge
from services.edge.limits import Limits
from services.edge.rate import Rates
from services.ingest.app import router
from services.ingest.door import Door, IngestMetrics
from services.log.memory import MemoryLog
from services.log.port import Log
from services.log.postgres import PostgresLog
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.tenants import FoundKey
from services.vault.memory import MemoryVault
from services.vault.port import Vault
from services.vault.postgres import PostgresVault

KEY: Final = FoundKey("k_bench", "bench", "write", "DE", "Europe/Berlin", "EUR")
UNLIMITED: Final = Limits(requests_per_s=1e9, requests_burst=1e9)


class OneKey:
    """Whatever is presented is the one key."""

    def find(self, key_hash: bytes) -> FoundKey | None:
        return KEY


def application(log: Log, vault: Vault) -> FastAPI:
    """Ingest as it is composed, and beside it a route that does nothing but read its body."""
    registry = CollectorRegistry()
    app = with_edge(FastAPI(), UNLIMITED, registry)
    gate = Gate(OneKey(), Rates(UNLIMITED))
    app.include_router(
        router(Door(log, vault, gate, SystemClock(), UNLIMITED, IngestMetrics(registry)))
    )
    return app


def empty() -> FastAPI:
    """An application of one route."""
    app = FastAPI()

    @app.post("/v1/events")
    async def nothing(request: Request) -> Response:
        await request.body()
        return Response(b"{}", media_type="application/json")

    return app


def main() -> None:
    """Serve on a free port and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["empty", "memory", "postgres"])
    parser.add_argument("--data-dir", type=Path, default=Path())
    arguments = parser.parse_args()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        structlog.configure(
            processors=[structlog.processors.JSONRenderer()],
            logger_factory=structlog.WriteLoggerFactory(nowhere),
            cache_logger_on_first_use=True,
        )
        _serve(_application(arguments.kind, arguments.data_dir))


def _application(kind: str, data_dir: Path) -> FastAPI:
    match kind:
        case "empty":
            return empty()
        case "memory":
            return application(MemoryLog(), MemoryVault())
        case _:
            urls = EmbeddedPostgres(data_dir).start()
            migrate(urls.owner)
            log, vault = PostgresLog(urls.fold), PostgresVault(urls.fold, b"m" * 32)
            return application(log, vault)


def _serve(app: FastAPI) -> None:
    config = uvicorn.Config(app, access_log=False, log_level="warning", ws="none")
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
