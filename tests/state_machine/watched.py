"""Invariants of the house."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import override

from hypothesis.stateful import RuleBasedStateMachine

from homeassistant.core import Event, EventStateChangedData, callback

from ..fakes.home import EVENT, LIVE
from .cloud import MINUTE, SECOND, Cloud, same
from .home import TurnedHome
from .judge import APART, PUSH_BOUND, bound


class Watched(RuleBasedStateMachine):
    """A house that is checked against the truth after each step."""

    home: TurnedHome
    steps = 0

    def __init__(self) -> None:
        """Set up an entry in the running Home Assistant."""
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
        """Judge each edge of the event entity."""
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

    def pass_time(self, time: timedelta) -> None:
        """Turn the clock."""
        self.home.pass_time(time)
        self.check()

    def be_away(self, time: timedelta) -> None:
        """Turn the clock while the entry is not loaded."""
        before = self.home.traces
        self.home.pass_time(time)
        assert self.home.traces == before, "an unloaded entry writes, asks or announces"

    def set_up(self) -> None:
        """Set up the entry again.

        With a wrong clock and no answer to correct it the true state cannot be known.
        """
        if self.home.skew:
            self.cloud.glitches.clear()
            self.cloud.copies.clear()
            self.home.forget_calls()
        self.home.set_up()

    def check(self) -> None:
        """Check the invariants."""
        type(self).steps += 1
        home, judge = self.home, self.home.judge
        home.pass_time(SECOND / 2)
        while judge.may_wait:
            home.pass_time(APART * SECOND)
        for error in self.errors:
            raise error
        if not home.is_loaded:
            return
        assert not judge.due, "not live at the first answer that names it"
        started = bool(judge.announced) and judge.announced[-1][0] == "started"
        state = home.state(LIVE)
        assert state in ("on" if started else "off", "unavailable"), "edge and state disagree"
        if self.cloud.answered:
            silence = (home.loop.moment - self.cloud.served[-1].moment) * SECOND
            if silence >= 15 * MINUTE + SECOND:
                assert state == "unavailable", "known, though no answer has come for long"
            if state == "unavailable":
                assert silence >= 15 * MINUTE - SECOND
        elif judge.since is None:
            assert state == ("on" if started else "unavailable"), "known before the first answer"
        if home.stored:
            assert (home.stored["snapshot"]["live"] is not None) == started, "the disk knows better"
        past = home.entry.runtime_data.coordinator.data.finished
        for later, earlier in pairwise((e.start, e.end) for e in past):
            assert not same(later, earlier), "one equivent twice"
        self.check_bounds()

    def check_bounds(self) -> None:
        """Check that nothing is live past its bound."""
        home, judge = self.home, self.home.judge
        if not judge.live:
            return
        if judge.pushed is not None:
            ago = home.loop.moment - max(judge.pushed, home.set_up_at)
            assert ago < PUSH_BOUND + 2, "unconfirmed for too long"
        elif abs(home.error_of_clock) < SECOND and not home.skew:
            assert home.true < bound(judge.live) + 2 * SECOND, "live past its bounds"

    @override
    def teardown(self) -> None:
        """Remove the entry."""
        self.remove_listener()
        self.home.close()
