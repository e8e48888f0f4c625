"""Where the figures of the documentation come from; see `scripts/benchmark --help`."""
