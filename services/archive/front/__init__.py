"""chdb (ClickHouse as a library) behind ClickHouse's own HTTP interface, on a loopback port."""
