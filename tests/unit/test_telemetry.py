"""Telemetry: one JSON object a line, whoever logs, and no local variables in it."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from services import telemetry


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("engine", format="json")

    structlog.get_logger().info("batch.applied", events=3, at=b"bytes")

    [line] = lines(capsys)
    assert line.items() >= {"event": "batch.applied", "events": 3, "service": "engine"}.items()
    assert str(line["timestamp"]).endswith("Z")
    assert line["level"] == "info"


def test_libraries_come_out_alike_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("web", format="json")

    logging.getLogger("psycopg.pool").info("a connection was made")
    logging.getLogger("psycopg.pool").warning("a connection was lost")

    [line] = lines(capsys)
    assert line["event"] == "a connection was lost"
    assert (line["level"], line["service"]) == ("warning", "web")


def test_less_than_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("web", level="warning", format="json")

    structlog.get_logger().info("request")
    structlog.get_logger().warning("slow")

    assert [line["event"] for line in lines(capsys)] == ["slow"]


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_crash_shows_where_and_no_local_variables(
    capsys: pytest.CaptureFixture[str], format: telemetry.Format
) -> None:
    telemetry.configure("engine", format=format)
    whose = "ada@example".upper()

    try:
        [][len(whose)]
    except IndexError:
        structlog.get_logger().exception("fold.crashed")

    said = capsys.readouterr().err
    assert "IndexError" in said
    assert "test_telemetry.py" in said
    assert "ADA@EXAMPLE" not in said
