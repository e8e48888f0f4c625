"""Faulty answers over real sockets."""
