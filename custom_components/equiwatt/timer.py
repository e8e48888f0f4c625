"""Timer that can be reset, and is closed with its owner."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .const import DOMAIN


class Timer:
    """Calls an action once, some seconds after it was last set."""

    def __init__(self, hass: HomeAssistant, name: str, action: Callable[[], None]) -> None:
        """Initialize the timer, not set."""
        self._hass = hass
        self._name = name
        self._action = action
        self._cancel: CALLBACK_TYPE | None = None
        self._due = 0.0
        self._is_closed = False

    @property
    def is_set(self) -> bool:
        """Return True while the action is pending."""
        return self._cancel is not None

    @callback
    def async_set(self, seconds: float | None) -> None:
        """Set the timer to some seconds from now, or cancel it if None."""
        if self._cancel:
            self._cancel()
            self._cancel = None
        if seconds is not None and not self._is_closed:
            job = HassJob(self._fire, f"{DOMAIN} {self._name}", cancel_on_shutdown=True)
            self._due = self._hass.loop.time() + seconds
            self._cancel = async_call_later(self._hass, max(0, seconds), job)

    @callback
    def async_bring_forward(self, seconds: float) -> None:
        """Set the timer to some seconds from now if it is set to a later time."""
        if self._cancel and self._hass.loop.time() + seconds < self._due:
            self.async_set(seconds)

    @callback
    def async_close(self) -> None:
        """Cancel the timer for good."""
        self._is_closed = True
        self.async_set(None)

    @callback
    def _fire(self, _: datetime) -> None:
        """Call the action."""
        self._cancel = None
        self._action()
