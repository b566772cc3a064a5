"""Where 3xx responses send an INVITE (RFC 3261 §8.1.3.4)."""

from __future__ import annotations

from b2bua.errors import MalformedMessage
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Response
from b2bua.sip.resolver import literal_hop
from b2bua.sip.uri import SipUri

SILENCE_S = 4.0
"""A target that sends not even a 100 for so long is dead (row F13), and the next one is tried."""


class Redirection:
    """Every address once, the most wanted first, and not more of them than allowed: no circle goes on.

    A name ends it: whoever sent the INVITE can look that up, and call there and at the rest (``left``).
    """

    __slots__ = ("_is_secure", "_left", "_tried", "_waiting")

    def __init__(self, first: str, *, most: int) -> None:
        """``first`` is the request-URI that is tried already, ``most`` how many others may be."""
        self._tried: tuple[str, ...] = (first,)
        self._is_secure = first[:5].lower() == "sips:"
        self._left = most
        self._waiting: tuple[SipUri, ...] = ()

    def next_target(self, response: Response) -> SipUri | None:
        """Return what to try after that refusal, None when the refusal stands."""
        if self._left <= 0 or response.status >= 600:
            return None
        if response.status < 400:
            self._waiting = (*_targets(response), *self._waiting)
        while self._waiting and literal_hop(self._waiting[0]) is not None:
            target, *rest = self._waiting
            self._waiting = tuple(rest)
            if self._is_secure and not target.is_secure:
                continue  # nobody was asked whether the call may leave TLS (RFC 3261 §8.1.3.4)
            if str(target) not in self._tried:
                self._tried += (str(target),)
                self._left -= 1
                return target
        return None

    @property
    def left(self) -> tuple[SipUri, ...]:
        """What nobody tried yet, the most wanted first."""
        untried = [target for target in self._waiting if str(target) not in self._tried]
        return tuple([target for target in untried if target.is_secure or not self._is_secure])[: self._left]


def _targets(response: Response) -> list[SipUri]:
    """Return what can be called of the Contacts of a 3xx."""
    return [one.uri.with_(headers="") for one in contacts_of(response) if isinstance(one.uri, SipUri)]


def contacts_of(response: Response) -> tuple[NameAddr, ...]:
    """Return where a 3xx sends us, the most wanted first; other responses do not."""
    if not 300 <= response.status < 400:
        return ()
    try:
        return tuple(sorted(response.contacts, key=_q, reverse=True))
    except MalformedMessage:
        return ()


def _q(contact: NameAddr) -> float:
    try:
        return float(contact.parameter("q") or 1.0)
    except ValueError:
        return 0.0
