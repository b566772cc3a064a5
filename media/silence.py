"""Whether a far end from which sound should come has fallen silent."""

from __future__ import annotations

from media.flow import Flow
from media.incoming import IncomingStream
from media.sdp.agreement import StreamAgreement


class SilenceWatch:
    """Tells once when nothing came for too long, and again only after something came."""

    __slots__ = ("_asked_since", "_incoming", "_is_told", "due_since", "timeout_s")

    def __init__(self, incoming: IncomingStream) -> None:
        self.timeout_s = 0.0
        self.due_since = 0.0
        """Since when something should have come: who talks is to be heard though they only listened before,
        and a far end that reports by RTCP may be muted."""
        self._asked_since = 0.0
        self._incoming = incoming
        self._is_told = False

    def begin(self, now: float) -> None:
        """Take that something should come from now on."""
        self.due_since = self._asked_since = now

    def seconds(self, now: float, agreement: StreamAgreement | None) -> float:
        """Return how long nothing has come, whatever RTCP told meanwhile; 0 on hold, where nothing has to."""
        if agreement is None or not (agreement.sends and agreement.receives):
            return 0.0
        return round(now - max(self._asked_since, self._incoming.heard_at or 0.0), 1)

    def is_news(self, now: float, *, is_due: bool, flow: Flow | None) -> bool:
        """Return whether silence is to be told; the numbers of ``flow`` are settled before that is believed.

        ``is_due`` is whether the far end should be heard at all.
        """
        is_silent = is_due and self._is_silent(now)
        if is_silent and flow is not None:
            flow.settle()
            is_silent = self._is_silent(now)
        was_told, self._is_told = self._is_told, is_silent
        return is_silent and not was_told

    def _is_silent(self, now: float) -> bool:
        return now - max(self.due_since, self._incoming.heard_at or 0.0) >= self.timeout_s
