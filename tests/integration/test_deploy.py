"""The deployment's commands, run with its own variables and secrets: they start, answer, end."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.ports import free_port
from services.store.programs import binary, until
from services.store.urls import Urls
from tests import deployed
from tests.deployed import DOCKERFILE, PORT, ROOT, Started
from tests.integration.running import PATIENCE_S
from tests.platforms import environ

MASTER_KEY = "5a" * 32
# Kubernetes gives its pods the same: tests/unit/test_deploy.py sees to it.
STARTED = deployed.composed()
ROUTES = {
    "ingest": {"/v1/events": 401, "/v1/schemas": 200, "/v1/customers": 404, "/": 404},
    "query": {"/v1/events": 404, "/v1/schemas": 404, "/v1/customers": 401, "/": 200},
    "projector": {"/v1/events": 404, "/v1/schemas": 404, "/v1/customers": 404, "/": 404},
    "scoring": {"/v1/events": 404, "/v1/schemas": 404, "/v1/customers": 404, "/": 404},
}
# A test has no Kafka: its log is the store's, as where no address of one is given.
ELSEWHERE = {"TOUCHLINE_HOST": "127.0.0.1", "TOUCHLINE_LOG_URL": ""}


@dataclass(frozen=True, slots=True)
class Running:
    """A service as a container would run it, but for the port."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def answered(self, path: str) -> httpx.Response:
        """The answer to ``path``, waited for while it starts."""
        for _ in until(PATIENCE_S, every_s=0.1):
            assert self.process.poll() is None, self.process.communicate()
            try:
                return self.client.get(path)
            except httpx.TransportError:
                continue
        raise AssertionError(f"{path} was not answered")

    def status(self, path: str) -> int:
        """What is answered at ``path`` to who has no key; 404 where there is no route."""
        posted, got = self.client.post(path), self.client.get(path)
        return got.status_code if posted.status_code in {404, 405, 501} else posted.status_code

    def is_ready(self) -> bool:
        for _ in until(PATIENCE_S, every_s=0.1):
            if self.answered("/readyz").status_code == 200:
                return True
        return False


