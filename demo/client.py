"""A client of Home Assistant's HTTP and websocket interfaces."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
import secrets
import time
from typing import Any

import aiohttp

TOKEN_SECONDS = 25 * 60
POLL_SECONDS = 0.02


class HouseError(Exception):
    """Request that Home Assistant did not fulfil, with the reason."""


class Client:
    """A user of a Home Assistant."""

    def __init__(self, url: str) -> None:
        """Initialize with the address."""
        self.url = url
        self._page = {"client_id": f"{url}/", "redirect_uri": f"{url}/"}
        self._session: aiohttp.ClientSession
        self._token = ""
        self._token_ends = 0.0

    async def open(self) -> None:
        """Open the session."""
        # A restarted process does not know the connections that were kept open.
        connector = aiohttp.TCPConnector(force_close=True)
        timeout = aiohttp.ClientTimeout(total=60)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    # Requests

    async def request(self, method: str, path: str, body: object = None) -> Any:
        """Send a request as the user and return the JSON of the response."""
        headers = {"Authorization": f"Bearer {await self._access_token()}"}
        return await self._ask(method, path, json=body, headers=headers)

    async def command(self, kind: str, **fields: Any) -> Any:
        """Send a command over a websocket and return its result."""
        async with self._session.ws_connect(f"{self.url}/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": await self._access_token()})
            await socket.receive_json()
            await socket.send_json({"id": 1, "type": kind, **fields})
            answer = await socket.receive_json()
        if not answer.get("success"):
            raise HouseError(f"{kind}: {answer.get('error', answer)}")
        return answer["result"]

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        """Send a request and return the JSON of the response."""
        async with self._session.request(method, self.url + path, **options) as response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise HouseError(f"{method} {path}: {response.status} {await response.text()}")
            if response.content_type != "application/json":
                return await response.text()
            return await response.json()

    # Onboarding

    async def answers(self) -> bool:
        """Return True if the server responds."""
        with suppress(HouseError, aiohttp.ClientError, TimeoutError):
            await self._ask("GET", "/manifest.json")
            return True
        return False

    async def runs(self) -> bool:
        """Return True if Home Assistant is running."""
        config = await self.request("GET", "/api/config")
        if config["recovery_mode"]:
            raise HouseError("Home Assistant started in recovery mode.")
        return bool(config["state"] == "RUNNING")

    async def onboard(self) -> None:
        """Create the user if there is none, and complete the onboarding."""
        try:
            steps = await self._ask("GET", "/api/onboarding")
        except HouseError:
            return  # Onboarding is complete, and its views are removed.
        missing = {step["step"] for step in steps if not step["done"]}
        if "user" in missing:
            await self._make_user()
        if "analytics" in missing:
            await self.request("POST", "/api/onboarding/analytics", {})
        if "integration" in missing:
            await self.request("POST", "/api/onboarding/integration", self._page)

    async def _make_user(self) -> None:
        """Create the user, without a known password as loopback is trusted."""
        user = {
            "name": "Demo",
            "username": "demo",
            "password": secrets.token_urlsafe(),
            "client_id": self._page["client_id"],
            "language": "en-GB",
        }
        await self._ask("POST", "/api/onboarding/users", json=user)

    async def _access_token(self) -> str:
        """Return an access token that is valid for some more minutes."""
        if not self._token or time.monotonic() > self._token_ends:
            login = {"handler": ["trusted_networks", None], **self._page}
            flow = await self._ask("POST", "/auth/login_flow", json=login)
            code = {
                "grant_type": "authorization_code",
                "client_id": self._page["client_id"],
                "code": flow["result"],
            }
            answer = await self._ask("POST", "/auth/token", data=code)
            self._token = answer["access_token"]
            self._token_ends = time.monotonic() + TOKEN_SECONDS
        return self._token

    # A user's actions

    async def state(self, entity_id: str) -> dict[str, Any] | None:
        """Return the state of an entity, or None if it does not exist."""
        states: list[dict[str, Any]] = await self.request("GET", "/api/states")
        return next((state for state in states if state["entity_id"] == entity_id), None)

    async def wait_for(
        self,
        entity_id: str,
        state: str | Callable[[dict[str, Any]], object],
        seconds: float = 30,
    ) -> dict[str, Any]:
        """Wait until an entity has a state, or until its state meets a condition."""
        end = time.monotonic() + seconds
        while True:
            is_last = time.monotonic() >= end  # before looking, as a request may take long
            found = await self.state(entity_id)
            if found and (found["state"] == state if isinstance(state, str) else state(found)):
                return found
            if is_last:
                break
            await asyncio.sleep(POLL_SECONDS)
        wanted = state if isinstance(state, str) else "as expected"
        raise HouseError(f"{entity_id} was not {wanted} within {seconds:g} s: {found}")

    async def call(self, domain: str, service: str, **data: Any) -> Any:
        """Call an action."""
        return await self.request("POST", f"/api/services/{domain}/{service}", data)

    async def start_flow(self, handler: str, entry_id: str | None = None) -> dict[str, Any]:
        """Start a config or reconfigure flow and return its first step."""
        body = {"handler": handler} | ({"entry_id": entry_id} if entry_id else {})
        flow: dict[str, Any] = await self.request("POST", "/api/config/config_entries/flow", body)
        return flow

    async def submit(self, flow_id: str, user_input: dict[str, Any]) -> dict[str, Any]:
        """Submit the form of a flow and return the next step."""
        path = f"/api/config/config_entries/flow/{flow_id}"
        flow: dict[str, Any] = await self.request("POST", path, user_input)
        return flow

    async def flow(
        self, handler: str, *inputs: dict[str, Any], entry_id: str | None = None
    ) -> dict[str, Any]:
        """Run a flow with an input for each of its forms, and return the result."""
        result = await self.start_flow(handler, entry_id)
        for user_input in inputs:
            result = await self.submit(result["flow_id"], user_input)
        return result

    async def options(self, entry_id: str, *inputs: dict[str, Any]) -> dict[str, Any]:
        """Run the options flow of an entry likewise."""
        path = "/api/config/config_entries/options/flow"
        result: dict[str, Any] = await self.request("POST", path, {"handler": entry_id})
        for user_input in inputs:
            result = await self.request("POST", f"{path}/{result['flow_id']}", user_input)
        return result

    async def entries(self, domain: str) -> list[dict[str, Any]]:
        """Return the config entries of an integration."""
        path = f"/api/config/config_entries/entry?domain={domain}"
        entries: list[dict[str, Any]] = await self.request("GET", path)
        return entries
