"""The archive on a cluster of ClickHouse: the contract, its statements, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.archive.access import Access
from services.archive.clickhouse import ClickHouseArchive
from services.archive.tables import Cluster, tables
from services.errors import Misconfigured
from tests.clustered import LOOSE, a_cluster, archive, documented_grants, replicated, taking_rows
from tests.contract.archive import ArchiveContract, piece, recorded
from tests.front import FrontProcess

EPOCH = "e" * 32


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProcess]:
    """The only server of a cluster."""
    with a_cluster(tmp_path_factory.mktemp("cluster") / "front") as front:
        yield front


@pytest.fixture
def made(cluster: FrontProcess) -> Iterator[ClickHouseArchive]:
    """An archive whose replicated tables were made."""
    made = archive(cluster, replicated())
    made.open()
    yield made
    made.close()


def asked(one: ClickHouseArchive, query: str) -> list[Any]:
    return list(one._connected().query(query).result_rows)


class TestClusteredArchive(ArchiveContract):
    """Every question and insert goes by way of the table that is over all shards."""

    @pytest.fixture
    def archive(self, cluster: FrontProcess) -> Iterator[ClickHouseArchive]:
        found = archive(cluster, taking_rows())
        found.open()
        yield found
        found.close()


def test_each_statement_is_one_that_clickhouse_reads_and_says_where_it_is_carried_out(
    made: ClickHouseArchive,
) -> None:
    shop = tables("shop-1")
    assert isinstance(shop, Cluster)

    for text in shop.statements("touchline", EPOCH):
        read = made._connected().query("SELECT formatQuery({text:String})", {"text": text})
        ((formatted,),) = read.result_rows
        assert "ON CLUSTER `shop-1`" in formatted


def test_a_shard_s_table_is_replicated_under_the_epoch_that_all_replicas_share(
    made: ClickHouseArchive,
) -> None:
    epoch = made.open()

    ((engine, text),) = asked(
        made, "SELECT engine, engine_full FROM system.tables WHERE name = 'event_shard'"
        " AND database = currentDatabase()"
    )  # fmt: skip
    assert engine == "ReplicatedMergeTree"
    assert f"'/clickhouse/tables/{{shard}}/touchline-{epoch}', '{{replica}}'" in text
    assert "replicated_deduplication_window = 1000" in text
    assert "replicated_deduplication_window_seconds = 2592000" in text
    places = asked(
        made, "SELECT zookeeper_path, replica_name FROM system.replicas"
        " WHERE database = currentDatabase()"
    )  # fmt: skip
    assert places == [(f"/clickhouse/tables/1/touchline-{epoch}", "one")]


def test_tables_that_are_there_are_left_as_they_are(cluster: FrontProcess) -> None:
    first = archive(cluster, taking_rows())
    epoch = first.open()
    first.insert([piece(recorded("a"))], "t")

    assert archive(cluster, taking_rows(), first._access.url).open() == epoch
    assert dict(first.rows()) == {1: 1}


@pytest.mark.parametrize(
    ("setting", "value", "enough"),
    [
        ("replicated_deduplication_window", 99, 1000),
        ("replicated_deduplication_window_seconds", 3600, 6048000),
    ],
)
def test_replicas_that_forget_tokens_too_soon_are_refused(
    made: ClickHouseArchive, setting: str, value: int, enough: int
) -> None:
    epoch = made.open()
    asked_of = made._connected()
    asked_of.command("DROP TABLE event_shard SYNC")
    text = replicated().statements(str(asked_of.database), epoch)[1]
    kept = f"{setting} = {1000 if setting.endswith('window') else 2592000},"
    asked_of.command(text.replace(kept, f"{setting} = {value},"))

    with pytest.raises(Misconfigured, match=rf"{setting} = {value}, .*{setting} = {enough}"):
        made.open()


def test_a_table_of_others_is_refused(cluster: FrontProcess) -> None:
    other = archive(cluster, taking_rows())
    other.open()
    other._connected().command("DROP TABLE event_shard SYNC")
    other._connected().command("CREATE TABLE event_shard (n UInt8) ENGINE = MergeTree ORDER BY n")

    with pytest.raises(Misconfigured, match="not made by Touchline"):
        other.open()


def test_the_table_of_one_server_is_not_taken_for_that_of_a_cluster_nor_the_other_way_round(
    cluster: FrontProcess,
) -> None:
    alone = ClickHouseArchive(Access(cluster.fresh_url()))
    alone.open()
    together = archive(cluster, taking_rows())
    together.open()

    with pytest.raises(Misconfigured, match="engine MergeTree"):
        archive(cluster, taking_rows(), alone._access.url).open()
    with pytest.raises(Misconfigured, match="TOUCHLINE_ARCHIVE_CLUSTER"):
        ClickHouseArchive(Access(together._access.url)).open()


@pytest.mark.parametrize(("name", "said"), [("nowhere", "CLUSTER names nowhere"), (LOOSE, "loose")])
def test_a_cluster_that_there_is_not_or_that_doubles_rows_is_refused(
    cluster: FrontProcess, name: str, said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        archive(cluster, replicated(name)).open()


def test_the_user_whom_the_guide_describes_may_do_all_that_is_asked(tmp_path: Path) -> None:
    with a_cluster(tmp_path / "front", grants=documented_grants()) as front:
        found = archive(front, taking_rows(), front.url("touchline"))
        found.open()
        found.insert([piece(recorded("a"))], "t")
        found.reset()

        assert dict(found.rows()) == {}
        assert found.touches("w", ["0" * 32]) == {}


def test_a_user_who_may_not_set_what_inserts_need_is_refused(tmp_path: Path) -> None:
    constant = "<insert_quorum><const/></insert_quorum>"
    with (
        a_cluster(tmp_path / "front", constraints=constant) as front,
        pytest.raises(Misconfigured, match="insert_quorum"),
    ):
        archive(front, replicated()).open()
