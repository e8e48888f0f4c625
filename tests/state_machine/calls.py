"""Webhook calls of the app, in any order."""

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from .cloud import MINUTE, SAME, SECOND, Truth
from .watched import Watched

KINDS = st.sampled_from(["started", "ended"])
UP_TO_A_MINUTE = st.integers(0, 60)


class Calls(Watched):
    """Webhook calls: right or wrong, early, late or out of order."""

    @rule(kind=KINDS, times=st.integers(1, 3))
    def push(self, kind: str, times: int) -> None:
        """Call the webhook, rightly or wrongly, early or late."""
        for _ in range(times):
            self.home.app.call(kind)
        self.check()

    @rule(kind=KINDS, seconds=UP_TO_A_MINUTE)
    def push_later(self, kind: str, seconds: int) -> None:
        """Send a call that arrives after a while."""
        self.home.app.call_later(kind, seconds * SECOND)
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
        """Press both buttons while an equivent is live that all sides know of."""
        self.pass_time(130 * SECOND)
        for kind in ("ended", "started", "ended"):
            self.push(kind, 1)
        self.pass_time(130 * SECOND)

    @rule(body=st.sampled_from([b"", b"{", b"[]", b"event=over", b"\xff\xfe"]))
    def push_nonsense(self, body: bytes) -> None:
        """Call the webhook without a usable event."""
        self.home.app.call_with(body)
        self.check()

    @rule(
        kind=st.sampled_from(["started", "ended", "over"]),
        takes=st.integers(1, 25),
        before=st.integers(0, 20),
        down=st.sampled_from([0, 0, 1, 15]),
    )
    def reload_during_a_call(self, kind: str, takes: int, before: int, down: int) -> None:
        """Reload the entry while a call's body arrives, in tenths of a second."""
        home = self.home
        home.app.call_slowly(kind, takes * SECOND / 10)
        home.pass_time(before * SECOND / 10)
        home.unload()
        self.be_away(down * SECOND / 10)
        self.set_up()
        self.pass_time(3 * SECOND)

    @rule(
        gap=st.sampled_from([0, 0, 0, 2, 30, 200]),
        ended=st.none() | UP_TO_A_MINUTE,
        started=st.none() | UP_TO_A_MINUTE,
        lag=st.sampled_from([0, 0, 2, 10, 30, 60]),
        legacy=st.booleans(),
    )
    def hand_over(
        self, gap: int, ended: int | None, started: int | None, lag: int, legacy: bool
    ) -> None:
        """Start one equivent after another, with late calls and older answers."""
        home, cloud = self.home, self.cloud
        if not (end := self.end_soon()):
            return
        start = end + gap * SECOND
        cloud.truths.append(Truth(start, start, [(start, start + 30 * MINUTE)]))
        cloud.lag, cloud.legacy = lag * SECOND, legacy
        for kind, at, delay in (("ended", end, ended), ("started", start, started)):
            if delay is not None:
                home.app.call_later(kind, at - home.true + delay * SECOND)
        self.pass_time(start - home.true)
        self.pass_time(3 * MINUTE)

    def end_soon(self) -> datetime | None:
        """Return the end of an equivent that ends soon, or None where there can be none."""
        now = self.home.true.replace(microsecond=0)
        live = self.cloud.live(now)
        if live and live is self.cloud.truths[-1] and live.start < now:
            live.plans.append((now, max(now, live.start + SAME) + 2 * MINUTE))
        elif self.cloud.is_free(now):
            live = Truth(now, now, [(now, now + SAME + 2 * MINUTE)])
            self.cloud.truths.append(live)
        else:
            return None
        return live.end(now)
