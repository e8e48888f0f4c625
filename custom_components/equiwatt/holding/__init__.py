"""Devices that are held for an equivent, and restored after it."""
