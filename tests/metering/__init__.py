"""Tests of the metering wing."""
