"""Service calls that set a device: its mode, then the attributes that belong to the mode.

Pure: the names of services and attributes are literals, which a test compares with Home
Assistant's own.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from .device_state import DeviceState, is_near
from .record import DeviceRecord

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


class Call(NamedTuple):
    """A call of a service of the device's own domain."""

    service: str
    data: Mapping[str, Any] = {}


def steps_back(record: DeviceRecord, now: DeviceState) -> dict[str, Any]:
    """Return the attributes to restore, in order, without those that the device does not offer."""
    before = cast("DeviceState", record.before)
    return {
        name: value
        for name, value in before.significant.items()
        if now.offers(name, value)
        and (before.state != "auto" or "temperature" not in name or name in record.wanted)
    }


def calls_of(record: DeviceRecord, number: int) -> list[Call]:
    """Return the calls that carry out a command, in another way after some attempts."""
    command, earlier = record.commands[number], record.commands[:number]
    values, found = command.values, command.found
    attempt = sum(other.values == values for other in earlier)
    if command.at >= record.until:
        return calls_for(values, steps_back(record, found), found, attempt)
    return calls_for(missing_of(values, found), values, found, attempt)


def calls_for(
    command: Mapping[str, Any], target: Mapping[str, Any], now: DeviceState, attempt: int
) -> list[Call]:
    """Return the calls that set values of a target, some of which belong in one call."""
    domain, is_turned_on = now.domain, "state" in command
    if domain not in TOGGLES or not (is_turned_on or domain == "light"):
        return [_call(name, value, now) for name, value in command.items()]
    if target["state"] == "off":
        return [Call(service="turn_off")]
    along = _set_along(domain, target)
    is_plain = is_turned_on and attempt % FIRST_WAYS == FIRST_WAYS - 1
    data = {} if is_plain else _data(along, target)
    rest = [name for name in command if name not in ("state", *along)]
    return [Call(service="turn_on", data=data), *(_call(name, command[name], now) for name in rest)]


def missing_of(wanted: Mapping[str, Any], now: DeviceState) -> dict[str, Any]:
    """Return the wanted values that are not reported, or all of them if all are."""
    missing = {
        name: value for name, value in wanted.items() if not is_near(name, value, now.get(name))
    }
    return missing or dict(wanted)


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


def _call(name: str, value: Any, now: DeviceState) -> Call:
    """Return the call that sets a value."""
    if name == "state":
        return _set_state(value, now)
    if name == "temperature_range":
        low, high = value
        data = {"target_temp_low": low, "target_temp_high": high}
        return Call(service="set_temperature", data=data)
    service, attribute = SERVICES.get(name, (f"set_{name}", name))
    return Call(service=service, data={attribute: value})


def _set_state(value: str, now: DeviceState) -> Call:
    """Return the call that sets a state other than on and off."""
    if now.domain in MODES:
        return _set_mode(value, now)
    if now.domain == "cover":
        return Call(service="close_cover" if value == "closed" else "open_cover")
    if now.domain == "input_datetime":
        kind = "".join(part for part in ("date", "time") if now.get(f"has_{part}"))
        return Call(service="set_datetime", data={kind: value})
    service, attribute = STATE_SERVICES.get(now.domain, ("set_value", "value"))
    return Call(service=service, data={attribute: value})


def _set_mode(mode: str, now: DeviceState) -> Call:
    """Return the call that sets a mode, which the device need not list."""
    listed, service, name = MODES[now.domain]
    if turns_off_by_switch(now.domain, now.attributes):
        if mode == "off":
            return Call(service="turn_off")
        if mode not in (now.get(listed) or ()):
            return Call(service="turn_on")
    return Call(service=service, data={name: mode})
