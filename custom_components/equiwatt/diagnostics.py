"""Diagnostics from an allow-list, without secrets and names."""

from typing import Any

from homeassistant.const import CONF_SENSORS, CONF_SOURCE, CONF_URL
from homeassistant.core import HomeAssistant

from .const import DEFAULT_URL, SOURCE_OFF
from .coordinator import EquiwattCoordinator
from .data import EquiwattConfigEntry
from .holding.device import restoring
from .holding.store import HeldDevice


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: EquiwattConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of an account."""
    data = entry.runtime_data
    coordinator, webhook = data.coordinator, data.store.webhook
    state = coordinator.data
    return {
        "recent": list(coordinator.recent),
        "default_address": entry.data[CONF_URL] == DEFAULT_URL,
        "state": {
            "live": state.live and state.live.as_dict(),
            "upcoming": state.upcoming and state.upcoming.as_dict(),
            "past": len(state.finished),
            "simulated": state.rehearsal,
            "kind": coordinator.plans.live_kind(state),
            "awaiting_confirmation": coordinator.tracker.awaiting(coordinator.clock.now()),
        },
        "api": _api(coordinator),
        "webhook": {
            "last_call": webhook.received_at,
            "missed_in_a_row": webhook.missed,
        },
        "holding": {
            "held": [_device(device) for device in data.holding.held_for(entry.entry_id)],
            "restored": [_device(held) for held in data.holding.devices if restoring(held.record)],
        },
        "meter": _meter(entry),
        "history": {
            "equivents": len(data.store.snapshot.past),
            "of_known_kind": len(coordinator.plans.kinds),
        },
        # Without the user's texts.
        "plans": [
            {"start": plan.start, "end": plan.end, "kind": plan.kind.value}
            for plan in coordinator.plans.plans
        ],
    }


def _api(coordinator: EquiwattCoordinator) -> dict[str, Any]:
    """Return the state of the API, and a summary of its last answer."""
    answer = coordinator.answer
    return {
        "polling": not coordinator.config_entry.pref_disable_polling,
        "seconds_of_clock_error": coordinator.clock.error.total_seconds(),
        "last_answer": coordinator.answered_at,
        "last_error": coordinator.error.reason if coordinator.error else None,
        "failures_in_a_row": coordinator.failures,
        "stale": coordinator.is_stale,
        "seconds_to_next_call": coordinator.pace,
        "calls_in_last_minute": coordinator.client.limiter.recent_calls,
        "payload": {
            "current": answer.current and answer.current.as_dict(),
            "previous": len(answer.previous),
            "skipped": answer.skipped,
        },
    }


def _device(held: HeldDevice) -> dict[str, Any]:
    """Return the progress of a held device, without its name and states."""
    record = held.record
    return {
        "domain": held.entity_id.partition(".")[0],
        "began": record.began,
        "until": record.until,
        "available_since": record.here_since,
        "changed_at": record.changed_at,
        "settled_at": record.settled_at,
        "commands": [command.at for command in record.commands],
        "refused": [command.refused_at for command in record.commands if command.refused_at],
    }


def _meter(entry: EquiwattConfigEntry) -> dict[str, Any]:
    """Return the state of the meter, without its name and readings."""
    estimate = entry.runtime_data.estimate
    facts = {
        "source": entry.options.get(CONF_SOURCE, SOURCE_OFF),
        "sensors": len(entry.options.get(CONF_SENSORS, ())),
        "kept": len(entry.runtime_data.store.results or ()),
    }
    if not estimate:
        return facts
    return facts | {
        "days_used": estimate.days_used,
        "days_wanted": estimate.days_wanted,
        "half_hours": len(estimate.half_hours),
        "approximate": estimate.approximate,
        "final": estimate.final,
        "measured_until": estimate.measured_until,
        "reason": estimate.reason,
    }
