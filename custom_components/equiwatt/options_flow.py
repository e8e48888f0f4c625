"""Options flow: the meter and its preview."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlowWithReload
from homeassistant.const import CONF_SENSORS, CONF_SOURCE
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    StatisticSelector,
    StatisticSelectorConfig,
)

from .const import SOURCE_ENERGY_DASHBOARD, SOURCE_OFF, SOURCE_SENSORS
from .data import EquiwattConfigEntry


class EquiwattOptionsFlow(OptionsFlowWithReload):
    """Options flow of the meter, with a preview before it is saved."""

    config_entry: EquiwattConfigEntry

    def __init__(self) -> None:
        """Initialize the flow."""
        self._chosen: dict[str, Any] = {}

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the meter."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            self._chosen = {CONF_SOURCE: user_input[CONF_SOURCE]}
            if user_input[CONF_SOURCE] == SOURCE_SENSORS:
                self._chosen[CONF_SENSORS] = user_input.get(CONF_SENSORS, [])
            if user_input[CONF_SOURCE] == SOURCE_OFF:
                return self.async_create_entry(data=self._chosen)
            preview = await self._async_preview()
            if not preview.error:
                return self.async_show_form(
                    step_id=preview.step,
                    data_schema=vol.Schema({}),
                    description_placeholders=preview.placeholders,
                    last_step=True,
                )
            errors, placeholders = {"base": preview.error}, preview.placeholders
        source = SelectSelectorConfig(
            options=[SOURCE_OFF, SOURCE_ENERGY_DASHBOARD, SOURCE_SENSORS],
            mode=SelectSelectorMode.LIST,
            translation_key="meter_source",
        )
        sensors = StatisticSelectorConfig(multiple=True)
        schema = vol.Schema(
            {
                vol.Required(CONF_SOURCE, default=SOURCE_OFF): SelectSelector(source),
                vol.Optional(CONF_SENSORS): StatisticSelector(sensors),
            }
        )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                schema, self.config_entry.options if user_input is None else user_input
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def _async_preview(self) -> Any:
        """Return the preview of the chosen meter, importing its module only then."""
        metering = await async_import_module(self.hass, f"{__package__}.metering.preview")
        entry = self.config_entry
        is_loaded = entry.state is ConfigEntryState.LOADED
        past = entry.runtime_data.coordinator.data.past if is_loaded else ()
        return await metering.async_preview(self.hass, self._chosen, past)

    async def async_step_preview(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Save the choice."""
        return self.async_create_entry(data=self._chosen)

    # One step for each kind of meter, as each has its own text.
    async_step_preview_hourly = async_step_preview
    async_step_preview_new = async_step_preview
    async_step_preview_rough = async_step_preview
    async_step_preview_still = async_step_preview
    async_step_preview_too_slow = async_step_preview
