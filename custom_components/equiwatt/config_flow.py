"""Config flow of the equiwatt integration."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.components.webhook import async_generate_id
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_NAME, CONF_TOKEN, CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType

from .api import MAX_WAIT, async_get_client
from .const import BLUEPRINT_URL, DEFAULT_URL, DOMAIN, LOGGER, SECTION_ADVANCED
from .data import EquiwattConfigEntry
from .equivents.client import EquiwattError, UnreachableError, clean_token, is_secure
from .options_flow import EquiwattOptionsFlow
from .webhook import addresses_errors, addresses_schema, async_delete_cloudhook, async_get_addresses
from .webhook_monitor import async_set_shown

TOKEN = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))


class EquiwattConfigFlow(ConfigFlow, domain=DOMAIN):
    """Config flow that adds or changes an account."""

    VERSION = 1

    def __init__(self) -> None:
        """Initialize the flow."""
        self._title = "equiwatt"
        self._data: dict[str, str] = {}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: EquiwattConfigEntry) -> EquiwattOptionsFlow:
        """Return the options flow."""
        return EquiwattOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the token, and try it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._title = user_input.get(CONF_NAME, self._title).strip()
            token = clean_token(user_input[CONF_TOKEN])
            url = user_input[SECTION_ADVANCED][CONF_URL].strip()
            errors = self._check_title() or await self._async_try(token, url)
            if not errors:
                webhook_id = self._data.get(CONF_WEBHOOK_ID) or async_generate_id()
                self._data = {CONF_TOKEN: token, CONF_URL: url, CONF_WEBHOOK_ID: webhook_id}
                return await self.async_step_addresses()
        return self._show_user(user_input, errors)

    def _show_user(
        self, user_input: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> ConfigFlowResult:
        """Show the first form, with what was entered.

        A second account needs a name. The advanced section stays open once the address is changed.
        """
        url = user_input[SECTION_ADVANCED][CONF_URL] if user_input else DEFAULT_URL
        advanced = vol.Schema({vol.Required(CONF_URL, default=DEFAULT_URL): ADDRESS})
        fields = {
            vol.Required(CONF_TOKEN): TOKEN,
            vol.Required(SECTION_ADVANCED): section(advanced, {"collapsed": url == DEFAULT_URL}),
        }
        if self._async_current_entries():
            fields = {vol.Required(CONF_NAME): TextSelector(), **fields}
        schema = self.add_suggested_values_to_schema(vol.Schema(fields), user_input)
        return self.async_show_form(step_id="user", data_schema=schema, errors=errors)

    def _check_title(self) -> dict[str, str]:
        """Return an error if the name is empty, or belongs to another account."""
        taken = {entry.title.casefold() for entry in self._async_current_entries()}
        free = self._title and self._title.casefold() not in taken
        return {} if free else {CONF_NAME: "name_taken"}

    async def async_step_addresses(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the webhook addresses, if there are any, and add the account."""
        addresses = await async_get_addresses(self.hass, self._data[CONF_WEBHOOK_ID])
        if addresses and user_input is None:
            return self._show(addresses, "addresses")
        self._async_abort_entries_match({CONF_TOKEN: self._data[CONF_TOKEN]})
        if errors := self._check_title():  # of an account that another dialog has added meanwhile
            entered = {CONF_NAME: self._title, **self._data, SECTION_ADVANCED: self._data}
            return self._show_user(entered, errors)
        data, self._data = self._data, {}
        return self.async_create_entry(
            title=self._title,
            data=data,
            description="default" if addresses else "no_address",
            description_placeholders={"blueprint_url": BLUEPRINT_URL},
        )

    @override
    @callback
    def async_remove(self) -> None:
        """Delete the cloudhook of an account that was not added."""
        if self._data:
            self.hass.async_create_task(
                async_delete_cloudhook(self.hass, self._data[CONF_WEBHOOK_ID])
            )

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Start reauthentication."""
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
                return self.async_update_reload_and_abort(
                    entry, data_updates={CONF_TOKEN: token}, reason="reauth_successful"
                )
        schema = vol.Schema({vol.Required(CONF_TOKEN): TOKEN})
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the menu."""
        return self.async_show_menu(
            step_id="reconfigure", menu_options=["show_addresses", "account", "new_addresses"]
        )

    async def async_step_show_addresses(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the webhook addresses, which changes nothing."""
        entry = self._get_reconfigure_entry()
        addresses = await async_get_addresses(self.hass, entry.data[CONF_WEBHOOK_ID])
        if addresses and user_input is None:
            return self._show(addresses, "show_addresses")
        await async_set_shown(self.hass, entry, addresses)
        return self.async_abort(reason="addresses_shown" if addresses else "no_address")

    async def async_step_account(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the token or the API address, after trying them."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            token = clean_token(user_input.get(CONF_TOKEN, "")) or entry.data[CONF_TOKEN]
            data = {CONF_TOKEN: token, CONF_URL: user_input[CONF_URL].strip()}
            if entry.data | data == entry.data:
                return self.async_abort(reason="nothing_changed")
            if not (errors := await self._async_try(**data)):
                # With a reason, as the default differs between releases.
                return self.async_update_reload_and_abort(
                    entry, data_updates=data, reason="reconfigure_successful"
                )
        schema = vol.Schema({vol.Optional(CONF_TOKEN): TOKEN, vol.Required(CONF_URL): ADDRESS})
        return self.async_show_form(
            step_id="account",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or {CONF_URL: entry.data[CONF_URL]}
            ),
            errors=errors,
        )

    async def async_step_new_addresses(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Make new webhook addresses once the user has confirmed, and show them."""
        if user_input is None:
            return self.async_show_form(step_id="new_addresses")
        entry = self._get_reconfigure_entry()
        await async_delete_cloudhook(self.hass, entry.data[CONF_WEBHOOK_ID])
        webhook_id = async_generate_id()
        addresses = await async_get_addresses(self.hass, webhook_id)
        await async_set_shown(self.hass, entry, addresses)
        data = {**entry.data, CONF_WEBHOOK_ID: webhook_id}
        self.hass.config_entries.async_update_entry(entry, data=data)
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        if not addresses:
            return self.async_abort(reason="no_address")
        return self._show(addresses, "addresses_made")

    async def async_step_addresses_made(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Close the dialog of the new addresses."""
        return self.async_abort(reason="addresses_shown")

    def _show(self, addresses: Mapping[str, str], step_id: str) -> ConfigFlowResult:
        """Show webhook addresses."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=addresses_schema(addresses),
            errors=addresses_errors(addresses),
        )

    async def _async_try(self, token: str, url: str) -> dict[str, str]:
        """Try a token with one call, and return the errors for the form."""
        self._async_abort_entries_match({CONF_TOKEN: token})
        if not is_secure(url):
            is_http = url.lower().startswith("http:")
            return {"base": "insecure_url" if is_http else "invalid_url"}
        try:
            await async_get_client(self.hass, token, url).async_get_equivents(MAX_WAIT)
        except UnreachableError as err:
            return {"base": err.reason if url == DEFAULT_URL else "wrong_address"}
        except EquiwattError as err:
            return {"base": err.reason}
        except Exception as err:  # noqa: BLE001
            # Without its text and traceback, which may contain the token.
            LOGGER.error("Unexpected %s while a token was tried", type(err).__name__)
            return {"base": "unknown"}
        self._async_abort_entries_match({CONF_TOKEN: token})  # another dialog may have been faster
        return {}
