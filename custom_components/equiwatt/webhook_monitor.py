"""Watches the webhook: whether its addresses have changed, and whether it still calls.

Nothing is told to those who have never had a call: they do without the webhook.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.start import async_at_started

from .const import DOMAIN
from .data import EquiwattConfigEntry
from .equivents.model import Edge, Kind, Source
from .store import History
from .webhook import async_cloud_is_away, async_get_addresses, async_listen_addresses

WEBHOOK_CHANGED = "webhook_changed"
WEBHOOK_SILENT = "webhook_silent"
MISSES = 2
"""How many equivents in a row must come without a call before the user is told."""
PROMPT = timedelta(minutes=5)
"""How soon an equivent must be seen to count, and how early its call may come."""


class WebhookWatch:
    """Tells the user when the webhook of one entry needs attention."""

    def __init__(self, hass: HomeAssistant, entry: EquiwattConfigEntry) -> None:
        """Begin to watch."""
        self.hass = hass
        self.entry = entry
        self.coordinator = entry.runtime_data.coordinator
        self.history = self.coordinator.history
        self._since = self.coordinator.clock.now()
        self._call_due_from: datetime | None = None

    @callback
    def async_setup(self) -> None:
        """Watch for as long as the entry is loaded."""
        on_unload = self.entry.async_on_unload
        on_unload(self.coordinator.async_listen_edges(self._on_edge))
        on_unload(self.coordinator.async_add_listener(self._on_update))
        on_unload(async_listen_addresses(self.hass, self._check))
        on_unload(async_at_started(self.hass, self._check))

    @callback
    def _on_update(self) -> None:
        """Take it back that the webhook is silent, as soon as it calls."""
        if not self.history.webhook_missed:
            self._tell(WEBHOOK_SILENT, applies=False)

    @callback
    def _on_edge(self, edge: Edge) -> None:
        """Count the real equivents that were watched from their start, and came without a call."""
        if edge.kind is Kind.STARTED:
            start = edge.equivent.start
            prompt = self._since <= start and self.coordinator.clock.now() - start <= PROMPT
            self._call_due_from = start - PROMPT if prompt and edge.source is Source.API else None
            return
        due_from, called_at = self._call_due_from, self.history.webhook_at
        if due_from and called_at and called_at < due_from:
            self.history.note_missed()
        self._check()

    @callback
    def _check(self, _: object = None) -> None:
        """Hold the addresses and the calls against what is expected of them."""
        self.entry.async_create_background_task(
            self.hass, self._async_check(), f"{DOMAIN} check webhook"
        )

    async def _async_check(self) -> None:
        """Tell what is wrong, one thing at a time: other addresses explain a silence."""
        history = self.history
        if async_cloud_is_away(self.hass) or (history.webhook_shown and not history.webhook_at):
            return
        addresses = await async_get_addresses(self.hass, self.entry.data[CONF_WEBHOOK_ID])
        digest = _digest(addresses)
        if history.webhook_shown is None and addresses:
            history.note_shown(digest)  # by the dialog that has just been closed
        used = history.webhook_at is not None
        changed = used and history.webhook_shown not in (None, digest)
        self._tell(WEBHOOK_CHANGED, applies=changed)
        self._tell(WEBHOOK_SILENT, applies=not changed and history.webhook_missed >= MISSES)

    @callback
    def _tell(self, key: str, *, applies: bool) -> None:
        """Tell it, or take it back."""
        issue_id = _issue_id(key, self.entry.entry_id)
        if not applies:
            ir.async_delete_issue(self.hass, DOMAIN, issue_id)
            return
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            issue_id,
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=key,
            translation_placeholders={"name": self.entry.title},
            data={"entry_id": self.entry.entry_id},
        )


async def async_note_shown(
    hass: HomeAssistant,
    entry: EquiwattConfigEntry,
    addresses: Mapping[str, str] | None,
    *,
    unused: bool = False,
) -> None:
    """Remember which addresses the user has seen, which settles what was to be said of them."""
    if loaded := entry.state is ConfigEntryState.LOADED:
        history = entry.runtime_data.coordinator.history
    else:
        history = History(hass, entry.entry_id)
        await history.async_load()
    if history.known:
        history.note_shown(_digest(addresses), unused=unused)
        await history.async_flush()
    if loaded:
        entry.runtime_data.coordinator.async_update_listeners()
    async_settle_webhook(hass, entry.entry_id)


@callback
def async_settle_webhook(hass: HomeAssistant, entry_id: str) -> None:
    """Take back whatever was told of the webhook of an entry."""
    for key in (WEBHOOK_CHANGED, WEBHOOK_SILENT):
        ir.async_delete_issue(hass, DOMAIN, _issue_id(key, entry_id))


def _issue_id(key: str, entry_id: str) -> str:
    """Return the id of a repair of an entry."""
    return f"{key}_{entry_id}"


def _digest(addresses: Mapping[str, str] | None) -> str:
    """Return what tells addresses apart without telling them, empty for none."""
    return sha256("\n".join(addresses.values()).encode()).hexdigest() if addresses else ""
