"""Test starting and controlling a Home Assistant."""

import logging
from pathlib import Path
import socket

import pytest

from demo.check import is_moment
from demo.client import HouseError
from demo.house import House, PortTakenError, free_port
from demo.stage import CONFIG, DASHBOARD, DEVICES, addresses_in, store_addresses, stored_addresses
from homeassistant.util.yaml import load_yaml_dict

LOG = """\
2026-11-23 21:13:48.001 WARNING (MainThread) [homeassistant.loader] Not tested
2026-11-23 21:13:49.017 ERROR (MainThread) [one] It failed
for a second line
2026-11-23 21:13:49.018 INFO (MainThread) [two] All is well
2026-11-23 21:13:49.019 WARNING (MainThread) [three] Half of it
Traceback (most recent call last):
2026-11-23 21:13:49.020 DEBUG (MainThread) [four] ERROR is only a word
"""


def test_port_in_use(socket_enabled: None) -> None:
    """A port in use is refused."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert free_port()
        with pytest.raises(PortTakenError, match="is taken"):
            free_port(server.getsockname()[1])


def test_problems(socket_enabled: None, tmp_path: Path) -> None:
    """Errors and tracebacks are found in the log, with all their lines."""
    house = House(tmp_path)
    assert house.problems() == []
    (tmp_path / "output.log").write_text(LOG, "utf-8")
    first, second = house.problems()
    assert first.endswith("[one] It failed\nfor a second line\n")
    assert second.endswith("[three] Half of it\nTraceback (most recent call last):\n")
    (tmp_path / "output.log").write_text("Traceback, before anything is logged", "utf-8")
    assert len(house.problems()) == 1


def test_addresses_in_a_flow() -> None:
    """Both addresses are read from the fields of a form, and none from another form."""
    base = "https://home.example:8123/api/webhook/abc"
    both = {event: f"{base}?event={event}" for event in ("started", "ended")}
    fields = [
        {"name": f"{event}_url", "description": {"suggested_value": address}}
        for event, address in both.items()
    ]
    assert addresses_in({"data_schema": fields}) == both
    assert addresses_in({"data_schema": [{"name": "token"}]}) == {}
    assert addresses_in({"data_schema": None}) == {}
    assert addresses_in({}) == {}


def test_stored_addresses(tmp_path: Path) -> None:
    """The addresses are stored for the user only, until a port changes."""
    file = tmp_path / "addresses.json"
    assert stored_addresses(file, {"house": "1"}) == {}
    store_addresses(file, {"house": "1"}, {"started": "a"})
    assert stored_addresses(file, {"house": "1"}) == {"started": "a"}
    assert stored_addresses(file, {"house": "2"}) == {}
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T21:00:00+00:00", True),
        ("2026-11-23T21:00:01+00:00", True),
        ("2026-11-23T21:00:02+00:00", False),
        ("2026-11-23T20:59:59+00:00", False),
        ("unknown", False),
    ],
)
def test_rounded_times(text: str, expected: bool) -> None:
    """Times may differ by the provider's rounding to a second."""
    assert is_moment(text, 1795467600) is expected


@pytest.mark.e2e
@pytest.mark.long(10)
async def test_house(socket_enabled: None, tmp_path: Path, own_port: int) -> None:
    """Home Assistant starts, acts, shows states and stops."""
    configuration = "input_boolean:\n  lamp:\n"
    async with House(tmp_path, configuration=configuration, component=None, port=own_port) as house:
        assert await house.state("input_boolean.nothing") is None
        await house.call("input_boolean", "turn_on", entity_id="input_boolean.lamp")
        await house.wait_for("input_boolean.lamp", "on", 2)
        with pytest.raises(HouseError, match=r"input_boolean\.lamp was not off"):
            await house.wait_for("input_boolean.lamp", "off", 0.1)
        with pytest.raises(HouseError, match="404"):
            await house.flow("nothing")
        assert await house.entries("equiwatt") == []
        assert (await house.command("auth/current_user"))["name"] == "Demo"
        assert await house.stop() == 0
        assert ["Cannot find integration nothing" in problem for problem in house.problems()] == [
            True
        ]


def test_configuration(caplog: pytest.LogCaptureFixture) -> None:
    """Home Assistant accepts the configuration without a warning."""
    with caplog.at_level(logging.WARNING):
        configuration = load_yaml_dict(str(CONFIG / "configuration.yaml"))
    assert not caplog.records
    switches = [device["switch"] for device in configuration["command_line"]]
    assert tuple(switch["unique_id"] for switch in switches) == DEVICES
    for switch in switches:
        for command in ("command_on", "command_off", "command_state"):
            assert f'"DEVICES/{switch["unique_id"]}"' in switch[command]
    assert DASHBOARD in configuration["lovelace"]["dashboards"]
    assert {"history", "logbook", "calendar"} <= configuration.keys()
