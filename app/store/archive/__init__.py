"""Archive: what an installation keeps, as files any other program reads, and back again."""
