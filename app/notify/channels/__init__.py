"""Channels: one module each; adding one edits nothing else."""
