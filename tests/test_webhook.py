"""Test the webhook over HTTP."""

import asyncio
from copy import deepcopy
import gzip
from typing import Any, override

from aiohttp import hdrs
from aiohttp.test_utils import TestClient
from hass_nabucasa import CloudError
import pytest

from custom_components.equiwatt import webhook
from custom_components.equiwatt.webhook import addresses_schema, async_get_addresses
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.util.aiohttp import MockRequest

from .fakes.cloud import Cloud
from .fakes.home import WEBHOOK_ID, Home
from .fakes.provider import Provider

PATH = f"/api/webhook/{WEBHOOK_ID}"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = (
    '--x\r\nContent-Disposition: form-data; name="event"\r\nX: y\r\n\r\nstarted\r\n--x--\r\n'
)


@pytest.fixture
async def client(hass: HomeAssistant, home: Home, hass_client_no_auth: Any) -> TestClient[Any, Any]:
    """Return an HTTP client to a house with a registered webhook."""
    await home.setup()
    client: TestClient[Any, Any] = await hass_client_no_auth()
    return client


USABLE: list[dict[str, Any]] = [
    {"params": {"event": "started"}},
    {"params": {"event": "Started "}},
    {"params": {"event": "started", "other": "x"}, "data": b"\xff"},
    {"json": {"event": "started"}},
    {"data": b'{"event": "started"}'},
    {"data": {"event": "started"}},
    {"data": "event=started&x=1", "headers": JSON},
    {"data": MULTIPART, "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    {"params": {"event": "nonsense"}, "json": {"event": "started"}},
    {"data": gzip.compress(b'{"event": "started"}'), "headers": {"Content-Encoding": "gzip"}},
]


@pytest.mark.parametrize("method", [hdrs.METH_POST, hdrs.METH_PUT])
async def test_event(
    client: TestClient[Any, Any], home: Home, method: str, subtests: pytest.Subtests
) -> None:
    """An event counts in the query, or else in the body, with either method."""
    for number, call in enumerate(USABLE):
        with subtests.test(str(number)):
            response = await client.request(method, PATH, **call)
            assert response.status == 200
            assert await response.read() == b""
            assert home.live == "on"
            assert home.state("sensor.equiwatt_last_webhook") == home.now.isoformat()
        await client.post(PATH, params={"event": "ended"})
        assert home.live == "off"
        await home.pass_time(125, step=125)  # until another call for an end means another one


async def test_get(
    client: TestClient[Any, Any], home: Home, provider: Provider, subtests: pytest.Subtests
) -> None:
    """A GET, as of a browser or a link preview, only polls."""
    for number, call in enumerate(USABLE):
        calls = len(provider.calls)
        with subtests.test(str(number)):
            response = await client.get(PATH, **call)
            assert response.status == 200
            await home.settle()
            assert home.live == "off"
            assert len(provider.calls) == calls + 1


class SlowCall(MockRequest):
    """Call whose body arrives when it is finished, with its response."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start the call."""
        super().__init__(b"", "test", "POST")
        self.body: asyncio.Future[bytes] = hass.loop.create_future()
        self.call = asyncio.create_task(async_handle_webhook(hass, WEBHOOK_ID, self))

    @property
    @override
    def content(self) -> Any:
        """Return the stream."""
        return self

    async def read(self, size: int) -> bytes:
        """Return the body once it has arrived, then nothing."""
        body = await self.body
        self.body = asyncio.get_running_loop().create_future()
        self.body.set_result(b"")
        return body

    async def finish(self, body: bytes) -> None:
        """Send the body."""
        self.body.set_result(body)
        assert (await self.call).status == 200


async def test_reload_during_call(
    client: TestClient[Any, Any], home: Home, provider: Provider, hass_storage: dict[str, Any]
) -> None:
    """A call during a reload counts for the reloaded entry."""
    call = SlowCall(home.hass)
    await asyncio.sleep(0)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    await call.finish(b'{"event": "started"}')
    await home.settle()
    assert home.live == "on"
    assert home.edges == [("started", "webhook")]
    stored = hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]
    assert stored["snapshot"]["live"] is not None
    await home.pass_time(60)
    assert hass_storage[f"equiwatt.{home.entry.entry_id}"]["data"]["snapshot"]["live"] is not None


