"""Benchmarks behind the figures of the documentation; see `scripts/benchmark --help`."""
