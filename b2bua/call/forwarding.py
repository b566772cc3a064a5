"""Phones that send the calls which ring them to somebody else (302, RFC 3261 §21.3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from b2bua.call.attempt import Reply
from b2bua.call.callee import Dial
from b2bua.errors import Declined
from b2bua.sip.session import Refused


@dataclass(frozen=True, slots=True)
class Onward:
    """Where a phone sent a call."""

    reply: Reply
    """What became of that phone."""
    reason: str
    """In words."""
    dials: tuple[Dial, ...] = ()
    """Whom to ring in its place."""


class Forwards:
    """Follows phones within one ringing: nobody rings twice by it, so that no circle goes on."""

    def __init__(self, dials: Iterable[Dial]) -> None:
        """``dials`` are those who are rung in any case."""
        self._rung = {_whom(dial) for dial in dials}

    async def follow(self, dial: Dial, refused: Refused) -> Onward | None:
        """Return where ``dial`` sends the call; None: it refused as others do."""
        if dial.forward is None or not 300 <= refused.status < 400:
            return None
        try:
            reached = await dial.forward(tuple([contact.uri for contact in refused.contacts]))
        except Declined as declined:
            return Onward(Reply.REJECTED, declined.why)
        if not reached.dials:
            return Onward(Reply.OFFLINE, f"forwards to {reached.who}, but {reached.why_not}")
        dials = tuple([each for each in reached.dials if _whom(each) not in self._rung])
        self._rung.update(map(_whom, dials))
        return Onward(Reply.FORWARDED, f"forwarded to {reached.who}", dials)


def _whom(dial: Dial) -> str:
    """Return whom it rings: one person's phones are all rung together."""
    return dial.person or dial.number or dial.uri
