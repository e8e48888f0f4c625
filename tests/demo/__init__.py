"""Tests of the simulated provider and of its Home Assistant."""
