"""Tests of the provider's answers and of what follows from them."""
