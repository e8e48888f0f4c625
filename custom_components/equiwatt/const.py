"""Constants of the equiwatt integration."""

import logging
from typing import Final

DOMAIN: Final = "equiwatt"
LOGGER = logging.getLogger(__package__)

DEFAULT_URL: Final = "https://app.equiwatt.com/api/v3/equivents/"
EQUIWATT_SITE: Final = "https://www.equiwatt.com"
BLUEPRINT_URL: Final = (
    "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
    "https%3A%2F%2Fgithub.com%2Fequiwatt-homeassistant%2Fequiwatt%2Fblob%2Fmain%2Fblueprints"
    "%2Fautomation%2Fequiwatt%2Fpause_devices.yaml"
)

SECTION_ADVANCED: Final = "advanced"
CONF_UNUSED: Final = "unused"
CONF_REGISTRY_IDS: Final = "registry_ids"

DECIMALS: Final = 2
"""Decimals of shown kWh."""

SOURCE_OFF: Final = "off"
SOURCE_ENERGY_DASHBOARD: Final = "energy_dashboard"
SOURCE_SENSORS: Final = "sensors"
