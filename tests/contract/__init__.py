"""What somebody else's program, written from the pages alone, must get from the product."""
