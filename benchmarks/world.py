"""A real Home Assistant in this process, started by its bootstrap in a folder of its own."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
import logging
from pathlib import Path
import sys
from types import MappingProxyType

from demo.house import House
from demo.launcher import patch_setup
from homeassistant import block_async_io, bootstrap
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.runner import RuntimeConfig
from tests.fakes.provider import FINISHED, Provider

DIY = Path(__file__).parent / "diy"
ENTRY_ID = "01EQUIWATTENTRY00000000000"
TOKEN = "benchmark-token"  # noqa: S105 - opens nothing
WEBHOOK_ID = "equiwatt-webhook"
DIY_WEBHOOK_ID = "diy-webhook"


def new_provider(delay: float = 0) -> Provider:
    """Return a provider that lists the log, with some delay."""
    provider = Provider(delay)
    provider.set_answer(None, FINISHED)
    return provider


def peer(name: str, provider: Provider) -> str:
    """Return the configuration of a peer, for the API on loopback."""
    text = (DIY / f"{name}.yaml").read_text("utf-8")
    return text.replace("API_URL", provider.url).replace("TOKEN", TOKEN)


@asynccontextmanager
async def home(
    folder: Path,
    configuration: str = "",
    prepare: Callable[[HomeAssistant], None] = lambda _: None,
) -> AsyncGenerator[HomeAssistant]:
    """Run a Home Assistant, in a new folder or in a used one."""
    patch_setup()
    block_async_io.enable = lambda: None  # can be enabled only once in a process
    House(folder, configuration=configuration).write_folder()
    hass = await bootstrap.async_setup_hass(RuntimeConfig(str(folder), skip_pip=True))
    if hass is None:
        raise RuntimeError("Home Assistant could not be set up")
    sys.excepthook = sys.__excepthook__  # the benchmark prints to the screen, not to the log
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.CRITICAL)  # the faults of the benchmark would fill the screen
    prepare(hass)
    await hass.async_start()
    try:
        await hass.async_block_till_done()
        yield hass
    finally:
        await hass.async_stop(force=True)


def new_entry(provider: Provider) -> ConfigEntry:
    """Return an entry of the integration that is not set up yet."""
    return ConfigEntry(
        data={CONF_TOKEN: TOKEN, CONF_URL: provider.url, CONF_WEBHOOK_ID: WEBHOOK_ID},
        discovery_keys=MappingProxyType({}),
        domain="equiwatt",
        entry_id=ENTRY_ID,
        minor_version=1,
        options={},
        source=SOURCE_USER,
        subentries_data=None,
        title="equiwatt",
        unique_id=None,
        version=1,
    )
