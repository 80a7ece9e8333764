"""The archive's tables, of one server or of a cluster: made, checked, thrown away.

Everything else asks for table ``event``. On a cluster that is the way to all its shards, each of
which holds its part in ``event_shard``, the same on all replicas of the shard.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from clickhouse_connect.driver.client import Client

from services.archive.statements import filled, rows, statement
from services.errors import Misconfigured, Unavailable

# One insert is one block (the feed keeps it far below a million rows), so that all of it is seen
# or none, and its token names it. `async_insert` would merge it with others.
INSERTING: Final = {
    "async_insert": "0",
    "insert_deduplicate": "1",
    "min_insert_block_size_rows": "1048576",
    "min_insert_block_size_bytes": "0",
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": "1",
    "input_format_null_as_default": "1",
    "input_format_json_read_objects_as_strings": "1",
    "input_format_json_max_depth": "100000",
}
# A majority has it before it counts as inserted, one insert after the other: so whoever is asked
# for a certain answer (`EXACTLY`) either has all of it, or refuses.
_BY_MAJORITY: Final = {
    "distributed_foreground_insert": "1",
    "insert_quorum": "auto",
    "insert_quorum_parallel": "0",
    "insert_quorum_timeout": "20000",
}
_EXACTLY: Final = {"select_sequential_consistency": "1"}
# A replica that is away carries out what it missed when it is back.
_EVERYWHERE: Final = {
    "distributed_ddl_output_mode": "none_only_active",
    "distributed_ddl_task_timeout": "20",
}
_REACHABLE: Final = {"skip_unavailable_shards": "1"}
REMEMBERED: Final = 100
"""Tokens that a table has to remember. One insert is under way at a time, so one would do; the
rest is room for what others insert."""
REMEMBERED_S: Final = 7 * 24 * 3600
"""For how long: the feed may be away for a week between two tries of one insert."""
_EPOCH: Final = re.compile(r"/touchline-([0-9a-f]{32})'")


class Tables(Protocol):
    """What an archive's client asks of its tables; raises what clickhouse-connect raises."""

    @property
    def inserting(self) -> Mapping[str, str]:
        """Settings of an insert."""

    @property
    def exactly(self) -> Mapping[str, str]:
        """Settings of a question whose answer must lack nothing that was inserted."""

    def open(self, client: Client) -> str:
        """Make them where there are none; gives the epoch: other tables have another.

        Raises ``Misconfigured`` where a repeated insert would double its rows.
        """

    def drop(self, client: Client) -> None:
        """Throw all rows away."""


class OneServer:
    """Table ``event``, and nothing else."""

    inserting: Mapping[str, str] = INSERTING
    exactly: Mapping[str, str] = {}

    def open(self, client: Client) -> str:
        _make_database(client)
        client.command(filled("event", table="event", engine="MergeTree"))
        _check_settings(client, self.inserting)
        ((epoch, engine, definition),) = rows(client, "table")
        if engine == "Distributed":
            raise Misconfigured(
                "table event of the archive is one over the shards of a cluster; name it in "
                "TOUCHLINE_ARCHIVE_CLUSTER"
            )
        _check_memory(client, engine, definition, "event")
        return str(epoch)

    def drop(self, client: Client) -> None:
        client.command(statement("drop"))