def touchline(one: Started, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "services.main", *one.arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def secrets(urls: Urls, tmp_path: Path) -> Mapping[str, str]:
    """What the deployment's secrets hold, by their names in Compose."""
    return {
        "store_owner_url": urls.owner,
        "store_fold_url": urls.fold,
        "store_query_url": urls.query,
        # Nobody is there: only timelines need it.
        "archive_url": f"http://touchline:none@127.0.0.1:{free_port()}/touchline",
        "master_key": MASTER_KEY,
    }


def environment_of(one: Started, secrets: Mapping[str, str], place: Path) -> dict[str, str]:
    """The variables of a container, and its secrets as files."""
    folder = place / "secrets"
    folder.mkdir()
    for path, name in one.secrets.items():
        (folder / path).write_text(secrets[name] + "\n")
    given = {**deployed.image_environment(), **one.environment, **ELSEWHERE}
    moved = {
        "TOUCHLINE_SECRETS_DIR": str(folder),
        "TOUCHLINE_DATA_DIR": str(place / "nothing"),
    }
    assert set(moved) <= set(given)
    return {**environ(), **given, **moved}


@contextmanager
def running(one: Started, secrets: Mapping[str, str], place: Path) -> Iterator[Running]:
    port = free_port()
    environment = environment_of(one, secrets, place)
    ports = {name: str(port) for name, value in environment.items() if value == str(PORT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.main", *one.arguments],
        env={**environment, **ports},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        try:
            yield Running(process, client)
        finally:
            process.kill()
            process.communicate()


def test_each_service_answers_probes_and_its_own_routes_tells_all_metrics_and_ends(
    secrets: Mapping[str, str], tmp_path: Path
) -> None:
    told: set[str] = set()
    for name, routes in ROUTES.items():
        place = tmp_path / name
        place.mkdir()
        with running(STARTED[name], secrets, place) as service:
            alive, is_ready = service.answered("/healthz"), service.is_ready()
            is_healthy = health_check(service.client.base_url.port)
            found = {path: service.status(path) for path in routes}
            told |= families(service.answered("/metrics").text)

            service.process.send_signal(signal.SIGTERM)
            code = service.process.wait(PATIENCE_S)

        assert (alive.status_code, is_ready, is_healthy) == (200, True, True), name
        assert found == routes, name
        assert code == 0, name
        # The root file system is read-only there: nothing is made but in memory.
        assert not (place / "nothing").exists()
    for title, expression in deployed.expressions().items():
        assert deployed.metrics_in(expression) <= told, title


def health_check(port: int | None) -> bool:
    """What the image's own check says, and those of Compose."""
    image = re.search(r'CMD (\["python".*\])$', DOCKERFILE.read_text(), re.MULTILINE)
    assert image is not None
    commands = [re.findall(r'"((?:[^"\\]|\\.)*)"', image[1])]
    commands += [
        service["healthcheck"]["test"][1:]
        for service in deployed.ours().values()
        if "test" in service["healthcheck"]
    ]
    return all(
        subprocess.run(
            [sys.executable, *[word.replace(str(PORT), str(port)) for word in command[1:]]],
            check=False,
        ).returncode
        == 0
        for command in commands
    )


def test_a_health_check_fails_where_nobody_answers() -> None:
    assert not health_check(free_port())


def families(text: str) -> set[str]:
    """The names of all series that families of this exposition have, or would have."""
    suffixes = {
        "counter": ("",),
        "gauge": ("",),
        "histogram": ("_bucket", "_count", "_sum"),
    }
    return {
        name + suffix
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE)
        for suffix in suffixes.get(kind, ())
    }


def test_a_database_is_made_by_the_owner(
    bare: Urls, secrets: Mapping[str, str], tmp_path: Path
) -> None:
    one = STARTED["migrate"]

    done = touchline(one, environment_of(one, {**secrets, "store_owner_url": bare.owner}, tmp_path))

    assert (done.returncode, "applied store/0001_roles.sql" in done.stdout) == (0, True), done


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("ingest", "touchline_master_key"),
        ("projector", "touchline_master_key"),
        ("scoring", "touchline_master_key"),
        ("migrate", "touchline_master_key"),
        ("query", "touchline_store_url"),
    ],
)
def test_a_missing_secret_ends_a_service_with_its_name(
    name: str, missing: str, secrets: Mapping[str, str], tmp_path: Path
) -> None:
    one = STARTED[name]
    environment = environment_of(one, secrets, tmp_path)
    for path in (tmp_path / "secrets").glob(f"{missing}*"):
        path.unlink()

    done = touchline(one, environment)

    assert done.returncode == 2
    assert missing.upper() in done.stderr
    assert MASTER_KEY not in done.stderr


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    script = shutil.copy(ROOT / "deploy" / "make-secrets.sh", tmp_path)
    folder = tmp_path / "secrets"

    subprocess.run([script], check=True, capture_output=True)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    (folder / "archive_url").unlink()
    subprocess.run([script], check=True, capture_output=True)

    assert set(first) == set(deployed.read(deployed.COMPOSE)["secrets"])
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert folder.stat().st_mode & 0o777 == 0o700
    assert first["owner_password"].strip() in first["store_owner_url"]


def test_the_roles_that_compose_makes_can_log_in_and_be_migrated(
    bare: Urls, tmp_path: Path
) -> None:
    """By names of its own, since roles are the server's, and that is all tests'."""
    script = (ROOT / "deploy" / "postgres" / "roles.sh").read_text()
    for name in ("fold_password", "query_password"):
        (tmp_path / name).write_text("it's \\secret\n")
    script = script.replace("/run/secrets", str(tmp_path)).replace(
        "ROLE touchline", "ROLE composed"
    )
    owner = conninfo_to_dict(bare.owner)
    place = {"PGHOST": str(owner["host"]), "PGPORT": str(owner["port"])}
    given = {"POSTGRES_USER": str(owner["user"]), "POSTGRES_DB": str(owner["dbname"])}
    path = f"{binary('psql').parent}:{os.environ['PATH']}"

    with psycopg.connect(bare.owner, autocommit=True) as connection:
        try:
            subprocess.run(
                ["sh"],
                input=script,
                text=True,
                check=True,
                env={**place, **given, "PGPASSWORD": str(owner["password"]), "PATH": path},
            )
            may = connection.execute(
                "SELECT rolname, rolcanlogin, rolbypassrls, rolsuper FROM pg_roles"
                " WHERE rolname LIKE 'composed%' ORDER BY 1"
            ).fetchall()
            login = make_conninfo(bare.owner, user="composed_fold", password="it's \\secret")
            with psycopg.connect(login) as as_fold:
                (who,) = as_fold.execute("SELECT current_user").fetchall()
        finally:
            connection.execute("DROP ROLE IF EXISTS composed_fold, composed_query")

    assert may == [("composed_fold", True, True, False), ("composed_query", True, False, False)]
    assert who == ("composed_fold",)
