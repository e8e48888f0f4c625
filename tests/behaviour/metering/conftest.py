"""The homes with a meter of the metering wing's own tests."""

from ...metering.conftest import home, meters, mock_recorder_before_hass, recorded_home, tables

__all__ = ["home", "meters", "mock_recorder_before_hass", "recorded_home", "tables"]
