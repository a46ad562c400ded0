"""Benchmarks: one command each, a table, and one JSON line at the end."""
