"""Equivents as the provider reports them, independent of Home Assistant."""
