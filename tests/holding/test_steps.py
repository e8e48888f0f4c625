"""Test the steps that set a device, and that Home Assistant accepts them."""

from typing import Any

import pytest

from custom_components.equiwatt.holding.device_state import DeviceState
from custom_components.equiwatt.holding.record import DeviceRecord
from custom_components.equiwatt.holding.steps import (
    Call,
    calls_for,
    missing_of,
    steps_back,
    turns_off_by_switch,
)

from .keeper import START


def read(domain: str, state: str, **attributes: Any) -> DeviceState:
    """Return the state of a device."""
    found = DeviceState.read(domain, state, attributes)
    assert found
    return found


def record(before: DeviceState, wanted: dict[str, Any]) -> DeviceRecord:
    """Return the record of a held device."""
    return DeviceRecord(before=before, wanted=wanted, began=START, until=START)


def calls(state: DeviceState, *names: str, attempt: int = 0, **wanted: Any) -> list[Call]:
    """Return the calls that set a device to its state, or to the named part of it."""
    target = {**state.significant, **wanted}
    command = {name: target[name] for name in names or target}
    return calls_for(command, target, state, attempt)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (calls(read("switch", "on")), [Call(service="turn_on")]),
        (calls(read("switch", "off")), [Call(service="turn_off")]),
        (calls(read("media_player", "paused")), [Call(service="turn_on")]),
        (
            calls(read("climate", "heat", temperature=21, preset_mode="eco"), "temperature"),
            [Call(service="set_temperature", data={"temperature": 21})],
        ),
        (
            calls(read("climate", "heat_cool", target_temp_low=18, target_temp_high=24)),
            [
                Call(service="set_hvac_mode", data={"hvac_mode": "heat_cool"}),
                Call(
                    service="set_temperature",
                    data={"target_temp_low": 18, "target_temp_high": 24},
                ),
            ],
        ),
        (
            calls(read("climate", "off")),
            [Call(service="set_hvac_mode", data={"hvac_mode": "off"})],
        ),
        (
            calls(read("light", "on", brightness=9, color_mode="hs", rgb_color=(1, 2, 3))),
            [Call(service="turn_on", data={"brightness": 9, "rgb_color": [1, 2, 3]})],
        ),
        (
            calls(
                read("light", "on", brightness=9, color_mode="hs", rgb_color=(1, 2, 3)), attempt=3
            ),
            [Call(service="turn_on")],
        ),
        (
            calls(read("light", "on", brightness=9, effect="fire"), "brightness"),
            [Call(service="turn_on", data={"effect": "fire", "brightness": 9})],
        ),
        (
            calls(read("light", "on", brightness=9), "brightness", attempt=3),
            [Call(service="turn_on", data={"brightness": 9})],
        ),
        (
            calls(read("light", "on", brightness=9, color_mode="white")),
            [Call(service="turn_on", data={"brightness": 9, "white": 9})],
        ),
        (
            calls(read("light", "on", color_mode="white"), "color_mode"),
            [Call(service="turn_on")],
        ),
        (
            calls(read("fan", "on", percentage=33, preset_mode="auto", oscillating=True)),
            [
                Call(service="turn_on", data={"preset_mode": "auto"}),
                Call(service="set_percentage", data={"percentage": 33}),
                Call(service="oscillate", data={"oscillating": True}),
            ],
        ),
        (
            calls(read("fan", "on", percentage=33)),
            [Call(service="turn_on", data={"percentage": 33})],
        ),
        (
            calls(read("remote", "on", current_activity="TV")),
            [Call(service="turn_on", data={"activity": "TV"})],
        ),
        (
            calls(read("remote", "on", current_activity="TV"), "current_activity"),
            [Call(service="turn_on", data={"activity": "TV"})],
        ),
        (
            calls(read("water_heater", "eco", operation_list=["eco"], away_mode="off")),
            [
                Call(service="set_operation_mode", data={"operation_mode": "eco"}),
                Call(service="set_away_mode", data={"away_mode": "off"}),
            ],
        ),
        (
            calls(read("water_heater", "boost", supported_features=8, operation_list=["eco"])),
            [Call(service="turn_on")],
        ),
        (
            calls(read("water_heater", "eco", supported_features=8, operation_list=["eco"])),
            [Call(service="set_operation_mode", data={"operation_mode": "eco"})],
        ),
        (
            calls(read("water_heater", "boost", supported_features=8)),
            [Call(service="turn_on")],
        ),
        (
            calls(read("climate", "heat", supported_features=8)),
            [Call(service="set_hvac_mode", data={"hvac_mode": "heat"})],
        ),
        (
            calls(read("water_heater", "off", supported_features=8)),
            [Call(service="turn_off")],
        ),
        (
            calls(read("cover", "open", supported_features=4, current_position=40)),
            [Call(service="set_cover_position", data={"position": 40})],
        ),
        (
            calls(
                read("cover", "open", supported_features=4, current_position=4),
                "current_tilt_position",
                current_tilt_position=40,
            ),
            [Call(service="set_cover_tilt_position", data={"tilt_position": 40})],
        ),
        (calls(read("cover", "closed")), [Call(service="close_cover")]),
        (calls(read("cover", "open")), [Call(service="open_cover")]),
        (
            calls(read("select", "eco")),
            [Call(service="select_option", data={"option": "eco"})],
        ),
        (
            calls(read("input_select", "eco")),
            [Call(service="select_option", data={"option": "eco"})],
        ),
        (calls(read("input_boolean", "on")), [Call(service="turn_on")]),
        (calls(read("number", "80")), [Call(service="set_value", data={"value": "80"})]),
        (
            calls(read("input_datetime", "2026-11-20", has_date=True, has_time=False)),
            [Call(service="set_datetime", data={"date": "2026-11-20"})],
        ),
        (
            calls(read("input_datetime", "2026-11-20 17:20:00", has_date=True, has_time=True)),
            [Call(service="set_datetime", data={"datetime": "2026-11-20 17:20:00"})],
        ),
        (
            calls(read("humidifier", "on", mode="night", humidity=45)),
            [
                Call(service="turn_on"),
                Call(service="set_mode", data={"mode": "night"}),
                Call(service="set_humidity", data={"humidity": 45}),
            ],
        ),
    ],
)
def test_calls(found: list[Call], expected: list[Call]) -> None:
    """Each domain is set by its own services, with related values in one call."""
    assert found == expected


