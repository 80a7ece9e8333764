"""Benchmarks: every speed that the documents name, as a program that anyone can run."""
