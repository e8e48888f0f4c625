"""Behaviours across the modules of the metering wing."""
