"""Client of the equiwatt beta API: one endpoint, its limits and its errors.

Sources: the provider's help page (address, bearer token, 1 call/s, 10 calls/min) and its community
forum. Errors are not documented, so every deviation is classified.
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
"""Seconds for which an answer may have been cached."""
DEFAULT_RETRY_AFTER = 60

CALL_GAP = 1.0
CALLS_PER_WINDOW = 10
CALL_WINDOW = 60.0
MARGIN = 0.01  # timers may fire early, and the server's clock drifts


class EquiwattError(Exception):
    """Base of all errors; `reason` is the translation key."""

    reason: str


class InvalidTokenError(EquiwattError):
    """The token is refused."""

    reason = "invalid_auth"


class RateLimitedError(EquiwattError):
    """There were too many calls; `retry_after` is the time to wait in seconds."""

    reason = "rate_limited"

    def __init__(self, message: str, retry_after: float) -> None:
        """Initialize with the time to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(EquiwattError):
    """The service cannot be reached or reports a server error."""

    reason = "cannot_connect"


class UnexpectedResponseError(EquiwattError):
    """The answer is not the API's."""

    reason = "unexpected_response"


class RateLimiter:
    """Keeps the calls of a token within the provider's limits, in order of arrival.

    Calls are made one at a time and counted from the arrival of their answer. The server has
    received them by then, so its limits are kept even if the connection is slow.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Initialize without calls."""
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._answered: deque[float] = deque(maxlen=CALLS_PER_WINDOW)
        self._blocked_until = 0.0

    @asynccontextmanager
    async def turn(self, patience: float | None = None) -> AsyncIterator[None]:
        """Wait for the turn to make one call inside the context.

        Raise RateLimitedError if the turn does not come within `patience` seconds.
        """
        if patience is not None and self.blocked_for > patience:
            raise RateLimitedError("Too many calls", self.blocked_for)
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

    def block(self, seconds: float) -> None:
        """Delay all calls, as requested by the provider."""
        self._blocked_until = self._clock() + seconds

    @property
    def blocked_for(self) -> float:
        """Seconds until the provider accepts calls."""
        return max(0.0, self._blocked_until - self._clock())

    async def _async_take_turn(self) -> None:
        """Wait until no other call is in progress and the limits allow one."""
        await self._turn.acquire()
        try:
            while (wait := self._wait()) > 0:
                await self._sleep(wait + MARGIN)
        except asyncio.CancelledError:
            self._turn.release()
            raise

    def _wait(self) -> float:
        """Return the seconds until the limits allow a call."""
        free = self._blocked_until
        if self._answered:
            free = max(free, self._answered[-1] + CALL_GAP)
        if len(self._answered) == CALLS_PER_WINDOW:
            free = max(free, self._answered[0] + CALL_WINDOW)
        return free - self._clock()

    @property
    def is_idle(self) -> bool:
        """Return True if no call is recent or in progress."""
        return not (self.recent_calls or self.blocked_for or self._turn.locked())

    @property
    def recent_calls(self) -> int:
        """Number of calls answered in the last minute."""
        return sum(answered > self._clock() - CALL_WINDOW for answered in self._answered)


class EquiwattClient:
    """Client of one account."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        url: str,
        limiter: RateLimiter,
        utcnow: Callable[[], datetime],
    ) -> None:
        """Initialize the client. `utcnow` is compared with dates in Retry-After."""
        self._session = session
        self._token = token
        self._url = url
        self.limiter = limiter
        self._utcnow = utcnow
        self.server_time: datetime | None = None
        """Date header of the last answer."""

    async def async_get_equivents(self, patience: float | None = None) -> Answer:
        """Request the equivents, waiting for a turn within the limits.

        Raise InvalidTokenError (401, 403, or a token that no header can hold), RateLimitedError
        (429, or no turn within `patience` seconds), UnreachableError (network, time-out, 5xx) or
        UnexpectedResponseError (everything else).
        """
        if not re.fullmatch(r"[!-~]+", self._token):
            raise InvalidTokenError("The token has characters that no token has")
        async with self.limiter.turn(patience):
            answer = await self._fetch()
        # Raised outside of any except clause: aiohttp's errors hold the request's headers with the
        # token, and must not become the context of ours.
        if isinstance(answer, RateLimitedError):
            self.limiter.block(answer.retry_after)
        if isinstance(answer, EquiwattError):
            raise answer
        return answer

    async def _fetch(self) -> Answer | EquiwattError:
        """Make the call. Return the answer or the error."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "Connection": "close",  # the server closes idle connections between polls
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
        except (TimeoutError, aiohttp.ClientError) as err:
            return UnreachableError(f"No connection: {type(err).__name__}")
        except Exception as err:  # noqa: BLE001  # a malformed answer may raise anything
            detail = err if isinstance(err, MalformedError) else "garbled"
            return UnexpectedResponseError(f"Not an answer of the API: {detail}")

    def _error(self, response: aiohttp.ClientResponse, body: bytes) -> EquiwattError | None:
        """Return the error of a response, None if it has none."""
        match response.status:
            case HTTPStatus.OK:
                age = response.headers.get("Age", "")
                is_copy = re.fullmatch(r"[0-9]+", age) and float(age) > MAX_AGE
                return UnexpectedResponseError("An old copy of an answer") if is_copy else None
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN as status if _is_of_the_api(body):
                return InvalidTokenError(f"The token is refused (status {status})")
            case HTTPStatus.TOO_MANY_REQUESTS:
                header = response.headers.get("Retry-After")
                now = self.server_time or self._utcnow()  # dates are by the server's clock
                return RateLimitedError("Too many calls", retry_after(header, now))
            case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return UnreachableError(f"The service is out of order (status {status})")
            case status:
                return UnexpectedResponseError(f"Not an answer of the API: status {status}")


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Prevent aiohttp from repeating a call on a broken connection, which breaks the limits."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as err:
        raise aiohttp.ClientConnectionError(type(err).__name__) from err


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body. Raise MalformedError, before reading it all, if it is too large."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_BODY:
            raise MalformedError("too large")
    return bytes(body)


def _is_of_the_api(body: bytes) -> bool:
    """Return True if the body is JSON or empty: pages and lines of text are a proxy's."""
    try:
        json.loads(body or b"null")
    except ValueError, RecursionError:
        return False
    return True


def retry_after(header: str | None, now: datetime) -> float:
    """Return the seconds of a Retry-After header, or 60 if missing or unreasonable."""
    seconds = 0.0
    if header and re.fullmatch(r"[0-9]{1,9}", header.strip()):
        seconds = float(header)
    elif when := read_date(header):
        seconds = (when - now).total_seconds()
    return seconds if seconds > 0 else DEFAULT_RETRY_AFTER


def read_date(header: str | None) -> datetime | None:
    """Return the time of a header in aware UTC, None if missing or malformed."""
    try:
        when = parsedate_to_datetime(header or "")
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except ValueError, OverflowError:  # malformed, or out of datetime's range
        return None
    return when if EARLIEST <= when <= LATEST else None


def clean_token(text: str) -> str:
    """Return a pasted token without blanks and a leading `Bearer`, a common mistake."""
    return re.sub(r"^bearer\s+", "", text.strip(), flags=re.IGNORECASE)


def is_secure(url: str) -> bool:
    """Return True if an address is safe for the token: https, or this machine."""
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
