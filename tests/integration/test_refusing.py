"""A process that can't run as it was asked to says why, and that starting again is in vain."""

import subprocess
import sys

import pytest

from services.settings import PREFIX
from services.store.urls import Urls
from tests.platforms import environ


@pytest.mark.parametrize("service", ["engine", "web", "scorer"])
def test_a_database_that_was_never_migrated_is_refused(bare: Urls, service: str) -> None:
    settings = {
        "STORE_URL": bare.owner,
        "STORE_FOLD_URL": bare.owner,
        "STORE_QUERY_URL": bare.owner,
        "ARCHIVE_URL": "http://127.0.0.1:9",
        "MASTER_KEY": "00" * 32,
        "LOG_FORMAT": "json",
    }

    ended = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env=environ() | {PREFIX + name: value for name, value in settings.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2, ended.stderr
    assert f'"event":"{service}.refused"' in ended.stderr
    assert "touchline migrate" in ended.stderr
