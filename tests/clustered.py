"""The archive's front as the one server of a ClickHouse cluster of its own, for tests.

chdb has Keeper in memory and takes itself for the cluster's only replica. What it lacks: it carries
out no ``ON CLUSTER``, and its replicated tables are made but take no rows, since a library listens
to no other replica. So tables that take rows are of another engine here.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from services.archive.access import Access
from services.archive.clickhouse import ClickHouseArchive
from services.archive.tables import Cluster, tables
from tests.deployed import ROOT
from tests.front import FrontProcess

NAME: Final = "ours"
_GUIDE: Final = ROOT / "docs" / "clickhouse.md"
LOOSE: Final = "loose"
"""A cluster that would write each row to every replica by itself."""
_CONFIGURATION: Final = """<clickhouse>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>1</shard><replica>one</replica></macros>
  <!-- Nobody listens there: a replica at one's own port is oneself. -->
  <tcp_port>9000</tcp_port>
  <remote_servers>
    <ours><shard>
      <internal_replication>true</internal_replication>
      <replica><host>127.0.0.1</host><port>9000</port></replica>
    </shard></ours>
    <loose><shard>
      <internal_replication>false</internal_replication>
      <replica><host>127.0.0.1</host><port>9000</port></replica>
    </shard></loose>
  </remote_servers>
</clickhouse>
"""
_USERS: Final = """<clickhouse>
  <profiles><default><constraints>{constraints}</constraints></default></profiles>
  <users><default><grants replace="replace">{grants}</grants></default></users>
</clickhouse>
"""


@contextmanager
def a_cluster(
    folder: Path, *, grants: Sequence[str] = ("GRANT ALL ON *.*",), constraints: str = ""
) -> Iterator[FrontProcess]:
    """A front that may do what ``grants`` say; its settings are free but for ``constraints``."""
    for name in ("config.d", "users.d"):
        (folder / name).mkdir(parents=True)
    (folder / "config.d" / "cluster.xml").write_text(_CONFIGURATION)
    granted = "".join(f"<query>{grant}</query>" for grant in grants)
    users = _USERS.format(grants=granted, constraints=constraints)
    (folder / "users.d" / "grants.xml").write_text(users)
    with FrontProcess(folder) as front:
        yield front
        # A replicated table that never came to life keeps its process from ending by itself.
        front.kill()


def replicated(name: str = NAME) -> Cluster:
    """The tables of a cluster as they are, but for who carries the statements out: who is asked."""
    made_of = tables(name)
    assert isinstance(made_of, Cluster)
    return replace(made_of, on="")


def taking_rows() -> Cluster:
    """The same of an engine that takes rows here."""
    return replace(
        replicated(), engine="MergeTree PARTITION BY startsWith(id, '/touchline-{epoch}')"
    )


def archive(front: FrontProcess, made_of: Cluster, url: str = "") -> ClickHouseArchive:
    """A client of a database of its own, or of ``url``."""
    return ClickHouseArchive(Access(url or front.fresh_url(), cluster=NAME), made_of=made_of)


def documented_grants() -> Sequence[str]:
    """What the guide has a cluster's user be given, without the cluster and the user."""
    found = re.findall(
        r"^GRANT ON CLUSTER shop (.+) TO touchline;$", _GUIDE.read_text(), re.MULTILINE
    )
    return [f"GRANT {grant}" for grant in found]
