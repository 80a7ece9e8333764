"""The log in Kafka: a topic whose partitions are the log's, one record an event."""
