"""Homes with a meter, shared with the tests of the metering modules."""

from ...metering.conftest import home, meters, mock_recorder_before_hass, recorded_home, tables

__all__ = ["home", "meters", "mock_recorder_before_hass", "recorded_home", "tables"]
