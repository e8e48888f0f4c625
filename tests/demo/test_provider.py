"""Test the simulated provider over real sockets."""

import asyncio
from collections.abc import Callable
import logging
from pathlib import Path
import time
from typing import Any

import aiohttp
from freezegun.api import TickingDateTimeFactory
import pytest

from demo.provider import Provider

from .conftest import TOKEN, Caller, Listener


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


async def test_answer(caller: Caller) -> None:
    """The answer has the shape of the real one."""
    status, body, _ = await caller.ask()
    assert status == 200
    assert body["success"] is True
    assert body["msg"] is None
    assert body["data"]["current_event"] is None
    assert len(body["data"]["previous_events"]) == 10


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"Authorization": f"Token {TOKEN}"},
    ],
)
async def test_token(caller: Caller, headers: dict[str, str]) -> None:
    """A wrong token gets a 401."""
    async with caller.session.get(caller.provider.api_url, headers=headers) as response:
        assert response.status == 401
        assert await response.json() == {"message": "Unauthenticated."}


async def test_slash(caller: Caller) -> None:
    """The path without a slash is redirected."""
    async with caller.session.get(
        caller.provider.api_url.rstrip("/"), allow_redirects=False
    ) as response:
        assert response.status == 301
        assert response.headers["Location"] == "/api/v3/equivents/"


async def test_limits_are_counted_per_token(caller: Caller) -> None:
    """A second call within a second gets a 429, with another token it does not."""
    assert (await caller.ask())[0] == 200
    status, body, retry_after = await caller.ask()
    assert (status, body, retry_after) == (429, {"message": "Too Many Attempts."}, "1")
    assert (await caller.ask("another-token"))[0] == 200
    state = caller.provider.state()
    assert (state["api_calls"], state["over_limit"]) == (3, 1)


async def test_start_and_end_call_the_webhooks(caller: Caller, listener: Listener) -> None:
    """A start and an end send a POST without a body, and are in the API."""
    addresses = {event: f"{listener.address}?event={event}" for event in ("started", "ended")}
    assert (await caller.control("webhooks", addresses))[0] == 200
    status, state = await caller.control("start", {"minutes": 60})
    assert status == 200
    assert state["live"]["end_time"] - state["live"]["start_time"] == 3_600
    assert state["answer"]["current_event"] == state["live"]
    await until(lambda: listener.calls)
    _, state = await caller.control("end")
    assert state["live"] is None
    await until(lambda: len(listener.calls) == 2)
    assert listener.calls == [("POST", "started", b""), ("POST", "ended", b"")]


async def test_demo_trigger(caller: Caller, listener: Listener) -> None:
    """A demo trigger calls the webhook and is not in the API."""
    before = caller.provider.answer()
    await caller.control("webhooks", {"started": f"{listener.address}?event=started"})
    assert (await caller.control("trigger", {"event": "started"}))[0] == 200
    await until(lambda: listener.calls)
    assert listener.calls == [("POST", "started", b"")]
    assert caller.provider.answer() == before
    assert (await caller.control("trigger", {"event": "ended"}))[0] == 409


async def test_planned_end(
    provider: Provider, listener: Listener, clock: TickingDateTimeFactory
) -> None:
    """The webhook is called at the planned end, and the equivent is a past one."""
    provider.set_webhooks(ended=f"{listener.address}?event=ended")
    provider.start(minutes=2)
    live = provider.state()["live"]
    clock.tick(60)
    await asyncio.sleep(0)
    assert provider.state()["live"] == live
    clock.tick(60)
    await until(lambda: listener.calls)
    assert provider.state()["live"] is None
    assert provider.answer()["previous_events"][0] == live


async def test_early_end(provider: Provider, clock: TickingDateTimeFactory) -> None:
    """The planned end of the last equivent does not end the next."""
    provider.start(minutes=1)
    provider.end()
    provider.start(minutes=None)
    clock.tick(61)
    await asyncio.sleep(0.01)
    assert provider.state()["live"]


async def test_lag(caller: Caller, listener: Listener, clock: TickingDateTimeFactory) -> None:
    """The webhook is called before the API changes."""
    await caller.control("webhooks", {"started": listener.address})
    await caller.control("settings", {"lag": 60, "shape": "legacy"})
    await caller.control("start", {"minutes": 60})
    await until(lambda: listener.calls)
    assert caller.provider.answer()["previous_events"][0]["end_time"]
    clock.tick(90)  # of the whole seconds, without those that passed by themselves
    assert not caller.provider.answer()["previous_events"][0]["end_time"]