@dataclass(frozen=True, slots=True)
class Cluster:
    """``event_shard`` on every replica, and ``event`` on each over all of them.

    The epoch is in the path in Keeper that replicas share: a table's own id is each replica's.
    """

    name: str
    on: str
    """The clause that has a statement carried out by all."""
    engine: str
    """Of ``event_shard``, with ``{epoch}`` where the epoch goes."""
    inserting: Mapping[str, str]
    exactly: Mapping[str, str]

    def open(self, client: Client) -> str:
        # Where questions are asked: what follows needs one.
        _make_database(client)
        _check_cluster(client, self.name)
        there = self._definitions(client)
        epochs = {self.epoch(definition) for _, definition in there}
        if len(epochs) > 1:
            raise Misconfigured(
                f"replicas of cluster {self.name} have different tables event_shard "
                f"({', '.join(sorted(epochs))}); drop the one that is stale, with SYNC"
            )
        ((replicas,),) = rows(client, "replicas", {"cluster": self.name}, settings=_REACHABLE)
        if len(there) < replicas:
            self._make(client, epochs.pop() if epochs else uuid.uuid4().hex)
            there = self._definitions(client)
        if not there:
            raise Unavailable(f"no replica of cluster {self.name} has made table event_shard yet")
        ((_, over_all, _),) = rows(client, "table")
        if over_all != "Distributed":
            raise Misconfigured(
                f"table event of the archive is of engine {over_all}, and not over the shards of "
                f"cluster {self.name}; drop it, and the log fills it again"
            )
        _check_settings(client, self.inserting)
        for engine, definition in there:
            _check_memory(client, engine, definition, "event_shard")
        return self.epoch(there[0][1])

    def drop(self, client: Client) -> None:
        for table in ("event", "event_shard"):
            client.command(filled("drop_everywhere", table=table, on=self.on), settings=_EVERYWHERE)

    def epoch(self, definition: str) -> str:
        """What tells tables of this definition from others; raises ``Misconfigured``."""
        found = _EPOCH.search(definition)
        if found is None:
            raise Misconfigured(
                f"table event_shard of cluster {self.name} was not made by Touchline; name another "
                "database in TOUCHLINE_ARCHIVE_URL"
            )
        return found[1]

    def statements(self, database: str, epoch: str) -> list[str]:
        """What makes the tables, in order."""
        engine = self.engine.replace("{epoch}", epoch)
        place = f"`{database}`"
        return [
            filled("database_everywhere", database=place, on=self.on),
            filled("event", table=f"{place}.event_shard{self.on}", engine=engine),
            filled("distributed", database=place, on=self.on, cluster=self.name),
        ]

    def _make(self, client: Client, epoch: str) -> None:
        for text in self.statements(str(client.database), epoch):
            client.command(text, settings=_EVERYWHERE, use_database=False)

    def _definitions(self, client: Client) -> list[tuple[str, str]]:
        asked = {"cluster": self.name, "database": client.database}
        return [tuple(row) for row in rows(client, "definitions", asked, settings=_REACHABLE)]


def tables(cluster: str) -> Tables:
    """Those of ``cluster``, or of one server where it is empty."""
    if not cluster:
        return OneServer()
    return Cluster(
        cluster,
        f" ON CLUSTER `{cluster}`",
        "ReplicatedMergeTree('/clickhouse/tables/{shard}/touchline-{epoch}', '{replica}')",
        INSERTING | _BY_MAJORITY,
        _EXACTLY,
    )


def _make_database(client: Client) -> None:
    client.command(statement("database"), {"database": client.database}, use_database=False)


def _check_settings(client: Client, inserting: Mapping[str, str]) -> None:
    wanted = {**inserting, "deduplicate_insert": "enable"}
    names = ["async_insert", "insert_deduplicate", "insert_quorum", "deduplicate_insert"]
    found: dict[str, Any] = dict(
        rows(client, "settings", {"names": names}, settings=dict(inserting))
    )
    for name in names:
        # Servers of before have no `deduplicate_insert`, and no quorum is asked of one server.
        if name in found and name in wanted and found[name] != wanted[name]:
            raise Misconfigured(
                f"the archive's user has {name} = {found[name]}, and inserts that are repeated "
                f"would double; let it have {wanted[name]} (CREATE SETTINGS PROFILE)"
            )


def _check_cluster(client: Client, name: str) -> None:
    found = rows(client, "cluster", {"cluster": name})
    if not found:
        raise Misconfigured(
            f"TOUCHLINE_ARCHIVE_CLUSTER names {name}, which the archive does not know; "
            "its system.clusters lists those that there are"
        )
    if any(not is_internal for (is_internal,) in found):
        raise Misconfigured(
            f"cluster {name} of the archive has shards without internal_replication, to whose "
            "replicas every row would be written apart; set it to true in remote_servers"
        )


def _check_memory(client: Client, engine: str, definition: str, table: str) -> None:
    """The tokens that ``table`` remembers, by its definition or what the server has otherwise."""
    needed = {"non_replicated_deduplication_window": REMEMBERED}
    if engine != "MergeTree":
        needed = {
            "replicated_deduplication_window": REMEMBERED,
            "replicated_deduplication_window_seconds": REMEMBERED_S,
        }
    otherwise = dict(rows(client, "remembered", {"names": [*needed]}))
    for name, least in needed.items():
        said = re.search(rf"\b{name} = (\d+)", definition)
        found = int(said[1] if said else otherwise.get(name, 0))
        if found < least:
            raise Misconfigured(
                f"table {table} of the archive has {name} = {found}, and may double inserts that "
                f"are repeated; run: ALTER TABLE {table} MODIFY SETTING {name} = {10 * least}"
            )
