"""The dialogs: a token in, two webhook addresses out."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.components.webhook import async_generate_id
from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_SENSORS, CONF_SOURCE, CONF_TOKEN, CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    StatisticSelector,
    StatisticSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .const import (
    CONF_NEW_WEBHOOK,
    DEFAULT_URL,
    DOMAIN,
    SECTION_ADVANCED,
    SOURCE_ENERGY_DASHBOARD,
    SOURCE_OFF,
    SOURCE_SENSORS,
)
from .coordinator import async_get_client
from .data import EquiwattConfigEntry
from .equivents.client import EquiwattError, clean_token, is_secure
from .webhook import async_delete_cloudhook, async_get_addresses
from .webhook_monitor import async_set_shown

TOKEN = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))

USER_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_TOKEN): TOKEN,
        vol.Required(SECTION_ADVANCED): section(
            vol.Schema({vol.Required(CONF_URL, default=DEFAULT_URL): ADDRESS}),
            {"collapsed": True},
        ),
    }
)
REAUTH_SCHEMA = vol.Schema({vol.Required(CONF_TOKEN): TOKEN})
RECONFIGURE_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_TOKEN): TOKEN,
        vol.Required(CONF_URL): ADDRESS,
        vol.Required(CONF_NEW_WEBHOOK, default=False): BooleanSelector(),
    }
)


OPTIONS_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_SOURCE, default=SOURCE_OFF): SelectSelector(
            SelectSelectorConfig(
                options=[SOURCE_OFF, SOURCE_ENERGY_DASHBOARD, SOURCE_SENSORS],
                mode=SelectSelectorMode.LIST,
                translation_key="meter_source",
            )
        ),
        vol.Optional(CONF_SENSORS): StatisticSelector(StatisticSelectorConfig(multiple=True)),
    }
)


class EquiwattConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds an account, and changes one."""

    VERSION = 1

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: EquiwattConfigEntry) -> EquiwattOptionsFlow:
        """Return the dialog of the meter."""
        return EquiwattOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the token, try it, and show the addresses for the equiwatt app."""
        errors: dict[str, str] = {}
        if user_input is not None:
            token = clean_token(user_input[CONF_TOKEN])
            url = user_input[SECTION_ADVANCED][CONF_URL].strip()
            if not (errors := await self._async_try(token, url)):
                return await self._async_create(token, url)
            user_input = {SECTION_ADVANCED: user_input[SECTION_ADVANCED]}
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(USER_SCHEMA, user_input),
            errors=errors,
        )

    async def _async_create(self, token: str, url: str) -> ConfigFlowResult:
        """Add the account."""
        webhook_id = async_generate_id()
        addresses = await async_get_addresses(self.hass, webhook_id)
        return self.async_create_entry(
            title="equiwatt",
            data={CONF_TOKEN: token, CONF_URL: url, CONF_WEBHOOK_ID: webhook_id},
            description="default" if addresses else "no_address",
            description_placeholders=addresses,
        )

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin to ask for a new token."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new token."""
        errors: dict[str, str] = {}
        if user_input is not None:
            entry = self._get_reauth_entry()
            token = clean_token(user_input[CONF_TOKEN])
            if not (errors := await self._async_try(token, entry.data[CONF_URL])):
                return self.async_update_reload_and_abort(entry, data_updates={CONF_TOKEN: token})
        return self.async_show_form(
            step_id="reauth_confirm", data_schema=REAUTH_SCHEMA, errors=errors
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the token, the API's address or the webhook's, and show the latter again."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            token = clean_token(user_input.get(CONF_TOKEN, "")) or entry.data[CONF_TOKEN]
            data = {CONF_TOKEN: token, CONF_URL: user_input[CONF_URL].strip()}
            if entry.data | data != entry.data:
                errors = await self._async_try(**data)
            if not errors:
                return await self._async_change(data, user_input[CONF_NEW_WEBHOOK])
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                RECONFIGURE_SCHEMA,
                {CONF_URL: (user_input or entry.data)[CONF_URL]},
            ),
            errors=errors,
        )

    async def _async_change(self, data: dict[str, str], new_webhook: bool) -> ConfigFlowResult:
        """Change the account, and show the webhook's addresses."""
        entry = self._get_reconfigure_entry()
        webhook_id = entry.data[CONF_WEBHOOK_ID]
        if new_webhook:
            await async_delete_cloudhook(self.hass, webhook_id)
            webhook_id = async_generate_id()
        addresses = await async_get_addresses(self.hass, webhook_id)
        await async_set_shown(self.hass, entry, addresses)
        result = self.async_update_reload_and_abort(
            entry,
            data_updates={**data, CONF_WEBHOOK_ID: webhook_id},
            reason="reconfigured" if addresses else "reconfigured_no_address",
        )
        return {**result, "description_placeholders": addresses}

    async def _async_try(self, token: str, url: str) -> dict[str, str]:
        """Try a token with one call, and return the errors for the form."""
        self._async_abort_entries_match({CONF_TOKEN: token})
        if not is_secure(url):
            return {"base": "insecure_url"}
        try:
            await async_get_client(self.hass, token, url).async_get_equivents()
        except EquiwattError as err:
            return {"base": err.reason}
        return {}


class EquiwattOptionsFlow(OptionsFlowWithReload):
    """Chooses a meter, and says what can be expected of it before anything is saved."""

    config_entry: EquiwattConfigEntry

    def __init__(self) -> None:
        """Start with nothing chosen."""
        self._chosen: dict[str, Any] = {}

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the meter."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._chosen = {CONF_SOURCE: user_input[CONF_SOURCE]}
            if user_input[CONF_SOURCE] == SOURCE_SENSORS:
                self._chosen[CONF_SENSORS] = user_input.get(CONF_SENSORS, [])
            if user_input[CONF_SOURCE] == SOURCE_OFF:
                return self.async_create_entry(data=self._chosen)
            preview = await self._async_preview()
            if not preview.error:
                return self._async_show(preview.step, preview.placeholders)
            errors = {"base": preview.error}
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                OPTIONS_SCHEMA, self.config_entry.options if user_input is None else user_input
            ),
            errors=errors,
        )

    async def _async_preview(self) -> Any:
        """Return what can be expected of what was chosen; nobody else imports what it takes."""
        metering = await async_import_module(self.hass, f"{__package__}.metering.preview")
        entry = self.config_entry
        is_loaded = entry.state is ConfigEntryState.LOADED
        past = entry.runtime_data.coordinator.data.past if is_loaded else ()
        return await metering.async_preview(self.hass, self._chosen, past)

    def _async_show(self, step: str, placeholders: dict[str, str]) -> ConfigFlowResult:
        """Show what can be expected."""
        return self.async_show_form(
            step_id=step,
            data_schema=vol.Schema({}),
            description_placeholders=placeholders,
            last_step=True,
        )

    async def async_step_preview(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Save what was chosen: what to expect of it has been read."""
        return self.async_create_entry(data=self._chosen)

    # One step for each kind of meter, as each has other words.
    async_step_preview_hourly = async_step_preview
    async_step_preview_new = async_step_preview
    async_step_preview_rough = async_step_preview
    async_step_preview_too_slow = async_step_preview
