"""Behaviours across modules."""
