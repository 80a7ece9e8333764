"""The report on the scores: what they foretell of real customers, and how surely."""
