"""The equiwatt beta API: one endpoint, its limits and its errors.

Sources: the provider's help page (address, bearer token, 1 call/s, 10 calls/min) and its community
forum. How errors look is documented nowhere, so every deviation is an error of its own kind.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
import json
import re
import time

import aiohttp
from yarl import URL

from .answer import EARLIEST, LATEST, Answer, MalformedError, parse

TIMEOUT = aiohttp.ClientTimeout(total=10)
MAX_BODY = 1024 * 1024
MAX_AGE = 60
"""Seconds since which an answer may have lain in a cache."""
DEFAULT_RETRY_AFTER = 60
MAX_RETRY_AFTER = 3600

CALL_GAP = 1.0
CALLS_PER_WINDOW = 10
CALL_WINDOW = 60.0
MARGIN = 0.01  # timers may fire a little early, and the server's clock is not ours


class EquiwattError(Exception):
    """A call brought no equivents; `reason` is the word for the cause in translations."""

    reason: str


class InvalidTokenError(EquiwattError):
    """The token is refused."""

    reason = "invalid_auth"


class RateLimitedError(EquiwattError):
    """Too many calls; `retry_after` is how many seconds to wait."""

    reason = "rate_limited"

    def __init__(self, message: str, retry_after: float) -> None:
        """Keep the seconds to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(EquiwattError):
    """The service cannot be reached, or says that it is broken."""

    reason = "cannot_connect"


class UnexpectedResponseError(EquiwattError):
    """The answer is not one of the API."""

    reason = "unexpected_response"


class RateLimiter:
    """Keeps all calls of one token within the provider's limits, first come first served.

    Calls are made one at a time and counted from when their answer arrived: the server has seen
    them by then, so the gaps that hold here hold there too, however slow the way is.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Start with no calls made."""
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._answered: deque[float] = deque(maxlen=CALLS_PER_WINDOW)
        self._barred_until = 0.0

    @asynccontextmanager
    async def turn(self, patience: float | None = None) -> AsyncIterator[None]:
        """Wait for the turn to make one call, which is made inside.

        Raise RateLimitedError if the turn does not come within the seconds of patience.
        """
        if patience is not None and self.barred_for > patience:
            raise RateLimitedError("Too many calls", self.barred_for)
        try:
            async with asyncio.timeout(patience):
                await self._async_take_turn()
        except TimeoutError:
            raise RateLimitedError("Too many calls of our own", self._wait()) from None
        try:
            yield
        finally:
            self._answered.append(self._clock())
            self._turn.release()

    def bar(self, seconds: float) -> None:
        """Make every call wait for so long, as the provider asks for it."""
        self._barred_until = self._clock() + seconds

    @property
    def barred_for(self) -> float:
        """Seconds to the time that the provider named, nothing once it has come."""
        return max(0.0, self._barred_until - self._clock())

    async def _async_take_turn(self) -> None:
        """Wait until no other call is under way and all limits allow one."""
        await self._turn.acquire()
        try:
            while (wait := self._wait()) > 0:
                await self._sleep(wait + MARGIN)
        except asyncio.CancelledError:
            self._turn.release()
            raise

    def _wait(self) -> float:
        """Return the seconds until the next call is within both limits."""
        free = self._barred_until
        if self._answered:
            free = max(free, self._answered[-1] + CALL_GAP)
        if len(self._answered) == CALLS_PER_WINDOW:
            free = max(free, self._answered[0] + CALL_WINDOW)
        return free - self._clock()

    @property
    def is_idle(self) -> bool:
        """Return True if there are no calls that count, nor any under way."""
        return not (self.recent_calls or self.barred_for or self._turn.locked())

    @property
    def recent_calls(self) -> int:
        """Return how many calls were answered in the last minute."""
        return sum(answered > self._clock() - CALL_WINDOW for answered in self._answered)


