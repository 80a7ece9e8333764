"""One part of the running platform fails: the rest goes on, and all is right afterwards."""

import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg

from tests.campaign import Campaign
from tests.disks import resize, small_disk
from tests.integration.running import Json, RunningPlatform
from tests.integration.telling import archive_of, log_of

LARGE: Final = 400
"""Events of several kilobytes, sealed whole, so that they don't compress."""


def test_while_the_database_is_away_callers_are_told_and_nobody_starts_again(
    platform: RunningPlatform,
) -> None:
    accepted(platform, [visit("before", "user:1")])
    platform.settled()
    before = platform.pids()

    # Stopped, so that the database is not back before we have looked.
    platform.signal("up", signal.SIGSTOP)
    platform.kill("postgres")
    posted, asked, ready = (
        platform.post([visit("during", "user:1")]),
        platform.client.get("/v1/customers", headers=platform.reading),
        platform.client.get("/readyz"),
    )
    platform.signal("up", signal.SIGCONT)
    platform.wait_until(platform.is_ready, "it can serve again")
    customer = visits(platform, "user:1", accepted(platform, [visit("during", "user:1")]))

    after = platform.pids()
    assert (posted.status_code, asked.status_code, ready.status_code) == (503, 503, 503)
    assert int(posted.headers["Retry-After"]) >= 1
    assert customer == 2
    ended = [name for name in before if before[name] != after.get(name)]
    assert ended == ["postgres"], platform.said.read_text()[-4000:]


def test_a_second_up_is_refused_and_says_who_holds_the_directory(
    platform: RunningPlatform,
) -> None:
    with platform.touchline("up", "--port", "0") as second:
        said, _ = second.communicate(timeout=60)

    assert second.returncode == 1
    assert f"in use by touchline up (pid {platform.pids()['up']})" in said
    assert "--data-dir" in said
    assert platform.is_ready()


def test_after_a_killed_up_the_next_one_goes_on_with_the_same_database(
    platform: RunningPlatform, record_property: Callable[[str, object], None]
) -> None:
    position = accepted(platform, [visit(f"k-{number}", "user:2") for number in range(50)])
    platform.settled()
    before = platform.pids()

    platform.kill("up")
    took_s = platform.start()

    record_property("second_start_s", round(took_s, 1))
    platform.wait_until(lambda: platform.pids().keys() == before.keys(), "everybody is back")
    assert platform.pids()["postgres"] == before["postgres"]
    assert visits(platform, "user:2", position) == 50
    assert platform.verified()["ok"]


def test_an_archive_deleted_while_it_was_down_is_filled_again(platform: RunningPlatform) -> None:
    events = [visit(f"a-{number}", "user:3") for number in range(120)]
    accepted(platform, events)
    platform.settled()

    platform.stop()
    shutil.rmtree(platform.data_dir / "archive")
    platform.start()
    platform.settled()

    assert timeline(platform, "user:3") == {event["id"] for event in events}
    assert archive_of(platform) == log_of(platform)


def test_a_full_disk_of_the_archive_stops_nothing_else(
    tmp_path: Path,
    long_campaign: Campaign,
) -> None:
    with (
        small_disk(tmp_path / "data" / "archive", size_mb=200) as disk,
        RunningPlatform(tmp_path / "data") as platform,
    ):
        platform.more["TOUCHLINE_SCORING"] = "off"
        platform.start()
        accepted(platform, [visit("first", "user:1")])
        platform.settled()
        used_mb = shutil.disk_usage(disk).used >> 20

        resize(disk, size_mb=used_mb + 2)
        for number in range(0, 20 * LARGE, LARGE):
            accepted(platform, [large(each) for each in range(number, number + LARGE)])
            if b"archive.waiting" in platform.said.read_bytes():
                break
        platform.wait_until(
            lambda: b"archive.waiting" in platform.said.read_bytes(), "the archive is full"
        )
        position = accepted(platform, [visit("while full", "user:1")])
        customer = visits(platform, "user:1", position)
        ready = platform.client.get("/readyz")
        behind = platform.get("/v1/status")["archive"]["in_flight"]

        resize(disk, size_mb=400)
        platform.settled()

        assert customer == 2
        assert ready.status_code == 200
        assert behind > 0
        assert archive_of(platform) == log_of(platform)
        assert not scored(platform), "scoring is off"


def scored(platform: RunningPlatform) -> object:
    """How far scoring has come, if it has."""
    with psycopg.connect(platform.addresses().store.owner) as connection:
        return connection.execute("SELECT * FROM touchline.scoring_progress").fetchall()


def visit(id_: str, identifier: str) -> Json:
    return {"id": id_, "type": "web.visited", "identifiers": [identifier], "data": {"page": "home"}}


def large(number: int) -> Json:
    return {
        "id": f"large-{number}",
        "type": "custom.dump",
        "identifiers": [f"user:{10 + number}"],
        "data": {"text": "x" * 6_000},
    }


def accepted(platform: RunningPlatform, events: list[Json]) -> str:
    """Post events that must be accepted; their position."""
    answer = platform.post(events)
    assert answer.status_code == 200, answer.text
    return answer.headers["Touchline-Position"]


def visits(platform: RunningPlatform, identifier: str, position: str) -> int:
    """How many the customer's profile counts, once ``position`` is in it."""
    path = f"/v1/customers/{id_of(platform, identifier, position)}"
    return int(platform.get(path)["counts"]["web"])


def timeline(platform: RunningPlatform, identifier: str) -> set[str]:
    """The ids of all touches in the customer's timeline."""
    path = f"/v1/customers/{id_of(platform, identifier)}/timeline?limit=100"
    page = platform.get(path)
    found = [item["id"] for item in page["items"]]
    while page["next_cursor"]:
        page = platform.get(f"{path}&cursor={page['next_cursor']}")
        found += [item["id"] for item in page["items"]]
    assert len(found) == len(set(found))
    return {id_ for id_ in found if not _DECIDED.fullmatch(id_)}


_DECIDED = re.compile(r"[0-9a-f]{32}")
"""The id of what the platform itself said."""


def id_of(platform: RunningPlatform, identifier: str, position: str = "") -> str:
    items = platform.get(f"/v1/customers?identifier={identifier}", position)["items"]
    return str(items[0]["customer_id"])
