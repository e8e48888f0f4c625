"""Play equivents by push, polling and rehearsal, and check the results."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
import re
import tempfile
import time

from .client import HouseError
from .provider import DEMO_TOKEN
from .stage import DEVICES, DOMAIN, Stage, set_up

OBEDIENT = ("switch.kettle", "light.reading_lamp")
HEATING = "climate.heating"

LIVE = "binary_sensor.equiwatt_live"
EVENT = "event.equiwatt_equivent"
CURRENT_START = "sensor.equiwatt_current_start"
LAST_END = "sensor.equiwatt_last_end"
PUSH_SECONDS = 1
POLL_SECONDS = 75
LAG_SECONDS = 4
END_SECONDS = 20
"""Seconds for a lagging answer, and the next one ten seconds later."""
REHEARSAL_SECONDS = 12
EXCLUDED = "switch.kettle"


class DifferenceError(Exception):
    """Difference from the expected result."""


class Check:
    """Steps of the check."""

    def __init__(self, stage: Stage) -> None:
        """Initialize with the stage."""
        self.provider = stage.provider
        self.house = stage.house
        self.addresses = stage.addresses
        self.secrets = [DEMO_TOKEN]
        for address in self.addresses.values():
            self.secrets += re.findall(r"/api/webhook/([^?]+)", address)
        self.failed = False

    @asynccontextmanager
    async def step(self, title: str) -> AsyncGenerator[None]:
        """Print a step with its seconds and its difference."""
        began, trouble = time.monotonic(), ""
        try:
            yield
        except (DifferenceError, HouseError, TimeoutError) as error:
            self.failed, trouble = True, f"\n         {str(error) or 'It took too long.'}"
        took = time.monotonic() - began
        print(
            f"  {'FAIL' if trouble else 'ok  '} {took:6.2f} s  {title}{trouble}",
            flush=True,
        )

    async def run(self) -> bool:
        """Run all steps and return True if they passed."""
        await self.house.call("logger", "set_level", **{"custom_components.equiwatt": "debug"})
        print("\nAn equivent that is pushed before the API knows of it (legacy shape)")
        self.provider.configure(shape="legacy", lag=LAG_SECONDS)
        self.provider.set_webhooks(**self.addresses)
        await self.play("webhook", PUSH_SECONDS)
        print("\nAn equivent that is found by polling (documented shape, no webhooks)")
        self.provider.configure(shape="documented", lag=0)
        self.provider.set_webhooks(started=None, ended=None)
        await self.play("api", POLL_SECONDS)
        print("\nA rehearsal, and the plug is pulled in the middle")
        await self.rehearse()
        print("\nA rehearsal, and all but one device restored before its end")
        await self.exclude()
        print("\nAfterwards")
        await self.afterwards()
        return not self.failed

    async def play(self, source: str, seconds: float) -> None:
        """Play an equivent from its start to its end."""
        began, started, ended = time.time(), "", ""
        async with self.step(f"started within {seconds} s, source {source}"):
            self.provider.start(minutes=60)
            started = await self.edge("on", "started", source, seconds)
        async with self.step("not announced again once the API knows of it"):
            await self.asked(began + LAG_SECONDS)
            await self.time_is(CURRENT_START, began)
            await self.still(started)
        # A call alone does not end an equivent before its planned end: the API has to confirm it.
        seconds = max(seconds, END_SECONDS)
        async with self.step(f"ended within {seconds} s, source api"):
            ending = time.time()
            self.provider.end()
            ended = await self.edge("off", "ended", "api", seconds)
        async with self.step("not announced again once the API lists it as over"):
            await self.asked(ending + LAG_SECONDS)
            await self.time_is(LAST_END, ending)
            await self.still(ended)

    async def rehearse(self) -> None:
        """Rehearse an equivent with a power cut, and check that every device is restored."""
        async with self.step("each device is on before it"):
            await self.devices("on", 6)
        async with self.step("the rehearsal pauses each device"):
            await self.house.call(DOMAIN, "simulate_equivent", duration=REHEARSAL_SECONDS)
            await self.devices("off", 5)
        async with self.step("the plug is pulled, and Home Assistant starts again"):
            await self.house.kill()
            self.provider.forget_calls()
            await self.house.start()
        async with self.step("the rehearsal ends as one, and each device is on again"):
            ended = {"event_type": "ended", "source": "simulation", "test": True}
            await self.house.wait_for(
                EVENT, lambda state: ended.items() <= state["attributes"].items(), 30
            )
            await self.devices("on", 30)

    async def exclude(self) -> None:
        """Restore all devices that a target does not exclude, as of Home Assistant 2026.11."""
        async with self.step("the rehearsal pauses each device again"):
            await self.house.call(DOMAIN, "simulate_equivent", duration=60)
            await self.devices("off", 5)
        async with self.step("a target that only excludes is refused"):
            await self.refuses_to_restore(exclude={"entity_id": EXCLUDED})
        async with self.step(f"all but {EXCLUDED} are restored"):
            await self.house.call(
                DOMAIN, "restore", entity_id="all", exclude={"entity_id": EXCLUDED}
            )
            await self.devices("on", 6, but=EXCLUDED)
            await self.house.wait_for(EXCLUDED, "off", 1)
        async with self.step("it is restored at the end"):
            await self.house.call(DOMAIN, "simulate_equivent", duration=10)
            await self.devices("on", 20)

    async def refuses_to_restore(self, **target: object) -> None:
        """Check that nothing is restored."""
        try:
            await self.house.call(DOMAIN, "restore", **target)
        except HouseError:
            await self.devices("off", 1)
        else:
            raise DifferenceError("It was not refused.")

    async def devices(self, state: str, seconds: float, but: str = "") -> None:
        """Check that all devices but one reach a state in time."""
        for entity_id in {*(f"switch.{name}" for name in DEVICES), *OBEDIENT} - {but}:
            await self.house.wait_for(entity_id, state, seconds)
        degrees = 21 if state == "on" else 19
        await self.house.wait_for(
            HEATING, lambda state: state["attributes"]["temperature"] == degrees, seconds
        )

    async def edge(self, state: str, kind: str, source: str, seconds: float) -> str:
        """Check that the sensor and the event entity show an edge in time, and return its time."""
        before = time.time()
        live = await self.house.wait_for(LIVE, state, seconds + 2)
        event = await self.house.wait_for(
            EVENT, lambda state: state["attributes"].get("event_type") == kind, 2
        )
        took = moment(live["last_changed"]) - before
        if took > seconds:
            raise DifferenceError(f"It took {took:.2f} s.")
        if (other := event["attributes"].get("source")) != source:
            raise DifferenceError(f"The source is {other}.")
        return str(event["state"])

    async def still(self, announced: str) -> None:
        """Check that there is no new edge."""
        event = await self.house.state(EVENT)
        if not event or event["state"] != announced:
            raise DifferenceError(f"The event entity has changed: {event}")

    async def asked(self, since: float) -> None:
        """Wait for a poll after some time."""
        async with asyncio.timeout(POLL_SECONDS):
            while not any(  # noqa: ASYNC110 - calls are noted, not announced
                call.kind == "api" and call.time > since + 0.5 for call in self.provider.calls
            ):
                await asyncio.sleep(0.1)

    async def time_is(self, entity_id: str, expected: float) -> None:
        """Check a timestamp against the provider's, in whole seconds."""
        await self.house.wait_for(
            entity_id,
            lambda state: is_moment(state["state"], int(expected)),
            2,
        )

    async def afterwards(self) -> None:
        """Check the provider's limits and Home Assistant's log."""
        async with self.step(f"{self.provider.api_calls} calls, none over the limits"):
            if over := self.provider.over_limit:
                raise DifferenceError(f"{over} calls were over the limits.")
        async with self.step("Home Assistant stops"):
            await self.house.stop()
        async with self.step("neither the token nor the webhook id is in the log"):
            if any(secret in self.house.log() for secret in self.secrets):
                raise DifferenceError("There is a secret in the log.")
        async with self.step("neither an error nor a traceback is in the log"):
            if problems := self.house.problems():
                raise DifferenceError("\n".join(problems))


def moment(text: str) -> float:
    """Parse a timestamp."""
    return datetime.fromisoformat(text).timestamp()


def is_moment(text: str, expected: int) -> bool:
    """Return True if a state is the time, or the second after it."""
    try:
        return 0 <= moment(text) - expected <= 1
    except ValueError:
        return False


async def check() -> bool:
    """Run the check in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="equiwatt-check-") as folder:
        async with set_up(Path(folder)) as stage:
            return await Check(stage).run()
