"""Ingest: asks collectors on schedule and commits page and cursor together."""
