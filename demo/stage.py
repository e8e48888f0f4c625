"""Set up the provider, Home Assistant, and the integration."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
import json
from pathlib import Path
import re
import shutil
import time
from typing import Any

from .client import HouseError
from .house import ROOT, House
from .model import MOST_SHOWN, SHOWN
from .provider import DEMO_TOKEN, Provider

METER = Path(__file__).with_name("pretend_meter.py")
METER_DAYS = 440
"""A year of equivents, and two months before the first of them."""
MANIFEST = {
    "domain": METER.stem,
    "name": "Pretend meter",
    "codeowners": [],
    "dependencies": ["recorder"],
    "documentation": "https://github.com/equiwatt-homeassistant/equiwatt",
    "iot_class": "calculated",
    "requirements": [],
    "version": "1.0.0",
}
CONFIG = Path(__file__).with_name("config")
DASHBOARD = "equiwatt-demo"
VIEWS = ROOT / "docs" / "dashboard.md"
"""Page with the views that users paste, which the demo uses too."""
BRITISH = {
    "language": "en-GB",
    **dict.fromkeys(("number_format", "time_format", "date_format", "first_weekday"), "language"),
    "time_zone": "local",
}
AREAS = {
    "Bathroom": ("switch.immersion_heater", "switch.towel_rail"),
    "Garage": ("switch.car_charger",),
    "Kitchen": ("switch.kettle",),
    "Living Room": ("climate.heating", "light.reading_lamp"),
}
"""Areas of the devices, as an area can be paused."""
DEVICES = ("immersion_heater", "towel_rail", "car_charger")
DOMAIN = "equiwatt"
ADDRESS = re.compile(r"https?://[^\s\"`\\)]+/api/webhook/[^\s\"`\\)?]+\?event=(\w+)")


@dataclass
class Stage:
    """The provider, Home Assistant, and the webhook addresses."""

    provider: Provider
    house: House
    addresses: dict[str, str]


@contextmanager
def step(title: str) -> Generator[None]:
    """Print a step and its duration."""
    began = time.monotonic()
    print(f"  {title} … ", end="", flush=True)
    try:
        yield
    except BaseException:
        print("not done", flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


@asynccontextmanager
async def set_up(folder: Path, ha_port: int = 0, provider_port: int = 0) -> AsyncGenerator[Stage]:
    """Start everything in a folder, new or from an earlier demo."""
    async with AsyncExitStack() as stack:
        with step("The simulated provider"):
            state_file = folder / "provider.json"
            provider = Provider(port=provider_port, state_file=state_file)
            provider.configure(shown=MOST_SHOWN)  # the home needs a past with its equivents
            await stack.enter_async_context(provider)
        with step("Home Assistant"):
            house = prepared_house(folder / "home", ha_port, provider)
            await stack.enter_async_context(house)
            await house.command("frontend/set_user_data", key="language", value=BRITISH)
            page = {"default_panel": DASHBOARD}
            await house.command("frontend/set_system_data", key="core", value=page)
            await assign_areas(house)
        with step("The integration, through its own config flow"):
            addresses = await exchange_addresses(house, provider, folder / "addresses.json")
            provider.configure(shown=SHOWN)
            await choose_meter(house)
            await plan_tomorrow(house)
        provider.set_webhooks(**addresses)
        yield Stage(provider, house, addresses)


async def exchange_addresses(house: House, provider: Provider, file: Path) -> dict[str, str]:
    """Exchange the addresses of both sides, unless an earlier demo's are still valid."""
    where = {"house": house.url, "provider": provider.url}
    entries = await house.entries(DOMAIN)
    if entries and (addresses := stored_addresses(file, where)):
        return addresses
    addresses = await add_integration(house, provider, entries)
    store_addresses(file, where, addresses)
    return addresses


async def assign_areas(house: House) -> None:
    """Assign the devices to their areas, unless an earlier demo has."""
    areas = await house.command("config/area_registry/list")
    known = {area["name"]: area["area_id"] for area in areas}
    for name, entity_ids in AREAS.items():
        if not (area_id := known.get(name)):
            area = await house.command("config/area_registry/create", name=name)
            area_id = area["area_id"]
        for entity_id in entity_ids:
            await house.command(
                "config/entity_registry/update", entity_id=entity_id, area_id=area_id
            )


def stored_addresses(file: Path, where: dict[str, str]) -> dict[str, str]:
    """Return the webhook addresses of an earlier demo, if they are still valid."""
    if not file.exists():
        return {}
    known = json.loads(file.read_text("utf-8"))
    return dict(known["addresses"]) if known["where"] == where else {}


def store_addresses(file: Path, where: dict[str, str], addresses: dict[str, str]) -> None:
    """Store the webhook addresses for a later demo, readable by this user only."""
    file.touch(0o600)
    file.write_text(json.dumps({"where": where, "addresses": addresses}), "utf-8")


