"""A house with any events in any order."""

from copy import deepcopy
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CoreState, Event, EventStateChangedData

from ..fakes.home import LIVE
from .calls import Calls
from .cloud import HOUR, MINUTE, SECOND
from .plans import Planner
from .provider import Provider


def calls_due(begin: datetime, hours: int) -> float:
    """Return the number of calls in the schedule: in windows, by day and by night."""
    calls = 0.0
    for second in range(0, hours * 3600, 15):
        now = begin + second * SECOND
        in_window = 60 <= now.timestamp() % 1800 < 150
        calls += 15 / (7.5 if in_window else 30 if 6 <= now.hour < 22 else 60)
    return calls


class House(Provider, Calls, Planner):
    """A house with any events in any order."""

    @rule(seconds=st.integers(1, 600))
    def wait(self, seconds: int) -> None:
        """Turn the clock a little."""
        self.pass_time(seconds * SECOND)

    @rule(minutes=st.integers(10, 75))
    def wait_long(self, minutes: int) -> None:
        """Turn the clock a lot."""
        self.pass_time(minutes * MINUTE)

    @rule(pull=st.booleans(), down=st.integers(0, 5400), starting=st.integers(0, 60))
    def restart(self, pull: bool, down: int, starting: int) -> None:
        """Reload the entry, or lose everything but the disk, for a while."""
        home = self.home
        self.check()
        disk = deepcopy(home.storage)
        home.unload()
        if pull:
            home.storage.clear()
            home.storage.update(disk)
            home.forget_calls()
        self.be_away(down * SECOND)
        if starting:
            home.judge.since = home.loop.moment
            home.hass.set_state(CoreState.starting)
        self.set_up()
        if starting:
            count = len(home.judge.announced)
            home.pass_time(starting * SECOND)
            assert len(home.judge.announced) == count, "an edge without automations"
            home.finish_start()
            home.judge.since = None
        self.check()

    @rule(minutes=st.integers(-600, 600).filter(lambda minutes: abs(minutes) != 2))
    def jump(self, minutes: int) -> None:
        """Change the system's clock by hours."""
        self.home.jump(minutes * MINUTE)
        self.check()

    @rule()
    def calm_down(self) -> None:
        """Check that the truth is known after a while without faults."""
        home = self.home
        self.cloud.glitches.clear()
        self.cloud.copies.clear()
        self.cloud.lag = self.cloud.slowness = timedelta()
        home.app.hang_up()
        if home.skew:
            home.jump(timedelta())
        if home.entry.state is ConfigEntryState.SETUP_ERROR:
            home.unload()
            home.set_up()
        home.pass_time(8 * MINUTE)
        while self.cloud.is_changing(home.true):
            home.pass_time(75 * SECOND)
        expected = self.cloud.live(home.true) is not None
        assert home.state(LIVE) == ("on" if expected else "off"), "not the truth"
        self.check()

    @rule(hours=st.integers(1, 2))
    def idle(self, hours: int) -> None:
        """Check that calls are few while nothing happens."""
        self.calm_down()
        self.delete_all_plans()  # plans add calls and expire
        if self.cloud.truths and not self.cloud.truths[-1].is_over(self.home.true - 3 * MINUTE):
            return  # it ends at this moment, or has just ended and is asked about more often
        calls, due = len(self.cloud.calls), calls_due(self.home.true, hours)
        changes: list[Event[EventStateChangedData]] = []
        stop = self.home.hass.bus.async_listen("state_changed", changes.append)
        self.home.pass_time(hours * HOUR)
        stop()
        assert changes == []
        asked = len(self.cloud.calls) - calls
        assert abs(asked - due) <= 3 * hours
        self.check()
