"""What happens to an INVITE and to the session it makes, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2bua.sip.causes import OF_THE_CALLED
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Response
from b2bua.sip.uri import SipUri

if TYPE_CHECKING:
    from b2bua.sip.session.established import Session


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session, or an INVITE before its answer, is over."""

    by: str
    """``remote``, ``local``, ``network``, or ``media``: we lost its sound."""
    why: str
    """In plain words, for the journal."""
    status: int | None = None
    """SIP status or Q.850-like cause that the far end named."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional response other than 100."""

    status: int
    """101..199."""
    reason: str
    """Reason phrase."""
    body: bytes
    """SDP of early media, or empty."""
    to_tag: str
    """Which fork it came from."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The first 2xx; it has been acknowledged."""

    session: Session
    """The confirmed dialog."""
    body: bytes
    """The answer to our offer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The INVITE ended without a session."""

    status: int
    """300..699; with ``is_local`` 408 for silence, 503 for a dead destination, 487 when we cancelled."""
    reason: str
    """Reason phrase."""
    is_local: bool = False
    """No peer said so."""
    retry_after: int | None = None
    """Seconds, when the peer named them."""
    telephone_cause: int | None = None
    """The Q.850 cause that came with it (RFC 3326): what the telephone network beyond the peer said."""
    contacts: tuple[NameAddr, ...] = ()
    """Where a 3xx sends us, the most wanted first."""
    untried: tuple[SipUri, ...] = ()
    """Where a 3xx that may be followed sent it as well: a name, to be looked up, and what comes after."""

    @property
    def is_out_of_order(self) -> bool:
        """Whether that server is silent or cannot serve, and not whom it has called (RFC 3263 §4.3)."""
        is_unable = self.status == 503 and self.telephone_cause not in OF_THE_CALLED
        return is_unable or (self.is_local and self.status == 408)


InviteEvent = Progress | Answered | Refused


def retry_after(response: Response) -> int | None:
    """Return the seconds of Retry-After (RFC 3261 §20.33), None where there are none to be read."""
    digits = (response.headers.get("Retry-After") or "").split(";")[0].split("(")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
