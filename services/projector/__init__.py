"""The projector: folds the log into what a customer is."""
