SELECT partition, count() FROM event GROUP BY partition
