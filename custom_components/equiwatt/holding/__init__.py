"""Holding of devices during an equivent, and restoring them after it."""
