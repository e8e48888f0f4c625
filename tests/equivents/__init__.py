"""Tests of what the provider says and what is made of it."""
