"""Devices as they are sold, for pretending."""
