"""Postgres: schema, pages, readings, the change log."""
