"""Measurement of a home's use during equivents against its usual use."""
