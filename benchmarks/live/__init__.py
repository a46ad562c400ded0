"""The live channel against its peers; see benchmarks/live/__main__.py."""
