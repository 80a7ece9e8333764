"""The master key: read from a setting, or from a file that is made once."""

import base64
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.errors import Misconfigured
from services.vault.master import load_or_make_master_key, parse_master_key

KEY = bytes(range(224, 256))


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode(),
        base64.b64encode(KEY).decode().rstrip("="),
        f"  {base64.b64encode(KEY).decode()}\n",
    ],
)
def test_hex_and_both_base64_are_read(text: str) -> None:
    assert parse_master_key(text) == KEY


@pytest.mark.parametrize(
    "text", ["", "secret", KEY.hex()[:-2], base64.b64encode(KEY[:31]).decode(), "é" * 44, "=" * 44]
)
def test_anything_else_is_refused_by_the_settings_name(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"TOUCHLINE_MASTER_KEY is not 32 bytes.*openssl"):
        parse_master_key(text)


def test_the_refusal_does_not_tell_the_key() -> None:
    with pytest.raises(Misconfigured) as refused:
        parse_master_key(KEY.hex()[:-2])

    assert KEY.hex()[:8] not in str(refused.value)


def test_the_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"

    key = load_or_make_master_key(path)

    assert len(key) == 32
    assert load_or_make_master_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]


def test_who_comes_at_once_is_given_one_key(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def load(_: int) -> bytes:
        start.wait(10)
        return load_or_make_master_key(tmp_path / "master.key")

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load, range(8)))

    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    load_or_make_master_key(path)
    path.chmod(0o640)

    with pytest.raises(Misconfigured, match="chmod 600"):
        load_or_make_master_key(path)


def test_a_file_without_a_key_is_refused_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.touch(0o600)

    with pytest.raises(Misconfigured, match=r"master\.key is not 32 bytes"):
        load_or_make_master_key(path)


def test_the_databases_folder_is_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("18")

    with pytest.raises(Misconfigured, match="outside"):
        load_or_make_master_key(tmp_path / "keys" / "master.key")