@pytest.mark.parametrize(
    ("fault", "expected", "text"),
    [
        ("500", 500, "<h1>"),
        ("401", 401, "Unauthenticated."),
        ("429", 429, "Too Many Attempts."),
        ("html", 200, "<h1>"),
        ("success_false", 200, "False"),
    ],
)
async def test_faults_with_an_answer(caller: Caller, fault: str, expected: int, text: str) -> None:
    """Faults answer as set, and the API recovers afterwards."""
    await caller.control("settings", {"fault": fault})
    status, body, retry_after = await caller.ask()
    assert status == expected
    assert text in str(body)
    assert retry_after == ("60" if fault == "429" else "")
    await caller.control("settings", {"fault": "none"})
    assert (await caller.ask("another-token"))[0] == 200
    assert caller.provider.over_limit == 0


async def test_outage(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """An outage closes the connection without a traceback."""
    await caller.control("settings", {"fault": "outage"})
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.ask()
    assert caller.provider.calls[-1].status == "closed"
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def test_slow_api(caller: Caller) -> None:
    """A slow API delays its answer."""
    await caller.control("settings", {"fault": "slow"})
    began = time.monotonic()
    assert (await caller.ask())[0] == 200
    assert time.monotonic() - began >= 0.2


async def test_calls_are_listed(caller: Caller, listener: Listener) -> None:
    """The last fifty calls are listed, newest first, with their status."""
    await caller.control("webhooks", {"started": listener.address, "ended": None})
    for _ in range(55):
        await caller.ask("wrong")
    caller.provider.trigger("started")
    await until(lambda: caller.provider.calls[-1].kind == "webhook")
    _, state = await caller.control("settings")
    calls = state["calls"]
    assert len(calls) == 50
    assert (calls[0]["kind"], calls[0]["method"], calls[0]["status"]) == (
        "webhook",
        "POST",
        200,
    )
    assert (calls[1]["kind"], calls[1]["method"], calls[1]["status"]) == (
        "api",
        "GET",
        401,
    )
    assert state["api_calls"] == 55


async def test_webhook_secrets_stay_secret(
    caller: Caller, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """Addresses are not in answers and logs, also after failed calls."""
    caplog.set_level(logging.DEBUG, "demo")
    nobody = "http://127.0.0.1:9/api/webhook/very-secret"
    await caller.control("webhooks", {"started": listener.address, "ended": nobody})
    await caller.control("trigger", {"event": "started"})
    await caller.control("trigger", {"event": "ended"})
    await until(lambda: len(caller.provider.calls) == 2)
    _, state = await caller.control("webhooks")
    assert "very-secret" not in str(state) + caplog.text
    assert TOKEN not in str(state) + caplog.text
    assert state["webhooks"]["ended"] == "http://127.0.0.1:9/api/webhook/…"
    assert {call["status"] for call in state["calls"]} == {200, "no answer"}


@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        ("end", {}, 409),
        ("start", {"hours": 1}, 400),
        ("start", {"minutes": -1}, 400),
        ("trigger", {"event": "paused"}, 400),
        ("trigger", {}, 400),
        ("settings", {"fault": "all"}, 400),
        ("webhooks", {"paused": ""}, 400),
        ("webhooks", {"started": "nowhere"}, 400),
        ("dance", {}, 404),
        ("start", [1], 400),
    ],
)
async def test_invalid_control(caller: Caller, action: str, body: Any, expected: int) -> None:
    """An invalid control is explained in a sentence."""
    status, answer = await caller.control(action, body)
    assert status == expected
    assert answer["error"].endswith(".")


async def test_invalid_body(caller: Caller) -> None:
    """A body that is not JSON is explained too."""
    async with caller.session.post(f"{caller.provider.url}/control/start", data=b"{") as response:
        assert response.status == 400
        assert await response.json() == {"error": "The body must be JSON."}


async def test_account(caller: Caller) -> None:
    """The launcher receives the token and the address, with which a call succeeds."""
    async with caller.session.get(f"{caller.provider.url}/control/account") as response:
        account = await response.json()
    headers = {"Authorization": f"Bearer {account['token']}"}
    async with caller.session.get(account["url"], headers=headers) as response:
        assert response.status == 200


async def test_page(caller: Caller) -> None:
    """The page loads nothing from elsewhere."""
    async with caller.session.get(caller.provider.url) as response:
        page = await response.text()
    assert response.status == 200
    assert "<title>equiwatt simulator</title>" in page
    assert 'src="' not in page


async def test_restarted_provider(
    socket_enabled: None, tmp_path: Path, clock: TickingDateTimeFactory
) -> None:
    """A restarted provider has the same equivents, and the timer of the live one."""
    file = tmp_path / "provider.json"
    async with Provider(state_file=file) as provider:
        provider.start(minutes=1)
        live = provider.state()["live"]
    async with Provider(state_file=file) as provider:
        assert provider.state()["live"] == live
        clock.tick(60)
        await until(lambda: not provider.state()["live"])
        assert provider.answer()["previous_events"][0] == live
