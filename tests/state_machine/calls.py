"""What the app may call, and in which order."""

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from .cloud import MINUTE, SAME, SECOND, Truth
from .watched import Watched

KINDS = st.sampled_from(["started", "ended"])
UP_TO_A_MINUTE = st.integers(0, 60)


class Calls(Watched):
    """Calls of the webhook that come rightly or wrongly, early, late or in disorder."""

    @rule(kind=KINDS, times=st.integers(1, 3))
    def push(self, kind: str, times: int) -> None:
        """Call the webhook, rightly or wrongly, early or late."""
        for _ in range(times):
            self.home.app.call(kind)
        self.check()

    @rule(kind=KINDS, seconds=UP_TO_A_MINUTE)
    def push_later(self, kind: str, seconds: int) -> None:
        """Let a call be on its way for a while."""
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
        """Press one button after the other while one is live that everybody knows of."""
        self.pass_time(130 * SECOND)
        for kind in ("ended", "started", "ended"):
            self.push(kind, 1)
        self.pass_time(130 * SECOND)

    @rule(body=st.sampled_from([b"", b"{", b"[]", b"event=over", b"\xff\xfe"]))
    def push_nonsense(self, body: bytes) -> None:
        """Call the webhook with nothing that could be understood."""
        self.home.app.call_with(body)
        self.check()

    @rule(
        kind=st.sampled_from(["started", "ended", "over"]),
        takes=st.integers(1, 25),
        before=st.integers(0, 20),
        down=st.sampled_from([0, 0, 1, 15]),
    )
    def reload_during_a_call(self, kind: str, takes: int, before: int, down: int) -> None:
        """Reload the entry while a call's body arrives; all in tenths of a second."""
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
        """Let one follow another, with calls that are late and answers that are older than they."""
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
        """Let the live one end soon, or one begin that does, and return when, unless none may."""
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
