"""Tests of the equiwatt integration."""
