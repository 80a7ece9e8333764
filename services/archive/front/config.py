"""chdb's configuration: small caches, and a user who may use tables, not files or networks."""

from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

MEMORY_BYTES: Final = 1 << 30
"""What all queries, inserts and merges together may hold; idle it is about a tenth."""

# ClickHouse's caches are sized for a machine of its own; these hold the marks and keys of tens of
# millions of events.
_SERVER: Final = """<clickhouse>
  <logger><level>none</level></logger>
  <users_config>{users}</users_config>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <primary_index_cache_size>67108864</primary_index_cache_size>
  <index_mark_cache_size>16777216</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <mmap_cache_size>100</mmap_cache_size>
  <compiled_expression_cache_size>16777216</compiled_expression_cache_size>
  <query_condition_cache_size>16777216</query_condition_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_initial_size>2</background_schedule_pool_initial_size>
  <max_thread_pool_size>200</max_thread_pool_size>
  <max_thread_pool_free_size>4</max_thread_pool_free_size>
</clickhouse>
"""

# An expression among VALUES could call what `statement` refuses, hence the constraint.
_USERS: Final = """<clickhouse>
  <profiles>
    <default>
      <async_insert>0</async_insert>
      <session_timezone>UTC</session_timezone>
      <max_memory_usage>{query_memory}</max_memory_usage>
      <max_execution_time>300</max_execution_time>
      <input_format_values_interpret_expressions>0</input_format_values_interpret_expressions>
      <constraints>
        <input_format_values_interpret_expressions><const/></input_format_values_interpret_expressions>
      </constraints>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW,
               DROP, TRUNCATE, OPTIMIZE, KILL QUERY ON *.*</query>
        <query>GRANT CREATE TEMPORARY TABLE ON *.*</query>
      </grants>
    </default>
  </users>
</clickhouse>
"""


def configure(folder: Path, memory_bytes: int = MEMORY_BYTES) -> Path:
    """Write chdb's configuration into ``folder``; the path of the file to start it with."""
    users, server = folder / "users.xml", folder / "config.xml"
    users.write_text(_USERS.format(query_memory=memory_bytes * 3 // 4))
    server.write_text(_SERVER.format(users=escape(str(users)), memory=memory_bytes))
    return server
