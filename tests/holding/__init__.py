"""Tests of the devices that are held for an equivent."""
