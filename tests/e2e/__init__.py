"""Tests with a real Home Assistant process and real sockets."""
