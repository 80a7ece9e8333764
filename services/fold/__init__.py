"""The heart: folds a log into rows, one transaction a batch, exactly once."""