class EquiwattClient:
    """Reads the equivents of one account."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        url: str,
        limiter: RateLimiter,
        utcnow: Callable[[], datetime],
    ) -> None:
        """Keep what a call needs; the clock is for a Retry-After that is a date."""
        self._session = session
        self._token = token
        self._url = url
        self._limiter = limiter
        self._utcnow = utcnow
        self.server_time: datetime | None = None
        """The server's time by the Date header of the last answer."""

    @property
    def recent_calls(self) -> int:
        """Return how many calls of the token were answered in the last minute."""
        return self._limiter.recent_calls

    @property
    def barred_for(self) -> float:
        """Seconds to the time before which the provider wants no call."""
        return self._limiter.barred_for

    async def async_get_equivents(self, patience: float | None = None) -> Answer:
        """Ask the API once, waiting for a free place within its limits.

        Raises InvalidTokenError (401, 403, or a token no header can carry), RateLimitedError (429,
        or no free place within the seconds of patience), UnreachableError (network, time-out, 5xx)
        or UnexpectedResponseError (everything else).
        """
        if not re.fullmatch(r"[!-~]+", self._token):
            raise InvalidTokenError("The token has characters that no token has")
        async with self._limiter.turn(patience):
            answer = await self._fetch()
        # Raised here, outside of any except clause: aiohttp's errors keep the request's headers,
        # and with them the token, and must not hang on ours as their context.
        if isinstance(answer, RateLimitedError):
            self._limiter.bar(answer.retry_after)
        if isinstance(answer, EquiwattError):
            raise answer
        return answer

    async def _fetch(self) -> Answer | EquiwattError:
        """Make the call and return its outcome."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "Connection": "close",  # one kept open would be closed by the server between two polls
        }
        try:
            async with self._session.get(
                self._url,
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                middlewares=(_send_once,),
            ) as response:
                self.server_time = read_date(response.headers.get("Date"))
                body = await _read(response)
                return self._error(response, body) or parse(json.loads(body.decode()))
        except (TimeoutError, aiohttp.ClientConnectionError) as err:
            return UnreachableError(f"No connection: {type(err).__name__}")
        except Exception as err:  # noqa: BLE001  # whatever a server sends is no fault of ours
            detail = err if isinstance(err, MalformedError) else "garbled or broken off"
            return UnexpectedResponseError(f"Not an answer of the API: {detail}")

    def _error(self, response: aiohttp.ClientResponse, body: bytes) -> EquiwattError | None:
        """Return the error of an answer without equivents."""
        match response.status:
            case HTTPStatus.OK:
                age = response.headers.get("Age", "")
                is_copy = re.fullmatch(r"[0-9]+", age) and float(age) > MAX_AGE
                return UnexpectedResponseError("An old copy of an answer") if is_copy else None
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN as status if not _is_page(body):
                return InvalidTokenError(f"The token is refused (status {status})")
            case HTTPStatus.TOO_MANY_REQUESTS:
                header = response.headers.get("Retry-After")
                now = self.server_time or self._utcnow()  # by whose clock a date is meant
                return RateLimitedError("Too many calls", retry_after(header, now))
            case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return UnreachableError(f"The service is out of order (status {status})")
            case status:
                return UnexpectedResponseError(f"Not an answer of the API: status {status}")


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending again when a connection breaks: two calls within a second."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as err:
        raise aiohttp.ClientConnectionError(type(err).__name__) from err


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; one over the size raises before it fills the memory."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_BODY:
            raise MalformedError("too large")
    return bytes(body)


def _is_page(body: bytes) -> bool:
    """Return True for HTML, which is a proxy's and not of the API."""
    return body.lstrip().startswith(b"<")


def retry_after(header: str | None, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for, or 60 when it asks nothing sane."""
    seconds = 0.0
    if header and re.fullmatch(r"[0-9]{1,9}", header.strip()):
        seconds = float(header)
    elif when := read_date(header):
        seconds = (when - now).total_seconds()
    return seconds if 0 < seconds <= MAX_RETRY_AFTER else DEFAULT_RETRY_AFTER


def read_date(header: str | None) -> datetime | None:
    """Return the time that a header tells, aware UTC, or None when it tells none."""
    try:
        when = parsedate_to_datetime(header or "")
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except ValueError, OverflowError:  # no date, or one before or after all dates
        return None
    return when if EARLIEST <= when <= LATEST else None


def clean_token(text: str) -> str:
    """Return a pasted token without blanks and a leading `Bearer` (it tripped the first users)."""
    return re.sub(r"^bearer\s+", "", text.strip(), flags=re.IGNORECASE)


def is_secure(url: str) -> bool:
    """Return True if the token may travel to an address: by https, or within this machine."""
    try:
        parsed = URL(url)
    except ValueError:
        return False
    if not parsed.host or parsed.user is not None or parsed.password is not None:
        return False
    return parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host))


def _is_loopback(host: str) -> bool:
    """Return True if a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
