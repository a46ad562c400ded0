"""Two collectors nobody should have: they must fail the check of collectors."""