@pytest.mark.parametrize("remove", [False, True])
async def test_removal_during_call(
    client: TestClient[Any, Any],
    home: Home,
    provider: Provider,
    hass_storage: dict[str, Any],
    remove: bool,
) -> None:
    """A call during a removal is ignored and writes nothing."""
    entries = home.hass.config_entries
    call = SlowCall(home.hass)
    await asyncio.sleep(0)
    await (entries.async_remove if remove else entries.async_unload)(home.entry.entry_id)
    await home.settle()
    before, calls = deepcopy(hass_storage), len(provider.calls)
    await call.finish(b'{"event": "started"}')
    await home.pass_time(120, step=10)
    assert {key: hass_storage[key] for key in hass_storage if "equiwatt." in key} == {
        key: before[key] for key in before if "equiwatt." in key
    }
    assert len(provider.calls) == calls
    assert home.edges == []


LOOK_NOW: list[dict[str, Any]] = [
    {},
    {"params": {"event": ""}},
    {"params": {"event": "paused"}},
    {"data": b""},
    {"data": b"{"},
    {"data": b"null"},
    {"data": b"[]"},
    {"data": b'["event", "started"]'},
    {"data": b'{"event": null}'},
    {"data": b'{"event": {"event": "started"}}'},
    {"data": b'{"event": true}'},
    {"data": b"[" * 60_000},
    {"data": b"\xff\xfe\x00event"},
    {"data": b'{"event": "started", "x": "' + b"x" * 3_000_000 + b'"}'},
    {"data": b"event=started&x=" + b"x" * 70_000},
    {"data": b"not gzip", "headers": {"Content-Encoding": "gzip"}},
    {"data": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
]


async def test_unusable_event(
    client: TestClient[Any, Any], home: Home, provider: Provider, subtests: pytest.Subtests
) -> None:
    """A call without a usable event changes nothing and polls."""
    for number, call in enumerate(LOOK_NOW):
        calls = len(provider.calls)
        with subtests.test(str(number)):
            response = await client.post(PATH, **call)
            assert response.status in (200, 400)  # 400: the server refuses a broken encoding
            await home.settle()
            assert home.live == "off"
            assert len(provider.calls) == calls + (response.status == 200)


async def test_unusable_event_at_start(
    client: TestClient[Any, Any], home: Home, provider: Provider
) -> None:
    """The answer to such a poll counts."""
    provider.start(home.now, None)
    await client.post(PATH)
    await home.settle()
    assert home.live == "on"
    assert home.edges == [("started", "api")]


async def test_answered_before_polling(
    client: TestClient[Any, Any], home: Home, provider: Provider
) -> None:
    """The call is answered and the state changed before the poll."""
    calls = len(provider.calls)
    await client.post(PATH, params={"event": "started"})
    assert home.live == "on"
    await home.settle()
    assert len(provider.calls) == calls + 1


async def asked(provider: Provider, calls: int) -> None:
    """Wait for the poll, in turns of the loop as its clock stands still."""
    for _ in range(20_000):
        if len(provider.calls) > calls:
            return
        await asyncio.sleep(0)
    pytest.fail("The API was not asked")


async def test_stalled_body(
    client: TestClient[Any, Any],
    home: Home,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stalled body is not waited for."""
    monkeypatch.setattr(webhook, "BODY_TIMEOUT", 0)
    release = asyncio.Event()

    async def body() -> Any:
        """Send a little, then stall."""
        yield b'{"event":'
        await release.wait()

    calls = len(provider.calls)
    call = asyncio.create_task(client.post(PATH, data=body()))
    await asked(provider, calls)
    release.set()
    call.cancel()
    assert home.live == "off"


async def test_broken_off_body(
    client: TestClient[Any, Any], home: Home, provider: Provider
) -> None:
    """A caller that hangs up causes no error."""
    calls = len(provider.calls)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nevent=sta".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await asked(provider, calls)
    assert home.live == "off"


async def test_head_and_delete(
    client: TestClient[Any, Any], home: Home, provider: Provider
) -> None:
    """Other methods do nothing."""
    calls = len(provider.calls)
    assert (await client.head(PATH, params={"event": "started"})).status == 200
    assert (await client.delete(PATH, params={"event": "started"})).status == 405
    await home.settle()
    assert home.live == "off"
    assert len(provider.calls) == calls


@pytest.mark.parametrize(("query", "body"), [("event=started", b""), ("", b'{"event":"started"}')])
async def test_cloud(
    hass: HomeAssistant, client: TestClient[Any, Any], home: Home, query: str, body: bytes
) -> None:
    """A call by Nabu Casa is handled like any other."""
    from homeassistant.components.webhook import async_handle_webhook

    request = MockRequest(
        content=body, method="POST", query_string=query, mock_source="cloud", headers={}
    )
    response = await async_handle_webhook(hass, WEBHOOK_ID, request)
    assert response.status == 200
    assert home.live == "on"


def addresses(base: str) -> dict[str, str]:
    """Return the two addresses of a base address."""
    return {"started_url": f"{base}?event=started", "ended_url": f"{base}?event=ended"}


async def test_no_address(hass: HomeAssistant) -> None:
    """An internal URL alone is no address."""
    await async_process_ha_core_config(hass, {"internal_url": "http://192.168.1.2:8123"})
    assert await async_get_addresses(hass, "id") is None


async def test_external_address(hass: HomeAssistant) -> None:
    """The address follows the external URL, also without the cloud integration."""
    await async_process_ha_core_config(hass, {"external_url": "https://example.org:8443"})
    assert await async_get_addresses(hass, "id") == addresses(
        "https://example.org:8443/api/webhook/id"
    )


async def test_cloud_address(hass: HomeAssistant, cloud: Cloud) -> None:
    """With an active subscription the address is a cloudhook, created once."""
    await async_process_ha_core_config(hass, {"external_url": "https://example.org"})
    expected = addresses("https://hooks.nabu.casa/abcdef")
    assert await async_get_addresses(hass, "abcdefgh") == expected
    assert await async_get_addresses(hass, "abcdefgh") == expected
    assert list(cloud.hooks) == ["abcdefgh"]


@pytest.mark.parametrize("error", [CloudError(), TimeoutError(), ValueError()])
async def test_cloud_fails(hass: HomeAssistant, cloud: Cloud, error: Exception) -> None:
    """The external URL is used if no cloudhook can be created, or none."""
    cloud.error = error
    assert await async_get_addresses(hass, "id") is None
    await async_process_ha_core_config(hass, {"external_url": "https://example.org"})
    assert await async_get_addresses(hass, "id") == addresses("https://example.org/api/webhook/id")


@pytest.mark.parametrize("lost", ["is_logged_in", "subscription_expired", "connected"])
async def test_cloud_without_subscription(hass: HomeAssistant, cloud: Cloud, lost: str) -> None:
    """Logged out, expired or not connected: no cloudhook."""
    match lost:
        case "connected":
            cloud.iot.connected = False
        case _:
            setattr(cloud, lost, not getattr(cloud, lost))
    assert await async_get_addresses(hass, "id") is None
    assert cloud.hooks == {}


@pytest.mark.parametrize("expired", [False, True])
async def test_cloudhook_is_deleted(
    hass: HomeAssistant, home: Home, cloud: Cloud, expired: bool
) -> None:
    """Removing the entry deletes its cloudhook only, with or without a subscription."""
    await home.setup()
    await async_get_addresses(hass, WEBHOOK_ID)
    await async_get_addresses(hass, "another")
    cloud.subscription_expired = expired
    await hass.config_entries.async_unload(home.entry.entry_id)
    assert set(cloud.hooks) == {WEBHOOK_ID, "another"}
    await hass.config_entries.async_remove(home.entry.entry_id)
    assert set(cloud.hooks) == {"another"}


async def test_removed_without_a_cloudhook(hass: HomeAssistant, home: Home, cloud: Cloud) -> None:
    """An entry without a cloudhook is removed like any other."""
    await home.setup()
    assert await hass.config_entries.async_remove(home.entry.entry_id)
    assert hass.config_entries.async_entries() == []


async def test_new_address_deletes_old_cloudhook(
    hass: HomeAssistant, home: Home, cloud: Cloud
) -> None:
    """A new webhook address deletes the old cloudhook."""
    await home.setup()
    await async_get_addresses(hass, WEBHOOK_ID)
    flow = hass.config_entries.flow
    menu = await home.entry.start_reconfigure_flow(hass)
    await flow.async_configure(menu["flow_id"], {"next_step_id": "new_addresses"})
    await flow.async_configure(menu["flow_id"], {})
    await home.settle()
    assert list(cloud.hooks) == [home.entry.data["webhook_id"]]


async def test_address_fields(hass: HomeAssistant) -> None:
    """Each address has a read-only field that does not have to be submitted."""
    schema = addresses_schema(addresses("https://example.org"))
    assert {
        str(marker): marker.description["suggested_value"] for marker in schema.schema
    } == addresses("https://example.org")
    assert schema({}) == {}
