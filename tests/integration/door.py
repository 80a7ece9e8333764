"""The door for tests: ingest behind a real socket, with log and vault in memory or as given."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from schemas.codec import decode
from schemas.envelope import Recorded
from services.edge.auth import Gate
from services.edge.compose import with_edge
from services.edge.keys import hashed
from services.edge.limits import Limits
from services.edge.rate import Rates
from services.ingest.app import router
from services.ingest.door import Door, IngestMetrics
from services.log.memory import MemoryLog
from services.log.port import Log
from services.store.tenants import FoundKey
from services.vault.memory import MemoryVault
from services.vault.port import Vault

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _key(key_id: str, workspace: str, kind: str) -> FoundKey:
    return FoundKey(key_id, workspace, kind, "DE", "Europe/Berlin", "EUR")


KEYS: Final = {
    "browser-key": _key("k_browser", "shop", "browser"),
    "write-key": _key("k_write", "shop", "write"),
    "secret-key": _key("k_secret", "shop", "secret"),
    "admin-key": _key("k_admin", "shop", "admin"),
    "other-key": _key("k_other", "bank", "write"),
}


class FixedClock:
    """Noon, always."""

    def now(self) -> datetime:
        return NOW


class FixedKeys:
    """The keys above, by their hashes."""

    def find(self, key_hash: bytes) -> FoundKey | None:
        return next((key for text, key in KEYS.items() if hashed(text) == key_hash), None)


@dataclass(frozen=True)
class Served:
    """A running ingest, and what it writes to."""

    url: str
    log: Log
    vault: Vault
    registry: CollectorRegistry
    client: httpx.Client

    def post(self, content: bytes, key: str | None = "write-key", **headers: str) -> httpx.Response:
        """``POST /v1/events``."""
        authorization = {"Authorization": f"Bearer {key}"} if key else {}
        return self.client.post(
            f"{self.url}/v1/events",
            content=content,
            headers={"Content-Type": "application/json", **authorization, **headers},
        )

    def recorded(self) -> list[Recorded[Any]]:
        """Every event in the log."""
        return [
            decode(stored.payload)
            for partition in range(self.log.partitions)
            for stored in self.log.read(partition, 0, 100_000)
        ]

    def find(self, id_: str) -> list[Recorded[Any]]:
        """The events with this id."""
        return [event for event in self.recorded() if event.id == id_]


@contextmanager
def serving(
    log: Log | None = None, vault: Vault | None = None, limits: Limits | None = None
) -> Iterator[Served]:
    """Ingest on a free port of the loopback interface, for the time of the block."""
    log, vault, limits = log or MemoryLog(), vault or MemoryVault(), limits or Limits()
    registry = CollectorRegistry()
    gate = Gate(FixedKeys(), Rates(limits))
    door = Door(log, vault, gate, FixedClock(), limits, IngestMetrics(registry))
    app = with_edge(FastAPI(), limits, registry)
    app.include_router(router(door))
    with listening(app) as url, httpx.Client(timeout=30) as client:
        yield Served(url, log, vault, registry, client)


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """``app`` on uvicorn in a thread; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    started = threading.Event()
    config = uvicorn.Config(app, log_level="critical", ws="none", lifespan="off")
    server = _Server(config, started)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._listens = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listens.set()
