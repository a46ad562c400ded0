"""Evaluation: sums contributions, judges them against targets, writes readings."""
