"""Tests of faulty answers over real sockets."""
