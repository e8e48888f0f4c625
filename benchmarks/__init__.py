"""Where the README's figures come from; see `scripts/benchmark --help`."""
