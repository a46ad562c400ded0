"""How targets over a year are judged: an invented world of them, thresholds, and one command."""
