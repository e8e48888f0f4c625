"""Service calls that set a device: its mode, then the attributes that belong to the mode.

Pure: the names of services and attributes are literals, which a test compares with Home
Assistant's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .device_state import DeviceState, is_near

TOGGLES = ("fan", "humidifier", "input_boolean", "light", "media_player", "remote", "switch")
"""Domains whose devices are turned on and off."""
MODES = {
    "climate": ("hvac_modes", "set_hvac_mode", "hvac_mode"),
    "water_heater": ("operation_list", "set_operation_mode", "operation_mode"),
}
"""Domains whose state is a mode: the attribute that lists modes, the service, its field."""
WATER_HEATER_ON_OFF = 8
SERVICES = {
    "current_activity": ("turn_on", "activity"),
    "current_position": ("set_cover_position", "position"),
    "current_tilt_position": ("set_cover_tilt_position", "tilt_position"),
    "oscillating": ("oscillate", "oscillating"),
}
"""Services and fields that are not named after the attribute."""
STATE_SERVICES = {
    "input_select": ("select_option", "option"),
    "select": ("select_option", "option"),
}
"""Service and field that set a state, if not the common ones, by domain."""
FIRST_WAYS = 4
"""Every so many attempts, a device is turned on without its attributes."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a service of the device's own domain."""

    service: str
    data: Mapping[str, Any] = field(default_factory=dict)


def steps_back(before: DeviceState, now: DeviceState, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes to restore, in order, without those that the device does not offer."""
    return {
        name: value
        for name, value in before.significant.items()
        if before.offers(name, value)
        and now.offers(name, value)
        and (before.state != "auto" or "temperature" not in name or name in wanted)
    }


def calls_for(
    command: Mapping[str, Any], target: Mapping[str, Any], now: DeviceState, attempt: int = 0
) -> list[Call]:
    """Return the calls that set values of a target, some of which belong in one call."""
    domain, switches = now.domain, "state" in command
    if domain in TOGGLES and switches and target["state"] == "off":
        return [Call(service="turn_off")]
    if domain not in TOGGLES or not (switches or (domain == "light" and command)):
        return [_call(name, value, now, attempt) for name, value in command.items()]
    along = _set_along(domain, target)
    data = {} if switches and is_other_way(attempt) else _data(along, target)
    rest = [name for name in command if name not in ("state", *along)]
    calls = [_call(name, command[name], now, attempt) for name in rest]
    return [Call(service="turn_on", data=data), *calls]


def missing_of(wanted: Mapping[str, Any], now: DeviceState) -> dict[str, Any]:
    """Return the wanted values that are not reported, or all of them if all are."""
    missing = {
        name: value for name, value in wanted.items() if not is_near(name, value, now.get(name))
    }
    return missing or dict(wanted)


def is_other_way(attempt: int) -> bool:
    """Return True if an attempt turns a device on without its attributes."""
    return attempt % FIRST_WAYS == FIRST_WAYS - 1


def turns_off_by_switch(domain: str, attributes: Mapping[str, Any]) -> bool:
    """Return True if a device with modes supports turning off and on, as some water heaters do."""
    features = int(attributes.get("supported_features") or 0)
    return domain == "water_heater" and bool(features & WATER_HEATER_ON_OFF)


def _set_along(domain: str, target: Mapping[str, Any]) -> list[str]:
    """Return the attributes that the call that turns a device on sets, too."""
    if domain == "light":  # some lights drop attributes that a call leaves out
        return [name for name in target if name != "state"]
    names = {"fan": ("preset_mode", "percentage"), "remote": ("current_activity",)}
    return [name for name in names.get(domain, ()) if name in target][:1]


def _data(names: Iterable[str], target: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data that turn a device on with attributes; white is set as a brightness."""
    data = {SERVICES.get(name, ("", name))[1]: target[name] for name in names}
    if data.pop("color_mode", None) and "brightness" in target:
        data["white"] = target["brightness"]
    return data


def _call(name: str, value: Any, now: DeviceState, attempt: int) -> Call:
    """Return the call that sets a value."""
    if name == "state":
        return _set_state(value, now, attempt)
    if name == "temperature_range":
        low, high = value
        data = {"target_temp_low": low, "target_temp_high": high}
        return Call(service="set_temperature", data=data)
    service, attribute = SERVICES.get(name, (f"set_{name}", name))
    return Call(service=service, data={attribute: value})


def _set_state(value: str, now: DeviceState, attempt: int) -> Call:
    """Return the call that sets a state other than on and off."""
    if now.domain in MODES:
        return _set_mode(value, now, attempt)
    if now.domain == "cover":
        return Call(service="close_cover" if value == "closed" else "open_cover")
    if now.domain == "input_datetime":
        kind = "".join(part for part in ("date", "time") if now.get(f"has_{part}"))
        return Call(service="set_datetime", data={kind: value})
    service, attribute = STATE_SERVICES.get(now.domain, ("set_value", "value"))
    return Call(service=service, data={attribute: value})


def _set_mode(mode: str, now: DeviceState, attempt: int) -> Call:
    """Return the call that sets a mode, which the device need not list."""
    listed, service, name = MODES[now.domain]
    if turns_off_by_switch(now.domain, now.attributes):
        if mode == "off":
            return Call(service="turn_off")
        if mode not in (now.get(listed) or ()) or is_other_way(attempt):
            return Call(service="turn_on")
    return Call(service=service, data={name: mode})
