"""The running timer of one session: refresh it, or notice that nobody did (RFC 4028 §7-§10)."""

from __future__ import annotations

from collections.abc import Callable

from b2bua.sip.alarms import Alarm
from b2bua.sip.core import Core
from b2bua.sip.message import Request, Response
from b2bua.sip.session_timers import (
    LEAST_S,
    SessionExpires,
    has_timer,
    is_too_short,
    least_interval,
    session_expires,
)

Lines = tuple[tuple[str, str], ...]

SHORTEST_S = 10
"""A peer that agrees to less than the RFC's 90 s does not make us flood it."""


class SessionTimer:
    """Counts from each INVITE or UPDATE that was answered with 2xx."""

    __slots__ = (
        "_alarms", "_core", "_expire", "_least_s", "_refresh", "_wanted_s", "interval_s", "is_ours",
    )  # fmt: skip

    def __init__(self, core: Core, *, refresh: Callable[[], None], expire: Callable[[], None]) -> None:
        """``refresh`` is called when our refresh is due, ``expire`` when the session is dead."""
        self.interval_s: int | None = None
        """What is agreed; None: the session lives until somebody hangs up."""
        self.is_ours = False
        """Whether we refresh."""
        self._core = core
        self._refresh = refresh
        self._expire = expire
        self._wanted_s = core.session_timers.interval_s
        self._least_s = core.session_timers.least_s
        self._alarms: list[Alarm] = []

    def request_headers(self) -> Lines:
        """Return what an INVITE or UPDATE of ours asks for (§7.1, §7.4)."""
        seconds = self.interval_s or self._wanted_s
        if seconds is None:
            return ()
        refresher = None if self.interval_s is None else "uac" if self.is_ours else "uas"
        expires = SessionExpires(max(seconds, self._least_s), refresher)
        least = (("Min-SE", str(self._least_s)),) if self._least_s > LEAST_S else ()
        return (("Session-Expires", str(expires)), *least)

    def raise_interval(self, refusal: Response) -> bool:
        """Take the Min-SE of a 422; return whether that leaves something to try (§7.3)."""
        least = least_interval(refusal)
        if least <= self._least_s:
            return False
        self._least_s = least
        return True

    def agreed(self, response: Response, *, least_s: int = 0) -> None:
        """Count from the 2xx to our INVITE or UPDATE; one without Session-Expires ends it (§7.2).

        ``least_s`` is the Min-SE that a 422 made us put there: later refreshes repeat it (§7.4).
        """
        self._least_s = max(self._least_s, least_s)
        expires = session_expires(response)
        if expires is None:
            self.stop()
        else:
            self._start(expires.seconds, is_ours=expires.refresher != "uas")

    def refusal_headers(self, request: Request) -> Lines | None:
        """Return what a 422 to ``request`` says, None where its wish can be met."""
        timers = self._core.session_timers
        return (("Min-SE", str(timers.least_s)),) if is_too_short(request, timers) else None

    def answer_headers(self, request: Request) -> Lines:
        """Return what our 2xx to an INVITE or UPDATE agrees to, and count from it (§9).

        Where the peer leaves it open we refresh: then we notice by ourselves that it died.
        """
        self._least_s = max(self._least_s, least_interval(request))  # our refreshes repeat it (§7.4)
        asked = session_expires(request)
        can_refresh = has_timer(request)
        seconds = self._agreeable(request, asked)
        if seconds is None or (asked is None and not can_refresh):
            self.stop()
            return ()
        is_theirs = can_refresh and asked is not None and asked.refresher == "uac"
        self._start(seconds, is_ours=not is_theirs)
        expires = SessionExpires(seconds, "uac" if is_theirs else "uas")
        required = (("Require", "timer"),) if is_theirs else ()
        return (("Session-Expires", str(expires)), *required)

    def _agreeable(self, request: Request, asked: SessionExpires | None) -> int | None:
        """Return the shorter of both wishes: not below the peer's least, nor above what it asked for."""
        wanted = self._wanted_s
        if asked is None:
            return None if wanted is None else max(wanted, least_interval(request))
        if wanted is None:
            return asked.seconds
        return min(asked.seconds, max(wanted, least_interval(request)))

    def _start(self, seconds: int, *, is_ours: bool) -> None:
        self.stop()
        self.interval_s, self.is_ours = seconds, is_ours
        seconds = max(seconds, SHORTEST_S)
        over = self._core.now() + seconds - min(32.0, seconds / 3)
        self._alarms.append(self._core.alarms.set(over, self._expire))
        if is_ours:
            self.refresh_in(seconds / 2)

    def refresh_in(self, seconds: float) -> None:
        """Try to refresh that much later, unless the session expires before."""
        if self._alarms:
            self._alarms.append(self._core.alarms.set(self._core.now() + seconds, self._refresh))

    def stop(self) -> None:
        """Let the session live until somebody hangs up."""
        for alarm in self._alarms:
            alarm.cancel()
        self._alarms.clear()
        self.interval_s = None

    def close(self) -> None:
        """Stop for good: there is nobody to call any more."""
        self.stop()
        self._refresh = self._expire = _nobody


def _nobody() -> None:
    """Whose timer it was is closed."""
