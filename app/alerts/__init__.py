"""Alerts: when a lagging indicator becomes an episode, and what people are told of it."""
