"""A house in which anything happens that may."""

from copy import deepcopy
from datetime import datetime, timedelta
from itertools import pairwise
from typing import override

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CoreState, Event, EventStateChangedData, callback

from ..conftest import EVENT, LIVE
from .cloud import FAULTS, HOUR, MINUTE, SAME, SECOND, Cloud, Truth, same
from .home import T0, Home
from .judge import GRACE, bound


class House(RuleBasedStateMachine):
    """A house in which anything happens that may."""

    home: Home
    steps = 0

    def __init__(self) -> None:
        """Set an entry up in the running Home Assistant."""
        super().__init__()
        self.seen: tuple[str, str] | None = None
        self.errors: list[AssertionError] = []
        self.remove_listener = self.home.hass.bus.async_listen("state_changed", self.on_change)
        self.home.open()

    @property
    def cloud(self) -> Cloud:
        """Return the provider."""
        return self.home.cloud

    @callback
    def on_change(self, event: Event[EventStateChangedData]) -> None:
        """Judge each edge that the event entity announces."""
        state = event.data["new_state"]
        if event.data["entity_id"] != EVENT or not state:
            return
        kind = state.attributes.get("event_type")
        if not kind or state.state in ("unknown", "unavailable"):
            return
        if self.seen == (state.state, kind):
            return  # restored
        self.seen = (state.state, kind)
        end = state.attributes["end"]
        span = (
            datetime.fromisoformat(state.attributes["start"]),
            datetime.fromisoformat(end) if end else None,
        )
        try:
            self.home.judge.take_edge(kind, span, state.attributes["source"], self.home.believed)
        except AssertionError as err:
            self.errors.append(err)

    @rule(seconds=st.integers(1, 600))
    def wait(self, seconds: int) -> None:
        """Let a little time pass."""
        self.home.pass_time(seconds * SECOND)
        self.check()

    @rule(minutes=st.integers(10, 100))
    def wait_long(self, minutes: int) -> None:
        """Let much time pass."""
        self.home.pass_time(minutes * MINUTE)
        self.check()

    @rule(ahead=st.integers(0, 20), minutes=st.integers(2, 120), truly=st.booleans())
    def begin(self, ahead: int, minutes: int, truly: bool) -> None:
        """Announce an equivent, or start one at once, as well by the clock of real ones."""
        now = self.home.true.replace(microsecond=0)
        if self.cloud.truths and not self.cloud.truths[-1].is_over(now - SAME):
            return
        start = now + ahead * MINUTE
        if truly:
            start = (
                start.replace(minute=start.minute // 30 * 30, second=0) + 30 * MINUTE + 65 * SECOND
            )
        end = start + minutes * MINUTE
        announced = start if truly else now
        self.cloud.truths.append(Truth(announced, start, [(announced, end)]))
        self.check()

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule(minutes=st.integers(0, 90))
    def move_end(self, minutes: int) -> None:
        """End the live one now, or later or earlier than planned."""
        now = self.home.true.replace(microsecond=0)
        if (live := self.cloud.live(now)) and live.start < now:
            live.plans.append((now, now + minutes * MINUTE))
        self.check()

    @rule(legacy=st.booleans())
    def speak(self, legacy: bool) -> None:
        """Answer in one shape or the other."""
        self.cloud.legacy = legacy

    @rule(seconds=st.integers(0, 400))
    def fall_behind(self, seconds: int) -> None:
        """Answer with what was true some time ago."""
        self.cloud.lag = seconds * SECOND

    @rule(seconds=st.integers(10, 1200))
    def serve_an_old_one(self, seconds: int) -> None:
        """Serve one answer from long ago."""
        self.cloud.glitches.append(("old", seconds * SECOND))

    @rule()
    def leave_out(self) -> None:
        """Leave the live one out of one answer."""
        self.cloud.glitches.append(("drop", None))

    @rule(kind=st.sampled_from(sorted(FAULTS)), count=st.integers(1, 25))
    def fault(self, kind: str, count: int) -> None:
        """Be out of order for some answers."""
        self.cloud.glitches.extend([("fault", kind)] * count)

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule(kind=st.sampled_from(sorted(FAULTS)), count=st.integers(2, 5))
    def fault_while_live(self, kind: str, count: int) -> None:
        """Be out of order while an equivent is live that everybody knows of."""
        self.wait(130)
        self.fault(kind, count)
        self.wait(130)

    @rule(kind=st.sampled_from(["started", "ended"]), times=st.integers(1, 3))
    def push(self, kind: str, times: int) -> None:
        """Call the webhook, rightly or wrongly, early or late."""
        for _ in range(times):
            self.home.judge.pushes.append((self.home.loop.moment, kind))
            self.home.push(f"event={kind}")
        self.check()

    @rule()
    def push_demo(self) -> None:
        """Press the app's demo buttons."""
        self.push("started", 1)
        self.home.pass_time(20 * SECOND)
        self.push("ended", 1)

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule()
    def push_to_and_fro(self) -> None:
        """Press one button after the other while one is live that everybody knows of."""
        self.wait(130)
        for kind in ("ended", "started", "ended"):
            self.push(kind, 1)
        self.wait(130)

    @rule(body=st.sampled_from([b"", b"{", b"[]", b"event=over", b"\xff\xfe"]))
    def push_nonsense(self, body: bytes) -> None:
        """Call the webhook with nothing that could be understood."""
        self.home.push("", body)
        self.check()

    @rule(pull=st.booleans(), down=st.integers(0, 5400), starting=st.integers(0, 60))
    def restart(self, pull: bool, down: int, starting: int) -> None:
        """Reload the entry, or lose everything but what is on disk, for a while."""
        home = self.home
        self.check()
        disk = deepcopy(home.storage)
        home.unload()
        if pull:
            home.storage.clear()
            home.storage.update(disk)
        home.pass_time(down * SECOND)
        if home.skew:  # with a wrong clock and no answer to put it right nobody could know better
            self.cloud.glitches.clear()
        if starting:
            home.judge.since = home.loop.moment
            home.hass.set_state(CoreState.starting)
        home.set_up()
        if starting:
            told = len(home.judge.told)
            home.pass_time(starting * SECOND)
            assert len(home.judge.told) == told, "an edge before anybody can hear it"
            home.finish_start()
            home.judge.since = None
        self.check()

    @rule(minutes=st.integers(-600, 600))
    def jump(self, minutes: int) -> None:
        """Let the system's clock jump by hours."""
        self.home.jump(minutes * MINUTE)
        self.check()

    @rule()
    def calm_down(self) -> None:
        """With no faults for a while the truth is known."""
        home = self.home
        self.cloud.glitches.clear()
        self.cloud.lag = timedelta()
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

    @rule(hours=st.integers(1, 3))
    def idle(self, hours: int) -> None:
        """Ask seldom while nothing happens."""
        self.calm_down()
        if self.cloud.truths and not self.cloud.truths[-1].is_over(self.home.true):
            return
        calls = len(self.cloud.calls)
        changes: list[Event[EventStateChangedData]] = []
        stop = self.home.hass.bus.async_listen("state_changed", changes.append)
        self.home.pass_time(hours * HOUR)
        stop()
        assert changes == []
        asked = len(self.cloud.calls) - calls
        assert asked <= 1_950 / 24 * hours + 3
        assert asked >= 1_500 / 24 * hours - 3
        self.check()

    def check(self) -> None:
        """Check what always holds."""
        type(self).steps += 1
        home, judge = self.home, self.home.judge
        home.pass_time(SECOND / 2)
        for error in self.errors:
            raise error
        if not home.is_loaded:
            return
        started = bool(judge.told) and judge.told[-1][0] == "started"
        state = home.state(LIVE)
        assert state in ("on" if started else "off", "unavailable"), "edge and state disagree"
        answered = self.cloud.served[-1].at if self.cloud.served else T0
        silence = home.true - answered
        if not self.cloud.answered:  # what is remembered stands as long after a restart
            silence = min(silence, (home.loop.moment - home.set_up_at) * SECOND)
        if silence >= 15 * MINUTE + SECOND:
            assert state == "unavailable", "known, though nobody has answered for long"
        if state == "unavailable":
            assert silence >= 15 * MINUTE - SECOND
        past = home.entry.runtime_data.coordinator.data.finished
        for later, earlier in pairwise((e.start, e.end) for e in past):
            assert not same(later, earlier), "one equivent twice"
        self.check_bounds()

    def check_bounds(self) -> None:
        """Check that nothing is live past its time."""
        home, judge = self.home, self.home.judge
        if not judge.live:
            return
        if judge.pushed_at:
            ago = home.loop.moment - max(judge.pushed_moment, home.set_up_at)
            assert ago < GRACE.total_seconds() + 2, "unconfirmed for too long"
        elif not home.error_of_clock:
            assert home.true < bound(judge.live) + 2 * SECOND, "live past its bounds"

    @override
    def teardown(self) -> None:
        """Remove the entry."""
        self.remove_listener()
        self.home.close()
