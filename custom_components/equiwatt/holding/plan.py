"""What restoring a device takes, step by step: its mode, then what belongs to the mode.

Nothing here knows Home Assistant: the names of its actions and attributes are plain words, which a
test holds against Home Assistant's own.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .reading import NO_EFFECT, POWER, Call, Reading, Step

TOGGLES = ("fan", "humidifier", "input_boolean", "light", "media_player", "remote", "switch")
"""Domains whose devices are on or off, whatever else they are."""
MODES = {
    "climate": ("hvac_modes", "set_hvac_mode", "hvac_mode"),
    "water_heater": ("operation_list", "set_operation_mode", "operation_mode"),
}
"""Domains whose state is a mode: what lists them, the action that sets one, and its field."""
TURNED = 0.4
"""The share of what may be off by which a device may move without somebody having turned it."""
WATER_HEATER_ON_OFF = 8
COVER_SET_POSITION, COVER_SET_TILT = 4, 128

COLORS = {
    "color_temp": ("color_temp_kelvin", "color_temp_kelvin"),
    "hs": ("hs_color", "rgb_color"),
    "rgb": ("rgb_color", "rgb_color"),
    "rgbw": ("rgbw_color", "rgbw_color"),
    "rgbww": ("rgbww_color", "rgbww_color"),
    "xy": ("xy_color", "rgb_color"),
}
"""By a light's colour mode: the attribute that sets its colour, and the one that is compared."""


def steps(domain: str, before: Reading) -> tuple[Step, ...]:
    """Return what restoring takes, in order."""
    if before.is_off and (domain in TOGGLES or domain in MODES):
        off = Step(key="off", calls=(turn_off(domain, before),), wanted={POWER: False})
        return (off, *_degrees(before, is_extra=True)) if domain in MODES else (off,)
    return tuple(PLANS[domain](before))


def turn_off(domain: str, reading: Reading) -> Call:
    """Return how such a device is turned off."""
    if domain not in MODES or _has_switch(domain, reading):
        return Call(service="turn_off")
    _, service, name = MODES[domain]
    return Call(service=service, data={name: "off"})


def is_as(domain: str, wanted: Reading, reading: Reading) -> bool:
    """Tell whether a device is still as wanted: a dial is turned by less than devices round."""
    found = steps(domain, wanted)
    return reading.is_known and all(step.is_met(reading, TURNED) for step in found)


def _has_switch(domain: str, reading: Reading) -> bool:
    """Tell whether a device with modes is turned off and on besides: some water heaters are."""
    features = int(reading.get("supported_features") or 0)
    return domain == "water_heater" and bool(features & WATER_HEATER_ON_OFF)


def _given(before: Reading, *names: str) -> dict[str, Any]:
    """Return the attributes that have a value."""
    return {name: before.get(name) for name in names if before.get(name) is not None}


def _attribute(before: Reading, name: str, service: str, listed: str = "") -> Iterable[Step]:
    """Set an attribute by an action whose field has the same name, if it had a value."""
    for value in _given(before, name).values():
        yield Step(
            key=name,
            calls=(Call(service=service, data={name: value}),),
            wanted={name: value},
            listed=(listed, value) if listed else None,
        )


def _degrees(before: Reading, *, is_extra: bool = False) -> Iterable[Step]:
    """Set what is aimed at, which a device may tell while it is off and yet refuse then."""
    if degrees := _given(before, "temperature", "target_temp_low", "target_temp_high"):
        call = Call(service="set_temperature", data=degrees)
        yield Step(key="temperature", calls=(call,), wanted=degrees, is_extra=is_extra)


def _switch(before: Reading) -> Iterable[Step]:
    """Turn it on: what it is besides is its own affair, as is what a player plays."""
    yield Step(key="on", calls=(Call(service="turn_on"),), wanted={POWER: True})


def _remote(before: Reading) -> Iterable[Step]:
    """Turn it on, with what it was used for."""
    activity = before.get("current_activity")
    call = Call(service="turn_on", data={"activity": activity} if activity else {})
    yield Step(key="on", calls=(call, Call(service="turn_on")), wanted={POWER: True})


def _climate(before: Reading) -> Iterable[Step]:
    """Set the mode, the preset that may move the temperature, the temperature, the air."""
    mode = str(before.state)
    call = Call(service="set_hvac_mode", data={"hvac_mode": mode})
    yield Step(key="mode", calls=(call,), wanted={"state": mode}, listed=("hvac_modes", mode))
    yield from _attribute(before, "preset_mode", "set_preset_mode", "preset_modes")
    if mode != "auto":  # a schedule has its own, and some leave it for a temperature
        yield from _degrees(before)
    yield from _attribute(before, "fan_mode", "set_fan_mode", "fan_modes")
    yield from _attribute(before, "swing_mode", "set_swing_mode", "swing_modes")
    yield from _attribute(
        before,
        "swing_horizontal_mode",
        "set_swing_horizontal_mode",
        "swing_horizontal_modes",
    )
    yield from _attribute(before, "humidity", "set_humidity")


