"""Constants of the equiwatt integration."""

import logging
from typing import Final

DOMAIN: Final = "equiwatt"
LOGGER = logging.getLogger(__package__)

DEFAULT_URL: Final = "https://app.equiwatt.com/api/v3/equivents/"
EQUIWATT_SITE: Final = "https://www.equiwatt.com"

SECTION_ADVANCED: Final = "advanced"
CONF_NEW_WEBHOOK: Final = "new_webhook"
CONF_UNUSED: Final = "unused"

SOURCE_OFF: Final = "off"
SOURCE_ENERGY_DASHBOARD: Final = "energy_dashboard"
SOURCE_SENSORS: Final = "sensors"
