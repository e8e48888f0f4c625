"""Tests of the simulated provider and of what starts a Home Assistant."""
