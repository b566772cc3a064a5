"""INVITE from its first byte to the last ACK: incoming, outgoing, and the session between them."""

from __future__ import annotations

from b2bua.sip.session.established import Session
from b2bua.sip.session.events import Answered, Ending, InviteEvent, Progress, Refused
from b2bua.sip.session.incoming import IncomingInvite
from b2bua.sip.session.outgoing import OutgoingInvite
from b2bua.sip.session.referral import OutgoingReferral, Referral

__all__ = [
    "Answered",
    "Ending",
    "IncomingInvite",
    "InviteEvent",
    "OutgoingInvite",
    "OutgoingReferral",
    "Progress",
    "Referral",
    "Refused",
    "Session",
]
