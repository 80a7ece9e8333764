"""Backups: taken while the platform works, refused where they are not whole, restored elsewhere."""

import json
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.store.shadow import Shadow
from tests.integration.keeping import (
    bought,
    killing,
    posting,
    refused,
    resign,
    restore,
    restoring,
    run,
    taking,
    totals,
)
from tests.integration.running import RunningPlatform
from tests.platforms import touchline

MANIFEST = "manifest.json"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    with RunningPlatform(tmp_path_factory.mktemp("backup") / "data") as platform:
        platform.start()
        platform.post([bought(f"first-{number}") for number in range(90)])
        platform.settled()
        yield platform


@pytest.fixture(scope="module")
def taken(platform: RunningPlatform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup ``log`` and its ``vault``, to be copied and spoilt."""
    place = tmp_path_factory.mktemp("taken")
    platform.ran("backup", *taking(place))
    return place


@pytest.fixture
def copy(taken: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(taken, tmp_path / "copy"))


def test_what_was_acknowledged_before_a_backup_of_a_busy_platform_is_restored(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    with posting(platform) as acknowledged:
        before = set(acknowledged)
        told = json.loads(platform.ran("backup", *taking(tmp_path), "--json"))
        while_it_ran = len(acknowledged) - len(before)

    with RunningPlatform(tmp_path / "new") as other:
        restored = restore(other, tmp_path)
        other.keys = platform.keys
        other.start()
        was = totals(other)
        # Whatever it knows is a repetition to it, and changes nothing.
        for at in range(0, len(before), 100):
            other.post([bought(id_) for id_ in sorted(before)[at : at + 100]])
        became = totals(other)

    assert while_it_ran > 0
    assert became == (was[0], was[1] + len(before))
    assert (restored["verified"], restored["migrated"], restored["erased"]) == (True, [], 0)
    assert restored["opened"] > 0
    assert restored["position"] == told["store"]["position"]
    assert restored["tables"] == told["store"]["tables"]


def test_a_backup_is_for_its_owner_only_and_holds_no_key_but_in_the_vault(taken: Path) -> None:
    files = [path for path in taken.rglob("*") if path.is_file()]
    names = {path.name for path in (taken / "log").iterdir()}

    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE((taken / one).stat().st_mode) for one in ("log", "vault")} == {0o700}
    assert {path.name for path in (taken / "vault").iterdir()} == {
        MANIFEST,
        "master.key",
        "touchline.data_key.copy.zst",
        "touchline.vault_secret.copy.zst",
    }
    assert {"touchline.log_batch.copy.zst", "live.customer.copy.zst"} <= names
    assert not any("key" in name and "api_key" not in name for name in names)


@pytest.mark.parametrize(
    "name",
    [
        "log/touchline.log_batch.copy.zst",
        "log/live.customer.copy.zst",
        "log/manifest.json",
        "vault/master.key",
        "vault/touchline.data_key.copy.zst",
    ],
)
def test_a_flipped_bit_is_refused_by_the_files_name_and_nothing_is_written(
    copy: Path, tmp_path: Path, name: str
) -> None:
    spoilt = copy / name
    content = bytearray(spoilt.read_bytes())
    content[len(content) // 2] ^= 0x01
    spoilt.write_bytes(content)

    code, said = refused(copy, tmp_path / "new")

    assert code == 1
    assert str(spoilt) in said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["live.seen_young.copy.zst", MANIFEST])
def test_a_missing_file_is_refused_by_its_name(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / "log" / name).unlink()

    code, said = refused(copy, tmp_path / "new")

    assert (code, str(copy / "log" / name) in said) == (1, True)
    assert not (tmp_path / "new").exists()


def test_a_restore_without_the_vault_is_refused(copy: Path, tmp_path: Path) -> None:
    code, said = touchline("restore", str(copy / "log"), "--data-dir", str(tmp_path / "new"))
    shutil.rmtree(copy / "vault")
    missing, what = refused(copy, tmp_path / "new")

    assert (code, "--vault" in said, "can't be read" in said) == (2, True, True)
    assert (missing, str(copy / "vault") in what) == (1, True)
    assert not (tmp_path / "new").exists()


def test_a_vault_that_is_older_than_the_log_is_refused(
    platform: RunningPlatform, taken: Path, tmp_path: Path
) -> None:
    platform.post([bought("later-1")])
    made, _ = run(platform, "backup", str(tmp_path / "log"))
    (tmp_path / "vault").symlink_to(taken / "vault")

    code, said = refused(tmp_path, tmp_path / "new")

    assert (made, code, "older" in said) == (0, 2, True)


def test_a_vault_backed_up_later_opens_the_log_of_before(
    platform: RunningPlatform, taken: Path, tmp_path: Path
) -> None:
    platform.post([bought("later-2")])
    made, _ = run(platform, "backup", "--vault", str(tmp_path / "vault"))
    (tmp_path / "log").symlink_to(taken / "log")

    with RunningPlatform(tmp_path / "new") as other:
        restored = restore(other, tmp_path)

    assert (made, restored["verified"]) == (0, True)


def test_a_record_whose_key_is_missing_is_refused_and_nothing_is_left(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    with psycopg.connect(platform.addresses().store.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE public.put_by AS SELECT * FROM touchline.data_key")
        owner.execute("DELETE FROM touchline.data_key")
        try:
            made, _ = run(platform, "backup", *taking(tmp_path))
        finally:
            owner.execute("INSERT INTO touchline.data_key SELECT * FROM public.put_by")
            owner.execute("DROP TABLE public.put_by")

    code, said = refused(tmp_path, tmp_path / "new")

    assert (made, code, "has no key" in said) == (0, 1, True)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["run"]


def test_a_restore_over_data_or_a_running_platform_is_refused(
    platform: RunningPlatform, taken: Path, tmp_path: Path
) -> None:
    place = tmp_path / "full"
    (place / "postgres").mkdir(parents=True)
    (place / "postgres" / "PG_VERSION").write_text("18\n")

    code, said = refused(taken, place)
    over, running = refused(taken, platform.data_dir)

    assert (code, "is not empty" in said, "--data-dir" in said) == (1, True, True)
    assert (over, "a platform runs in" in running) == (1, True)
    assert platform.is_ready()


def test_a_backup_never_writes_over_anything(platform: RunningPlatform, taken: Path) -> None:
    code, said = run(platform, "backup", str(taken / "log"))
    within, apart = run(platform, "backup", str(taken / "a"), "--vault", str(taken / "a" / "v"))
    nothing, asked = run(platform, "backup")

    assert (code, "new or empty" in said) == (1, True)
    assert (within, "apart" in apart) == (2, True)
    assert (nothing, "touchline backup TO" in asked) == (2, True)
    assert sorted(path.name for path in taken.iterdir()) == ["log", "vault"]


KILLS = {
    "as it writes": "files = iter(range(9)); os.fsync = lambda _: next(files) == 4 and kill()",
    "before the manifest": "Draft.finish = kill",
    "before it has its name": "Path.rename = kill",
}


@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_a_backup_killed_at_any_point_looks_like_none_and_the_next_one_clears_it_away(
    platform: RunningPlatform, tmp_path: Path, kill: str
) -> None:
    killed = killing(kill, "backup", *taking(tmp_path), "--data-dir", str(platform.data_dir))

    left = {path.name for path in tmp_path.iterdir()}
    halves = [str(tmp_path / "log.partial"), "--vault", str(tmp_path / "vault.partial")]
    code, said = touchline("restore", *halves, "--data-dir", str(tmp_path / "new"))
    made, _ = run(platform, "backup", *taking(tmp_path))

    assert (killed, made) == (-signal.SIGKILL, 0)
    assert left == {"log.partial", "vault.partial"}
    assert (code, f"log.partial/{MANIFEST} is missing" in said) == (1, True)
    assert {path.name for path in tmp_path.iterdir()} == {"log", "vault"}


def test_a_killed_restore_is_no_platform_and_the_next_one_clears_it_away(
    taken: Path, tmp_path: Path
) -> None:
    place = tmp_path / "new"
    killed = killing("restoring.analyze = kill", *restoring(taken, place))

    left = {path.name for path in place.iterdir()}
    code, said = touchline(*restoring(taken, place), "--no-verify")

    assert (killed, left) == (-signal.SIGKILL, {"restoring", "run"})
    assert (code, "Not verified" in said) == (0, True)
    assert {path.name for path in place.iterdir()} == {"keys", "postgres", "run"}


def test_a_backup_of_a_newer_version_is_refused(copy: Path, tmp_path: Path) -> None:
    manifest = copy / "log" / MANIFEST
    resign(manifest, migrations={"store/9999_of_next_year.sql": "00"})
    code, said = refused(copy, tmp_path / "new")
    resign(manifest, format=2)
    newer, format_ = refused(copy, tmp_path / "new")

    assert (code, "store/9999_of_next_year.sql" in said) == (2, True)
    assert (newer, "newer version" in format_) == (1, True)
    assert not (tmp_path / "new").exists()


def test_a_master_key_that_was_a_setting_is_asked_for_again(copy: Path, tmp_path: Path) -> None:
    key, manifest = copy / "vault" / "master.key", copy / "vault" / MANIFEST
    files = json.loads(manifest.read_bytes())["backup"]["files"]
    resign(manifest, files=[file for file in files if file["name"] != key.name])

    code, said = refused(copy, tmp_path / "new")
    wrong, other = touchline(*restoring(copy, tmp_path / "new"), TOUCHLINE_MASTER_KEY="0" * 64)
    setting = {"TOUCHLINE_MASTER_KEY": key.read_text()}
    right, done = touchline(*restoring(copy, tmp_path / "new"), "--no-verify", **setting)

    assert (code, "TOUCHLINE_MASTER_KEY" in said) == (2, True)
    assert (wrong, "TOUCHLINE_MASTER_KEY is not the key" in other) == (2, True)
    assert right == 0, done
    assert not (tmp_path / "new" / "keys" / "master.key").exists()


def test_a_rebuild_holds_a_backup_off(platform: RunningPlatform, tmp_path: Path) -> None:
    with Shadow(platform.addresses().store.owner, "shadow").alone():
        code, said = run(platform, "backup", str(tmp_path / "log"))

    assert (code, "being rebuilt" in said) == (1, True)
    assert not any(tmp_path.iterdir())


def test_a_store_of_its_own_and_an_absent_platform_are_told_what_to_do(tmp_path: Path) -> None:
    elsewhere = {
        "TOUCHLINE_STORE_URL": "postgresql://db/touchline",
        "TOUCHLINE_MASTER_KEY": "0" * 64,
    }
    code, said = touchline("backup", str(tmp_path / "log"), **elsewhere)
    back, again = touchline("restore", str(tmp_path), "--vault", str(tmp_path), **elsewhere)
    none, absent = touchline("backup", str(tmp_path / "log"), "--data-dir", str(tmp_path / "none"))

    assert (code, "pg_basebackup" in said) == (2, True)
    assert (back, "pg_basebackup" in again) == (2, True)
    assert (none, "there is no platform" in absent) == (1, True)
    assert not any(tmp_path.iterdir())
