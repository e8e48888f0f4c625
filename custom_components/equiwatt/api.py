"""Clients of the API, which share a limiter for each token."""

from hashlib import sha256

from aiohttp import DummyCookieJar

from homeassistant.const import CONF_TOKEN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .equivents.client import EquiwattClient, RateLimiter

MAX_WAIT = 5.0
"""Seconds for which a dialog or a set-up waits for its turn within the limits."""

LIMITERS: HassKey[dict[str, RateLimiter]] = HassKey(f"{DOMAIN}_limiters")
"""Limiters by the digest of their token."""


@callback
def async_get_client(hass: HomeAssistant, token: str, url: str) -> EquiwattClient:
    """Return a client that shares its limits with all others of the token."""
    limiters, digest = hass.data.setdefault(LIMITERS, {}), _digest(token)
    _drop_unused(hass, limiters)
    limiter = limiters.setdefault(digest, RateLimiter(hass.loop.time))
    session = async_create_clientsession(hass, cookie_jar=DummyCookieJar())
    return EquiwattClient(session, token, url, limiter, dt_util.utcnow)


def _drop_unused(hass: HomeAssistant, limiters: dict[str, RateLimiter]) -> None:
    """Drop the idle limiters of tokens that no entry uses, such as mistyped ones."""
    used = {_digest(entry.data[CONF_TOKEN]) for entry in hass.config_entries.async_entries(DOMAIN)}
    for digest in [digest for digest, limiter in limiters.items() if limiter.is_idle]:
        if digest not in used:
            del limiters[digest]


def _digest(token: str) -> str:
    """Return the digest of a token."""
    return sha256(token.encode()).hexdigest()
