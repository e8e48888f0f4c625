"""Equivents and faults of the provider."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from .cloud import FAULTS, HOUR, MINUTE, SAME, SECOND, Copy, Truth
from .watched import Watched


class Provider(Watched):
    """Equivents at any time, with faulty answers."""

    @rule(ahead=st.integers(0, 20), minutes=st.integers(2, 120), truly=st.booleans())
    def begin(self, ahead: int, minutes: int, truly: bool) -> None:
        """Announce an equivent, or start one at once, often at the times of real ones."""
        now = self.home.true.replace(microsecond=0)
        if not self.cloud.is_free(now):
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
    @rule(seconds=st.integers(0, 300), minutes=st.integers(2, 60))
    def begin_next(self, seconds: int, minutes: int) -> None:
        """Start another equivent at the end of the live one or minutes later."""
        last = self.cloud.truths[-1]
        start = last.end(self.home.true) + seconds * SECOND
        if not last.is_live(self.home.true) or start - last.start <= SAME:
            return
        self.cloud.truths.append(Truth(start, start, [(start, start + minutes * MINUTE)]))
        self.check()

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule(minutes=st.integers(0, 90))
    def move_end(self, minutes: int) -> None:
        """End the live equivent now, or later or earlier than planned."""
        now = self.home.true.replace(microsecond=0)
        live = self.cloud.live(now)
        if live and live.start < now and live is self.cloud.truths[-1]:
            live.plans.append((now, now + minutes * MINUTE))
        self.check()

    @rule(legacy=st.booleans())
    def change_shape(self, legacy: bool) -> None:
        """Answer in one shape or the other."""
        self.cloud.legacy = legacy

    @rule(seconds=st.integers(0, 400))
    def fall_behind(self, seconds: int) -> None:
        """Answer with a delay."""
        self.cloud.lag = seconds * SECOND

    @rule(seconds=st.integers(0, 8))
    def be_slow(self, seconds: int) -> None:
        """Send answers slowly."""
        self.cloud.slowness = seconds * SECOND

    @rule(seconds=st.integers(10, 1200))
    def serve_old_answer(self, seconds: int) -> None:
        """Serve one answer from long ago."""
        self.cloud.glitches.append(("old", seconds * SECOND))

    @rule()
    def leave_out(self) -> None:
        """Omit the live equivent from one answer."""
        self.cloud.glitches.append(("drop", None))

    @rule(kind=st.sampled_from(["over", "hide"]))
    def contradict(self, kind: str) -> None:
        """List the live equivent as just over, or among the past ones with its end ahead."""
        self.cloud.glitches.append((kind, None))

    @rule(
        seconds=st.integers(0, 1500),
        count=st.integers(1, 20),
        mark=st.sampled_from(["Age", "Date", "both"]),
        change=st.sampled_from(["none", "begins", "ends"]),
        is_behind=st.booleans(),
    )
    def serve_copies(
        self, seconds: int, count: int, mark: str, change: str, is_behind: bool
    ) -> None:
        """Serve a copy of the current answer once or for minutes, some time after this.

        An equivent may begin or end meanwhile, and the system's clock may be behind by as much.
        """
        home, cloud = self.home, self.cloud
        if change == "ends" and cloud.is_free(home.true):
            self.begin(ahead=0, minutes=60, truly=False)
            self.pass_time(130 * SECOND)
        made = home.true.replace(microsecond=0)
        answer, response = cloud.answer(home.true)
        if "exc" in response or answer is None or home.skew:
            return
        live = cloud.live(made)
        if change == "ends" and live and live is cloud.truths[-1]:
            live.plans.append((made, made + MINUTE))
        if change == "begins" and cloud.is_free(made):
            start = made + 5 * SECOND
            cloud.truths.append(Truth(start, start, [(start, start + 2 * HOUR)]))
        age = (180 + seconds) * SECOND
        self.pass_time(age)
        if is_behind:
            home.jump(-age - 100 * SECOND)
        cloud.copies.extend([Copy(made, response, answer, mark)] * count)
        self.pass_time(4 * MINUTE)

    @rule(ahead=st.integers(0, 20))
    def call_off(self, ahead: int) -> None:
        """Call off an announced equivent, which stays and ends when it starts."""
        now = self.home.true.replace(microsecond=0)
        if self.cloud.is_free(now) and ahead:
            start = now + ahead * MINUTE
            self.cloud.truths.append(Truth(now, start, [(now, start)]))
        self.check()

    @rule(minutes=st.integers(5, 60))
    def prolong(self, minutes: int) -> None:
        """Prolong an equivent that has just ended."""
        now = self.home.true.replace(microsecond=0)
        last = self.cloud.truths[-1] if self.cloud.truths else None
        if last and last.end(now) != last.start and last.end(now) <= now < last.end(now) + MINUTE:
            last.plans.append((now, now + minutes * MINUTE))
        self.check()

    @rule(seconds=st.sampled_from([-100, 100]))
    def go_wrong(self, seconds: int) -> None:
        """Set the system's clock slightly wrong."""
        self.home.jump(seconds * SECOND)
        self.check()

    @rule(kind=st.sampled_from(sorted(FAULTS)), count=st.integers(1, 25))
    def fault(self, kind: str, count: int) -> None:
        """Fail for some answers."""
        self.cloud.glitches.extend([("fault", kind)] * count)

    @precondition(lambda self: self.cloud.live(self.home.true))
    @rule(kind=st.sampled_from(sorted(FAULTS)), count=st.integers(2, 5))
    def fault_while_live(self, kind: str, count: int) -> None:
        """Fail while an equivent is live that all sides know of."""
        self.pass_time(130 * SECOND)
        self.fault(kind, count)
        self.pass_time(130 * SECOND)
