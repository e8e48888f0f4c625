"""The simulated provider: the API, a page to press buttons on, and the same over HTTP.

    python -m demo.provider --port 8130 --token TOKEN

    GET  /api/v3/equivents/  the API: `Authorization: Bearer TOKEN`, 1 call/s, 10 calls/min
    GET  /                   the page

The controls take and give JSON; each answers with the state, or with 4xx {"error": "a sentence"}.

    GET  /control/state
    GET  /control/account    {"token", "url"}: what to type into Home Assistant
    POST /control/start      {"minutes": 60}       null: an equivent without a planned end
    POST /control/end        {}
    POST /control/trigger    {"event": "started"}  or "ended": a webhook call and nothing else
    POST /control/settings   {"shape": "documented", "lag": 0, "fault": "none", "shown": 10}
                             any of them
    POST /control/webhooks   {"started": "http://…", "ended": "http://…"}  any; null clears one

    shape  documented: `current_event` with its planned end; legacy: it is null, and the newest
           past one has no end
    lag    seconds from a webhook call until the API tells of that start or end
    fault  none, outage (closed without an answer), slow (answers after 30 s), 500 (with HTML),
           401, 429, html (with 200), success_false (with 200)
    shown  how many past ones the API lists, of a year

    state  now         Unix seconds, as all times here
           live        {"start_time", "end_time": the planned one or null}, or null
           answer      `data` of the API's answer at this moment
           settings    shape, lag, fault, shown
           webhooks    started, ended: null, or masked, since the addresses are secret
           api_calls   how many there were
           over_limit  how many of them broke a limit
           calls       the last 50, newest first: {"time", "kind": "api" or "webhook", "method",
                       "target", "status": a number, "closed" or "no answer"}

An equivent with a planned end ends by itself. In a test:

    async with Provider() as provider:
        provider.api_url, provider.start(minutes=60), provider.state()
"""

import argparse
import asyncio
from collections.abc import Iterable
import contextlib
import logging
from pathlib import Path
from typing import Self, override

from aiohttp import web

from .controls import Controls
from .routes import Routes

DEMO_TOKEN = "demo-token"  # noqa: S105 - opens nothing but this


class Provider(Controls):
    """The simulated provider, with its controls as methods."""

    def __init__(
        self,
        tokens: Iterable[str] = (DEMO_TOKEN,),
        *,
        port: int = 0,
        state_file: Path | None = None,
        slow: float = 30,
    ) -> None:
        """Initialize; a state file lets a later provider continue with the same equivents."""
        super().__init__(tokens, state_file, slow)
        self._port = port

    @override
    async def __aenter__(self) -> Self:
        """Listen on loopback."""
        await super().__aenter__()
        runner = web.AppRunner(Routes(self).app(), access_log=None, shutdown_timeout=0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self


async def _serve(arguments: argparse.Namespace) -> None:
    """Run until interrupted."""
    async with Provider(arguments.token, port=arguments.port) as provider:
        print(f"The simulated provider: {provider.url}  (its API: {provider.api_url})")
        await asyncio.Event().wait()


def main() -> None:
    """Run the provider alone."""
    parser = argparse.ArgumentParser(prog="python -m demo.provider")
    parser.add_argument("--port", type=int, default=8130)
    parser.add_argument("--token", action="append", help="may be given several times")
    arguments = parser.parse_args()
    arguments.token = arguments.token or [DEMO_TOKEN]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments))


if __name__ == "__main__":
    main()
