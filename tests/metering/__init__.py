"""Tests of the metering modules."""
