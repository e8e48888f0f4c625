"""HTTP routes of the simulated provider: the API, the page and the controls."""

import asyncio
from collections.abc import Callable
import inspect
from pathlib import Path
import time
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .controls import Controls
from .model import API_PATH, Call, ControlError, payload

PAGE = Path(__file__).with_name("page.html")
HTML_ERROR = "<!doctype html><title>Server error</title><h1>500</h1>"
HTML_PAGE = "<!doctype html><title>equiwatt</title><h1>We will be back soon</h1>"


class Routes:
    """Handlers of a provider."""

    def __init__(self, provider: Controls) -> None:
        """Initialize with the provider."""
        self._provider = provider

    def app(self) -> web.Application:
        """Return the application with all routes."""
        app = web.Application(middlewares=[errors_as_json])
        app.add_routes(
            [
                web.get("/", self.page),
                web.get(API_PATH, self.equivents),
                web.get(API_PATH.rstrip("/"), self.redirect),
                web.get("/control/state", self.control),
                web.get("/control/account", self.account),
                web.post("/control/{action}", self.control),
            ]
        )
        return app

    async def page(self, _: web.Request) -> web.StreamResponse:
        """Serve the page."""
        return web.FileResponse(PAGE, headers={"Cache-Control": "no-store"})

    async def account(self, _: web.Request) -> web.Response:
        """Return the input for adding the account to Home Assistant."""
        return web.json_response(self._provider.account())

    async def control(self, request: web.Request) -> web.Response:
        """Run a control and return the state."""
        if request.method == "POST":
            arguments = await request.json() if request.can_read_body else {}
            if not isinstance(arguments, dict):
                raise ControlError("The body must be a JSON object.")
            self._run(request.match_info["action"], arguments)
        return web.json_response(self._provider.state())

    def _run(self, action: str, arguments: dict[str, Any]) -> None:
        """Run a control by name."""
        controls: dict[str, Callable[..., None]] = {
            "start": self._provider.start,
            "end": self._provider.end,
            "trigger": self._provider.trigger,
            "settings": self._provider.configure,
            "webhooks": self._provider.set_webhooks,
        }
        if not (control := controls.get(action)):
            raise ControlError("There is no such control.", 404)
        try:
            inspect.signature(control).bind(**arguments)
        except TypeError as error:
            raise ControlError("This control takes other values.") from error
        control(**arguments)

    async def redirect(self, request: web.Request) -> web.Response:
        """Redirect a call without the trailing slash, as the real API does."""
        self._received(request, 301)
        raise web.HTTPMovedPermanently(API_PATH)

    async def equivents(self, request: web.Request) -> web.StreamResponse:
        """Answer an API call and record it."""
        if self._provider.settings.fault == "outage":
            self._received(request, "closed")
            if request.transport:
                request.transport.abort()
            return web.Response()
        response = await self._answer(request)
        self._received(request, response.status)
        return response

    def _received(self, request: web.Request, status: int | str) -> None:
        """Record an API call."""
        self._provider.api_calls += 1
        self._provider.record(Call(time.time(), "api", request.method, request.path, status))

    async def _answer(self, request: web.Request) -> web.Response:
        """Return the response to an API call: token, limits, faults, and equivents."""
        fault = self._provider.settings.fault
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        limiter = self._provider.limiters.get(token)
        if scheme != "Bearer" or not limiter or fault == "401":
            return message(401, "Unauthenticated.")
        if (wait := limiter.admit(time.monotonic())) is not None:
            self._provider.over_limit += 1
            return message(429, "Too Many Attempts.", wait)
        if fault == "slow":
            await asyncio.sleep(self._provider.slow)
        answer = self._provider.answer()
        body = payload(answer["current_event"], answer["previous_events"])
        return faulty(fault) or web.json_response(body)


def faulty(fault: str) -> web.Response | None:
    """Return the response of a fault, if it has one of its own."""
    match fault:
        case "500":
            return web.Response(status=500, text=HTML_ERROR, content_type="text/html")
        case "429":
            return message(429, "Too Many Attempts.", 60)
        case "html":
            return web.Response(text=HTML_PAGE, content_type="text/html")
        case "success_false":
            return web.json_response(
                {"success": False, "msg": "Something went wrong.", "data": None}
            )
    return None


def message(status: int, text: str, wait: int | None = None) -> web.Response:
    """Return an error in the API's words."""
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return web.json_response({"message": text}, status=status, headers=headers)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the explanation of an invalid control."""
    try:
        return await handler(request)
    except ControlError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except ValueError:
        return web.json_response({"error": "The body must be JSON."}, status=400)