@pytest.mark.parametrize(
    ("before", "now", "wanted", "names"),
    [
        ({"temperature": 21}, {}, {}, ["state", "temperature"]),
        (
            {"preset_mode": "Override", "preset_modes": ["eco"], "temperature": 21},
            {},
            {},
            ["state", "temperature"],
        ),
        ({"preset_mode": "eco"}, {"preset_modes": ["away"]}, {}, ["state"]),
        ({"preset_mode": "eco", "preset_modes": ["eco"]}, {}, {}, ["state", "preset_mode"]),
    ],
)
def test_unsupported_values(
    before: dict[str, Any], now: dict[str, Any], wanted: dict[str, Any], names: list[str]
) -> None:
    """Values that a device does not offer are left out."""
    state = read("climate", "heat", **before)
    steps = steps_back(record(state, wanted), read("climate", "heat", **before | now))
    assert list(steps) == names


def test_schedule() -> None:
    """A thermostat in a schedule keeps its own temperatures unless the hold set one."""
    auto = read("climate", "auto", temperature=21, fan_mode="low")
    assert list(steps_back(record(auto, {}), auto)) == ["state", "fan_mode"]
    names = list(steps_back(record(auto, {"temperature": 19}), auto))
    assert names == ["state", "temperature", "fan_mode"]


def test_missing() -> None:
    """Only missing values are commanded, or all if none seems to be missing."""
    now = read("light", "on", brightness=200)
    assert missing_of({"state": "on", "brightness": 20}, now) == {"brightness": 20}
    assert missing_of({"state": "on", "brightness": 200}, now) == {"state": "on", "brightness": 200}


def test_water_heater_without_features() -> None:
    """A water heater that reports no features has no switch."""
    assert not turns_off_by_switch("water_heater", {})
