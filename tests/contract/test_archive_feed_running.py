"""The feed at work by itself, while its archive starts, breaks, and comes back."""

import threading
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from services.archive import feed
from services.archive.feed import ArchiveFeed
from services.archive.memory import MemoryProgress
from services.archive.port import Piece
from services.errors import Unavailable
from services.log.memory import MemoryLog
from tests.contract.fed import Fed, Flaky

DEADLINE_S = 20.0


class Running:
    """A feed in a thread of its own, until the block ends."""

    def __init__(self, fed: Fed) -> None:
        self._stop = threading.Event()
        run = ArchiveFeed(fed.log, fed.progress, fed.archive).run
        self._thread = threading.Thread(target=run, args=[self._stop])

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


class Watched(Flaky):
    """Tells when it holds ``wanted`` rows."""

    def __init__(self, outcomes: Sequence[bool], wanted: int) -> None:
        super().__init__(outcomes)
        self.is_full = threading.Event()
        self._wanted = wanted

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        super().insert(pieces, token)
        if len(self._rows) >= self._wanted:
            self.is_full.set()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FLUSH_S", 0.01)
    monkeypatch.setattr(feed, "LONGEST_BACK_OFF_S", 0.02)


class Starting(Watched):
    """Answers at the third call, and later breaks once."""

    calls = 0

    def open(self) -> str:
        self.calls += 1
        if self.calls < 3:
            raise Unavailable("connection refused, at great length")
        return super().open()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("starting_s", [feed.STARTING_S, 0.0], ids=["at first", "later"])
def test_an_archive_that_still_starts_is_awaited_without_a_warning(
    monkeypatch: pytest.MonkeyPatch, starting_s: float
) -> None:
    monkeypatch.setattr(feed, "STARTING_S", starting_s)
    archive = Starting([False], wanted=5)
    fed = Fed(MemoryLog(4), MemoryProgress(), archive)
    fed.record(1, 5)

    with capture_logs() as lines, Running(fed):
        assert archive.is_full.wait(DEADLINE_S)

    warned = [line["cause"] for line in lines if line["log_level"] == "warning"]
    refused = "connection refused, at great length"
    assert warned == [*([] if starting_s else [refused] * 2), "the connection broke"]


@pytest.mark.usefixtures("quick")
def test_the_feed_goes_on_by_itself_when_the_archive_comes_back() -> None:
    archive = Watched([True, False, False, True, False], wanted=9)
    fed = Fed(MemoryLog(4), MemoryProgress(), archive)
    fed.record(1, 9)

    with Running(fed):
        assert archive.is_full.wait(DEADLINE_S)

    assert fed.found() == fed.expected()
