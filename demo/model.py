"""Model of the simulated provider, without a network."""

from collections import deque
from collections.abc import Iterable
import contextlib
from dataclasses import asdict, dataclass, field
import json
import math
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

type Event = Literal["started", "ended"]
type Shape = Literal["documented", "legacy"]
type Fault = Literal["none", "outage", "slow", "500", "401", "429", "html", "success_false"]

EVENTS: tuple[str, ...] = get_args(Event.__value__)
SHAPES: tuple[str, ...] = get_args(Shape.__value__)
FAULTS: tuple[str, ...] = get_args(Fault.__value__)

API_PATH = "/api/v3/equivents/"
PAST = Path(__file__).with_name("past_equivents.json")
DAY = 86_400
ROUND = 42 * DAY
"""Time of the ten in the log and a few days after them, in whole weeks."""
ROUNDS = 9
"""Number of repetitions of the ten: a year and two weeks."""
SHOWN = 10
MOST_SHOWN = 1_000
GAP = 1.0
WINDOW = 60.0
WINDOW_CALLS = 10
CALLS_KEPT = 50

# The newest was live when the log was taken. The others lasted about as long.
OPEN_ONE_TOOK = 3_597


class ControlError(Exception):
    """Invalid use of a control, with an explanation."""

    def __init__(self, message: str, status: int = 400) -> None:
        """Initialize with the HTTP status."""
        super().__init__(message)
        self.status = status


@dataclass
class Equivent:
    """Equivent with the times at which the API shows its edges."""

    start: int
    planned_end: int | None
    end: int | None = None
    start_shown: float = 0
    end_shown: float = 0

    def ended_for_api(self, now: float) -> bool:
        """Return True if the API lists it among the past ones."""
        return self.end is not None and self.end_shown <= now


@dataclass
class Settings:
    """Behaviour of the API."""

    shape: Shape = "documented"
    lag: float = 0
    fault: Fault = "none"
    shown: int = SHOWN
    """Number of past equivents in the list."""

    def update(self, changes: dict[str, Any]) -> None:
        """Apply the given settings, or none if one of them is invalid."""
        new = {**asdict(self), **changes}
        if unknown := set(changes) - asdict(self).keys():
            raise ControlError(f"Unknown setting: {', '.join(sorted(unknown))}.")
        if new["shape"] not in SHAPES:
            raise ControlError(f"The shape is one of: {', '.join(SHAPES)}.")
        if new["fault"] not in FAULTS:
            raise ControlError(f"The fault is one of: {', '.join(FAULTS)}.")
        lag = number(new["lag"], "lag", 0, 3_600)
        shown = int(number(new["shown"], "number shown", 0, MOST_SHOWN))
        self.shape, self.fault, self.lag, self.shown = new["shape"], new["fault"], lag, shown


class Ledger:
    """All equivents, newest first, with their true times and those of the API."""

    def __init__(self, equivents: Iterable[Equivent]) -> None:
        """Initialize with past equivents."""
        self._all = sorted(equivents, key=lambda equivent: equivent.start, reverse=True)

    @classmethod
    def recent(cls, now: float) -> Ledger:
        """Return the ten real ones, moved by whole days to just before now.

        They are repeated for more than a year.
        """
        raw = json.loads(PAST.read_text("utf-8"))
        shift = math.floor((now - raw[0]["start_time"]) / DAY - 0.5) * DAY
        return cls(
            Equivent(
                equivent["start_time"] + moved,
                None,
                (equivent["end_time"] or equivent["start_time"] + OPEN_ONE_TOOK) + moved,
            )
            for moved in range(shift, shift - ROUNDS * ROUND, -ROUND)
            for equivent in raw
        )

    @classmethod
    def load(cls, file: Path, now: float) -> Ledger:
        """Load a saved ledger, and end an equivent that is past its planned end."""
        ledger = cls(Equivent(**saved) for saved in json.loads(file.read_text("utf-8")))
        if (live := ledger.live) and live.planned_end and live.planned_end <= now:
            live.end = live.planned_end
        return ledger

    def save(self, file: Path) -> None:
        """Write the ledger to a file."""
        file.write_text(json.dumps([asdict(equivent) for equivent in self._all]), "utf-8")

    @property
    def live(self) -> Equivent | None:
        """Return the equivent that is really live."""
        return next((equivent for equivent in self._all if equivent.end is None), None)

    def start(self, now: float, minutes: float | None, lag: float) -> Equivent:
        """Start an equivent, planned for some minutes or without a planned end."""
        if self.live:
            raise ControlError("An equivent is live already.", 409)
        planned = None
        if minutes is not None:
            minutes = number(minutes, "duration", 0.01, 1_440)
            planned = int(now) + max(1, round(minutes * 60))
        new = Equivent(int(now), planned, start_shown=now + lag)
        self._all.insert(0, new)
        return new

    def end(self, now: float, lag: float) -> Equivent:
        """End the live equivent."""
        if not (live := self.live):
            raise ControlError("No equivent is live.", 409)
        live.end = max(int(now), live.start + 1)
        live.end_shown = now + lag
        return live

    def data(self, now: float, shape: Shape, shown: int = SHOWN) -> dict[str, Any]:
        """Return the `data` of an answer at some time."""
        known = [equivent for equivent in self._all if equivent.start_shown <= now]
        past = [
            event(equivent.start, equivent.end) for equivent in known if equivent.ended_for_api(now)
        ]
        live = next((equivent for equivent in known if not equivent.ended_for_api(now)), None)
        current = None
        if live and shape == "legacy":
            past.insert(0, event(live.start, None))
        elif live:
            current = event(live.start, live.planned_end)
        return {"current_event": current, "previous_events": past[:shown]}


def event(start: int, end: int | None) -> dict[str, int | None]:
    """Return an equivent in the API's format."""
    return {"start_time": start, "end_time": end}


def payload(current: object, previous: Iterable[object]) -> dict[str, Any]:
    """Return the body of a valid answer."""
    data = {"current_event": current, "previous_events": list(previous)}
    return {"success": True, "msg": None, "data": data}


@dataclass
class Limiter:
    """Both limits of the API for one token; rejected calls do not count."""

    admitted: deque[float] = field(default_factory=deque)

    def admit(self, now: float) -> int | None:
        """Count a call, or return the whole seconds to wait."""
        while self.admitted and now - self.admitted[0] >= WINDOW:
            self.admitted.popleft()
        wait = 0.0
        if self.admitted:
            wait = self.admitted[-1] + GAP - now
        if len(self.admitted) >= WINDOW_CALLS:
            wait = max(wait, self.admitted[0] + WINDOW - now)
        if wait > 0:
            return math.ceil(wait)
        self.admitted.append(now)
        return None


@dataclass(frozen=True)
class Call:
    """Received API call, or a webhook call."""

    time: float
    kind: Literal["api", "webhook"]
    method: str
    target: str
    status: int | str


def number(value: object, name: str, low: float, high: float) -> float:
    """Check that a value is a number within limits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError(f"The {name} must be a number.")
    if not low <= value <= high:
        raise ControlError(f"The {name} must be between {low:g} and {high:g}.")
    return value


def checked_address(value: object) -> str | None:
    """Check a webhook address; the error does not contain it, as it is secret."""
    if not value:
        return None
    with contextlib.suppress(ValueError):
        address = str(value).strip()
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return address
    raise ControlError("A webhook address starts with http:// or https://.")


def masked(address: str) -> str:
    """Return an address without its secret."""
    parts = urlsplit(address)
    path = "/api/webhook/…" if parts.path.startswith("/api/webhook/") else "/…"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{path}"
