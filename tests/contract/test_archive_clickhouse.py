"""The archive behind ClickHouse's interface keeps the contract: here chdb, through its front."""

from collections.abc import Iterator

import pytest

from services.archive.access import Access
from services.archive.clickhouse import ClickHouseArchive
from services.errors import Misconfigured, Unavailable
from tests.contract.archive import ADA, ArchiveContract
from tests.front import FrontProcess


class TestClickHouseArchive(ArchiveContract):
    """Every test has a database of its own."""

    @pytest.fixture
    def archive(self, front: FrontProcess) -> Iterator[ClickHouseArchive]:
        archive = front.archive()
        archive.open()
        yield archive
        archive.close()


def test_a_database_that_is_not_there_is_unavailable(front: FrontProcess) -> None:
    archive = front.archive()

    with pytest.raises(Unavailable, match="UNKNOWN_DATABASE"):
        archive.timeline("w", [ADA], limit=1)


def test_an_archive_that_is_away_is_unavailable() -> None:
    archive = ClickHouseArchive(Access("http://touchline:x@127.0.0.1:9/touchline"))

    with pytest.raises(Unavailable):
        archive.open()


def test_a_wrong_password_is_a_wrong_setting(front: FrontProcess) -> None:
    archive = ClickHouseArchive(Access(front.address.replace("//", "//touchline:wrong@")))

    with pytest.raises(Misconfigured, match="TOUCHLINE_ARCHIVE_URL"):
        archive.open()


def test_a_table_that_would_double_retried_inserts_is_refused(front: FrontProcess) -> None:
    archive = front.archive()
    archive.open()
    client = archive._connected()
    client.command("ALTER TABLE event MODIFY SETTING non_replicated_deduplication_window = 99")

    with pytest.raises(Misconfigured, match=r"MODIFY SETTING non_replicated_dedup.* = 1000"):
        archive.open()
