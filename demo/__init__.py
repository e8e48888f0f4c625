"""A simulated equiwatt provider, and a Home Assistant to try the integration with."""
