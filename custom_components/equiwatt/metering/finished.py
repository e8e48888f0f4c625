"""What is over: which of it is still to be measured, and what is known of the rest."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from .baseline import Estimate, Reason, Window, window_of

PATIENCE = timedelta(hours=48)
"""For how long after an equivent its readings may come."""


class Equivent(Protocol):
    """An equivent, as far as it matters here."""

    @property
    def start(self) -> datetime:
        """Return when it started."""

    @property
    def end(self) -> datetime | None:
        """Return when it ends or ended, None if nobody knows."""


class Account(Protocol):
    """What the meter asks of an account, and leaves with it."""

    def now(self) -> datetime:
        """Return the time by which equivents start and end."""

    @property
    def live(self) -> Equivent | None:
        """Return the live equivent, be it a rehearsal."""

    @property
    def is_announcing(self) -> bool:
        """Return True while nobody has heard yet of a start or an end."""

    @property
    def ended(self) -> Equivent | None:
        """Return the real one that ended last, unless it is among the past ones."""

    @property
    def past(self) -> Sequence[Equivent]:
        """Return the finished real ones, newest first: another object once they have changed."""

    def result_of(self, equivent: Equivent) -> Estimate | None:
        """Return what was kept of a finished equivent."""

    def keep_result(self, equivent: Equivent, result: Estimate) -> None:
        """Keep what is final of a finished equivent, be it that nothing is known."""


class Finished:
    """The finished equivents of an account, and its last rehearsal, of which nothing is stored."""

    def __init__(self, account: Account) -> None:
        """Start without a rehearsal."""
        self._account = account
        self._rehearsal: Equivent | None = None
        self._rehearsed: Estimate | None = None
        self._too_slow: set[datetime] = set()
        """When equivents began that this meter is too slow for."""

    def rehearse(self, rehearsal: Equivent) -> None:
        """Let a rehearsal be what ended last."""
        self._rehearsal, self._rehearsed = rehearsal, None

    @property
    def real(self) -> Sequence[Equivent]:
        """Return the real ones, newest first, whether or not the API lists the last already."""
        ended, past = self._account.ended, self._account.past
        return (ended, *past) if ended else past

    @property
    def latest(self) -> Equivent | None:
        """Return what ended last, but for what was too short to be measured."""
        return next((each for each in self._all() if self._window(each)), None)

    def unfinished(self) -> list[Equivent]:
        """Return those whose readings may still come, what ended last first."""
        now = self._account.now()
        recent = (each for each in self._all() if each.end and now - each.end < PATIENCE)
        return [each for each in recent if not self._is_kept(each)]

    def patience(self, equivent: Equivent) -> timedelta:
        """Return for how long its readings may come: a rehearsal's are not waited for."""
        return timedelta() if equivent is self._rehearsal else PATIENCE

    def result_of(self, equivent: Equivent) -> Estimate | None:
        """Return what is final of one of them."""
        return self._rehearsed if equivent is self._rehearsal else self._account.result_of(equivent)

    def keep(self, equivent: Equivent, result: Estimate) -> None:
        """Keep what is final of one of them."""
        if result.reason is Reason.METER_TOO_SLOW:
            self._too_slow.add(equivent.start)
        if equivent is self._rehearsal:
            self._rehearsed = result
        else:
            self._account.keep_result(equivent, result)

    def _all(self) -> Sequence[Equivent]:
        """Return all of them, what ended last first: the API may list later what was missed."""
        if self._rehearsal is None:
            return self.real
        return sorted((self._rehearsal, *self.real), key=_over, reverse=True)

    def _window(self, equivent: Equivent) -> Window | None:
        """Return when the energy of one that is over is counted."""
        return window_of(equivent.start, equivent.end, self._account.now())

    def _is_kept(self, equivent: Equivent) -> bool:
        """Return True if there is nothing to measure of it any more.

        What another meter was too slow for is measured by the one that has been chosen since.
        """
        window, kept = self._window(equivent), self.result_of(equivent)
        if window is None or kept is None:
            return window is None
        if kept.reason is Reason.METER_TOO_SLOW and equivent.start not in self._too_slow:
            return False
        return (kept.start, kept.end) == (window.start, window.end)


def _over(equivent: Equivent) -> datetime:
    """Return when one was over, as far as that is known."""
    return equivent.end or equivent.start
