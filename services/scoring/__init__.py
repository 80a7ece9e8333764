"""Scoring: what a customer is worth, how likely they stay, and why we say so."""
