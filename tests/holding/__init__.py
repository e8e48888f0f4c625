"""Tests of holding devices."""