def _water_heater(before: Reading) -> Iterable[Step]:
    """Set the mode, which may be one that Home Assistant does not know, and the temperature."""
    mode = str(before.state)
    set_mode = Call(service="set_operation_mode", data={"operation_mode": mode})
    is_listed = mode in (before.get("operation_list") or ())
    switch = (Call(service="turn_on"),) if _has_switch("water_heater", before) else ()
    yield Step(
        key="mode",
        calls=(set_mode, *switch) if is_listed or not switch else switch,
        wanted={"state": mode},
        listed=None if switch else ("operation_list", mode),
    )
    yield from _degrees(before)
    yield from _attribute(before, "away_mode", "set_away_mode")


def _light(before: Reading) -> Iterable[Step]:
    """Turn it on as it was; a colour of None is none, and an effect has colours of its own."""
    given, wanted = _given(before, "brightness"), _given(before, "brightness")
    if before.get("effect") not in NO_EFFECT:
        given |= _given(before, "effect")
        wanted = _given(before, "effect")
    elif before.get("color_mode") == "white" and given:
        given = {"white": given["brightness"]}
        wanted |= {"color_mode": "white"}
    elif names := COLORS.get(str(before.get("color_mode"))):
        given |= _given(before, names[0])
        wanted |= _given(before, names[1]) if before.get(names[0]) is not None else {}
    call = Call(service="turn_on", data=given)
    calls = (call, Call(service="turn_on")) if given else (call,)
    yield Step(key="on", calls=calls, wanted={POWER: True}, also="look" if wanted else "")
    yield from _no_effect(before)
    if wanted:
        yield Step(key="look", calls=(call,), wanted=wanted)


def _no_effect(before: Reading) -> Iterable[Step]:
    """End an effect, if there was none and the light can: a colour does not end each."""
    listed = [one for one in before.get("effect_list") or () if one in NO_EFFECT]
    if before.get("effect") in NO_EFFECT and listed:
        call = Call(service="turn_on", data={"effect": listed[0]})
        yield Step(key="effect", calls=(call,), wanted={POWER: True, "effect": listed[0]})


def _fan(before: Reading) -> Iterable[Step]:
    """Turn it on at its speed or in its preset, then the rest."""
    name = "preset_mode" if before.get("preset_mode") is not None else "percentage"
    speed = {key: value for key, value in _given(before, name).items() if value != 0}
    call = Call(service="turn_on", data=speed)
    calls = (call, Call(service="turn_on")) if speed else (call,)
    yield Step(key="on", calls=calls, wanted={POWER: True}, also="speed" if speed else "")
    if speed:
        yield Step(key="speed", calls=(Call(service=f"set_{name}", data=speed),), wanted=speed)
    yield from _attribute(before, "direction", "set_direction")
    yield from _attribute(before, "oscillating", "oscillate")


def _humidifier(before: Reading) -> Iterable[Step]:
    """Turn it on, set the mode, and then the humidity that belongs to the mode."""
    yield from _switch(before)
    yield from _attribute(before, "mode", "set_mode", "available_modes")
    yield from _attribute(before, "humidity", "set_humidity")


def _cover(before: Reading) -> Iterable[Step]:
    """Move it to where it was, or open or close it if it can do no more."""
    features = int(before.get("supported_features") or 0)
    place = _given(before, "current_position") if features & COVER_SET_POSITION else {}
    service, state = ("close_cover", "closed") if _is_closed(before) else ("open_cover", "open")
    call = Call(service=service)
    for value in place.values():
        call = Call(service="set_cover_position", data={"position": value})
    yield Step(key="position", calls=(call,), wanted=place or {"state": state})
    if features & COVER_SET_TILT:
        for name, value in _given(before, "current_tilt_position").items():
            call = Call(service="set_cover_tilt_position", data={"tilt_position": value})
            yield Step(key="tilt", calls=(call,), wanted={name: value})


def _is_closed(before: Reading) -> bool:
    """Tell whether a cover was closed, or about to be."""
    return before.state in ("closed", "closing")


def _select(before: Reading) -> Iterable[Step]:
    """Choose the option."""
    option = str(before.state)
    call = Call(service="select_option", data={"option": option})
    yield Step(key="option", calls=(call,), wanted={"state": option}, listed=("options", option))


def _value(before: Reading) -> Iterable[Step]:
    """Set the value."""
    call = Call(service="set_value", data={"value": before.state})
    yield Step(key="value", calls=(call,), wanted={"state": before.state})


def _datetime(before: Reading) -> Iterable[Step]:
    """Set the date, the time, or both."""
    kinds = {(True, True): "datetime", (True, False): "date", (False, True): "time"}
    kind = kinds.get((bool(before.get("has_date")), bool(before.get("has_time"))), "time")
    call = Call(service="set_datetime", data={kind: before.state})
    yield Step(key="value", calls=(call,), wanted={"state": before.state})


PLANS: Mapping[str, Callable[[Reading], Iterable[Step]]] = {
    "climate": _climate,
    "cover": _cover,
    "fan": _fan,
    "humidifier": _humidifier,
    "input_boolean": _switch,
    "input_datetime": _datetime,
    "input_number": _value,
    "input_select": _select,
    "input_text": _value,
    "light": _light,
    "media_player": _switch,
    "number": _value,
    "remote": _remote,
    "select": _select,
    "switch": _switch,
    "text": _value,
    "water_heater": _water_heater,
}
