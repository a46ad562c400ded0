"""Notify: takes messages out of the outbox and hands them to their channels."""
