"""Service calls that set a device: its mode, then the attributes that belong to the mode.

Pure: the names of services and attributes are literals, which a test compares with Home
Assistant's own.
"""

from collections.abc import Mapping
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
    "current_position": ("set_cover_position", "position"),
    "current_tilt_position": ("set_cover_tilt_position", "tilt_position"),
    "oscillating": ("oscillate", "oscillating"),
}
"""Services and fields that are not named after the attribute."""
FIRST_WAYS = 4
"""Every so many attempts, a device is turned on without its attributes."""
AT_ONCE = ("light", "remote")
"""Domains whose devices are turned on with all their attributes in one call."""
OPTIONS = ("select", "input_select")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a service of the device's own domain."""

    service: str
    data: Mapping[str, Any] = field(default_factory=dict)


def steps_back(
    before: DeviceState, now: DeviceState, wanted: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    """Return the attributes to restore, in order, without those that the device does not offer."""
    return [
        (name, value)
        for name, value in before.significant.items()
        if before.offers(name, value)
        and now.offers(name, value)
        and (before.state != "auto" or "temperature" not in name or name in wanted)
    ]


def calls_for(
    command: Mapping[str, Any], target: Mapping[str, Any], now: DeviceState, attempt: int = 0
) -> list[Call]:
    """Return the calls that set values of a target, some of which belong in one call."""
    off = "state" in command and target.get("state") == "off"
    if now.domain in TOGGLES and "state" in command:
        if off:
            return [Call(service="turn_off")]
        extras = {} if is_other_way(attempt) else _extras(now.domain, target)
        first = Call(service="turn_on", data=extras)
        done = target if now.domain in AT_ONCE else {"state", *extras}
        rest = {name: value for name, value in command.items() if name not in done}
        return [first, *calls_for(rest, target, now)]
    if now.domain == "light":  # some lights drop attributes that a call leaves out
        return [Call(service="turn_on", data=_extras("light", target))] if command else []
    return [_call(name, value, now, attempt) for name, value in command.items()]


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


def _extras(domain: str, target: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of the call that turns a device on."""
    if domain == "light":
        data: dict[str, Any] = {}
        for name, value in target.items():
            data |= _light_data(name, value, target)
        return data
    if domain == "fan":
        name = "preset_mode" if "preset_mode" in target else "percentage"
        return {name: target[name]} if name in target else {}
    if domain == "remote" and "current_activity" in target:
        return {"activity": target["current_activity"]}
    return {}


def _light_data(name: str, value: Any, target: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data that sets an attribute of a light; white is set as a brightness."""
    if name == "state":
        return {}
    if name == "color_mode":
        return {"white": target["brightness"]} if "brightness" in target else {}
    return {name: value}


def _call(name: str, value: Any, now: DeviceState, attempt: int) -> Call:
    """Return the call that sets a value."""
    if name == "state":
        return _set_state(value, now, attempt)
    if name == "temperature_range":
        low, high = value
        data = {"target_temp_low": low, "target_temp_high": high}
        return Call(service="set_temperature", data=data)
    if name == "current_activity":
        return Call(service="turn_on", data={"activity": value})
    service, attribute = SERVICES.get(name, (f"set_{name}", name))
    return Call(service=service, data={attribute: value})


def _set_state(value: str, now: DeviceState, attempt: int) -> Call:
    """Return the call that sets a state other than on and off."""
    domain = now.domain
    if domain in MODES:
        return _set_mode(value, now, attempt)
    if domain == "cover":
        return Call(service="close_cover" if value == "closed" else "open_cover")
    if domain in OPTIONS:
        return Call(service="select_option", data={"option": value})
    if domain == "input_datetime":
        kinds = {(True, True): "datetime", (True, False): "date", (False, True): "time"}
        kind = kinds.get((bool(now.get("has_date")), bool(now.get("has_time"))), "time")
        return Call(service="set_datetime", data={kind: value})
    return Call(service="set_value", data={"value": value})


def _set_mode(mode: str, now: DeviceState, attempt: int) -> Call:
    """Return the call that sets a mode, which the device need not list."""
    listed, service, name = MODES[now.domain]
    if turns_off_by_switch(now.domain, now.attributes):
        if mode == "off":
            return Call(service="turn_off")
        if mode not in (now.get(listed) or ()) or is_other_way(attempt):
            return Call(service="turn_on")
    return Call(service=service, data={name: mode})