def prepared_house(folder: Path, port: int, provider: Provider) -> House:
    """Prepare a Home Assistant with the demo's dashboard."""
    folder.mkdir(parents=True, exist_ok=True)
    dashboard = (CONFIG / "dashboard.yaml").read_text("utf-8")
    (folder / "dashboard.yaml").write_text(dashboard.replace("PROVIDER_URL", provider.url), "utf-8")
    for name, view in zip(("equiwatt_view", "equiwatt_results"), views_of_page(), strict=True):
        (folder / f"{name}.yaml").write_text(view, "utf-8")
    if not (folder / "automations.yaml").exists():
        shutil.copy(CONFIG / "automations.yaml", folder)
    devices = install_devices(folder / "devices")
    configuration = (CONFIG / "configuration.yaml").read_text("utf-8")
    configuration = configuration.replace("DEVICES", str(devices))
    past = enumerate(provider.answer()["previous_events"])
    paused = [
        equivent for number, equivent in past if number % 5 != 3
    ]  # the home took part in four of five
    configuration += install_meter(folder, devices, paused, days=METER_DAYS, by_chance=True)
    return House(folder, configuration=configuration, port=port, frontend=True)


def views_of_page() -> list[str]:
    """Return the views on the page that shows them."""
    return re.findall(r"(?s)```yaml\n(.*?)```", VIEWS.read_text("utf-8"))


def install_meter(
    folder: Path,
    devices: Path,
    paused: list[dict[str, int]],
    *,
    days: int = 30,
    by_chance: bool = False,
) -> str:
    """Install the simulated meter with its paused times and return its configuration."""
    component = folder / "custom_components" / METER.stem
    component.mkdir(parents=True, exist_ok=True)
    shutil.copy(METER, component / "__init__.py")
    (component / "manifest.json").write_text(json.dumps(MANIFEST), "utf-8")
    spans = [[equivent["start_time"], equivent["end_time"]] for equivent in paused]
    options = {"devices": str(devices), "paused": spans, "days": days, "by_chance": by_chance}
    return f"{METER.stem}: {json.dumps(options)}\n"


async def choose_meter(house: House) -> None:
    """Choose the simulated meter in the options, unless an earlier demo has."""
    if not await house.state("sensor.equiwatt_saving"):
        meter = "sensor.electricity_meter"
        await house.wait_for(meter, lambda _: True, 60)
        (entry,) = await house.entries(DOMAIN)
        chosen = {"source": "sensors", "sensors": [meter]}
        await house.options(entry["entry_id"], chosen, {})
        await house.wait_for("sensor.equiwatt_saving", lambda _: True, 30)


async def plan_tomorrow(house: House) -> None:
    """Plan a powerUP for tomorrow, unless there is a plan."""
    next_start = await house.wait_for("sensor.equiwatt_next_start", lambda _: True, 30)
    if next_start["state"] == "unknown":
        day = date.fromtimestamp(time.time()) + timedelta(days=1)  # noqa: DTZ012 - the home's own
        times = {"start_date_time": f"{day} 13:00:00", "end_date_time": f"{day} 14:00:00"}
        calendar = "calendar.equiwatt_equivents"
        await house.call("calendar", "create_event", entity_id=calendar, summary="powerUP", **times)


def install_devices(folder: Path) -> Path:
    """Return the folder of the simulated devices, which are on when new."""
    folder.mkdir(exist_ok=True)
    for name in DEVICES:
        if not (folder / name).exists():
            (folder / name).write_text("on\n", "utf-8")
    return folder


async def add_integration(
    house: House, provider: Provider, entries: list[dict[str, Any]]
) -> dict[str, str]:
    """Add the integration, or update its address, and return the webhook addresses."""
    url = {"url": provider.api_url}
    if entries:
        entry_id = entries[0]["entry_id"]
        await house.flow(DOMAIN, {"next_step_id": "account"}, url, entry_id=entry_id)
        form = await house.flow(DOMAIN, {"next_step_id": "show_addresses"}, entry_id=entry_id)
        expected = "abort"
    else:
        form = await house.flow(DOMAIN, {"token": DEMO_TOKEN, "advanced": url})
        expected = "create_entry"
    addresses = addresses_in(form)
    if set(addresses) != {"started", "ended"}:
        raise unexpected(form)
    result = await house.submit(form["flow_id"], {})
    if result["type"] != expected:
        raise unexpected(result)
    await house.wait_for("binary_sensor.equiwatt_live", is_known, 30)
    return addresses


def unexpected(result: dict[str, Any]) -> HouseError:
    """Return a description of an unexpected flow result, without possible secrets."""
    answer = {key: result.get(key) for key in ("type", "step_id", "reason", "errors")}
    return HouseError(f"The config flow went on otherwise than expected: {answer}")


def addresses_in(form: dict[str, Any]) -> dict[str, str]:
    """Return the webhook addresses in the fields of a form."""
    text = json.dumps(form.get("data_schema") or [])
    return {match[1]: match[0] for match in ADDRESS.finditer(text)}


def is_known(state: dict[str, Any]) -> bool:
    """Return True if an entity has a known state."""
    return state["state"] not in ("unavailable", "unknown")
