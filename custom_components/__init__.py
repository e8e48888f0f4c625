"""Home of the integration, for the tests to import."""
