"""Real data sets, and touches simulated around them; upstream of ingest like any other producer."""
