"""Issues of the webhook: its addresses have changed, or no calls are received.

No issue is raised before the first call, as the webhook is optional.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.start import async_at_started

from .const import DOMAIN
from .data import EquiwattConfigEntry
from .equivents.model import EdgeType, Source
from .equivents.snapshot import Edge
from .issues import WEBHOOK_CHANGED, WEBHOOK_SILENT, async_clear_issues, async_set_issue
from .store import EquiwattStore
from .webhook import async_cloud_is_away, async_get_addresses, async_listen_addresses

MAX_MISSED = 2
"""Number of equivents in a row without a call after which an issue is raised."""
PROMPT = timedelta(minutes=5)
"""Longest delay of an equivent that counts, and of its call before it."""


class WebhookMonitor:
    """Monitor of an entry's webhook, which raises and clears its issues."""

    def __init__(self, hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
        """Initialize the monitor."""
        self.hass = hass
        self.entry = entry
        self.data = entry.runtime_data
        self._since = self.data.coordinator.clock.now()
        self._call_due_from: datetime | None = None

    @callback
    def async_setup(self) -> None:
        """Monitor for as long as the entry is loaded."""
        on_unload = self.entry.async_on_unload
        on_unload(self.data.announcer.async_listen(self._on_edge))
        on_unload(self.data.coordinator.async_add_listener(self._on_update))
        for stop in async_listen_addresses(self.hass, self._check):
            on_unload(stop)
        on_unload(async_at_started(self.hass, self._check))

    @callback
    def _on_update(self) -> None:
        """Clear the issue of a silent webhook as soon as a call is received."""
        if not self.data.store.webhook.missed:
            async_clear_issues(self.hass, self.entry.entry_id, WEBHOOK_SILENT)

    @callback
    def _on_edge(self, edge: Edge) -> None:
        """Count the equivents without a call, if seen from their start."""
        if edge.type is EdgeType.STARTED:
            self._call_due_from = self._due_from(edge)
            return
        facts = self.data.store.webhook
        due_from, received_at = self._call_due_from, facts.received_at
        if due_from and received_at and received_at < due_from:
            self.data.store.async_set_webhook(replace(facts, missed=facts.missed + 1))
        self._check()

    def _due_from(self, started: Edge) -> datetime | None:
        """Return the time from which a call for a start is expected, or None."""
        start = started.equivent.start
        seen_at = self.data.coordinator.clock.now()
        prompt = self._since <= start and seen_at - start <= PROMPT
        return start - PROMPT if prompt and started.source is Source.API else None

    @callback
    def _check(self, _: object = None) -> None:
        """Check the addresses and the calls in the background."""
        self.entry.async_create_background_task(
            self.hass, self._async_check(), f"{DOMAIN} check webhook"
        )

    async def _async_check(self) -> None:
        """Raise one issue at a time, as changed addresses explain a silence."""
        facts = self.data.store.webhook
        if async_cloud_is_away(self.hass) or (facts.shown and not facts.received_at):
            return
        addresses = await async_get_addresses(self.hass, self.entry.data[CONF_WEBHOOK_ID])
        facts, digest = self.data.store.webhook, _digest(addresses)
        if facts.shown is None and addresses:  # by the dialog that has just been closed
            facts = replace(facts, shown=digest, missed=0)
            self.data.store.async_set_webhook(facts)
        changed = facts.received_at is not None and facts.shown not in (None, digest)
        silent = not changed and facts.missed >= MAX_MISSED
        async_set_issue(self.hass, self.entry, WEBHOOK_CHANGED, applies=changed)
        async_set_issue(self.hass, self.entry, WEBHOOK_SILENT, applies=silent)


async def async_set_shown(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    addresses: Mapping[str, str] | None,
    *,
    unused: bool = False,
) -> None:
    """Remember which addresses the user has seen, which clears the issues of the webhook.

    `unused` means that the webhook is no longer used, as if there had never been a call.
    """
    loaded = entry.state is ConfigEntryState.LOADED
    store = entry.runtime_data.store if loaded else EquiwattStore(hass, entry.entry_id)
    if not loaded:
        with suppress(OSError):  # if it cannot be read, the issues return
            await store.async_load()
    if store.known:
        facts = replace(store.webhook, shown=_digest(addresses), missed=0)
        store.async_set_webhook(replace(facts, received_at=None) if unused else facts)
    if loaded:
        entry.runtime_data.coordinator.async_update_listeners()
    else:
        await store.async_close()
    async_clear_issues(hass, entry.entry_id, WEBHOOK_CHANGED, WEBHOOK_SILENT)


def _digest(addresses: Mapping[str, str] | None) -> str:
    """Return a digest of addresses, empty if there are none."""
    return sha256("\n".join(addresses.values()).encode()).hexdigest() if addresses else ""
