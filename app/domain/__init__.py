"""Values, ports and rules every room shares; standard library only."""
