"""Two or more endpoints on a memory network, for the stories of this folder."""

from __future__ import annotations

from random import Random

from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.session import IncomingInvite, OutgoingInvite, Session
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork, MemoryTransport, Packet

OFFER = b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
ANSWER = OFFER.replace(b"10.0.0.1", b"10.0.0.2")
ALICE = Hop("udp", "10.0.0.1", 5060)
BOB = Hop("udp", "10.0.0.2", 5060)


def endpoint(network: MemoryNetwork, hop: Hop, seed: int = 1) -> SipEndpoint:
    """Return an endpoint at ``hop`` whose tags and delays repeat."""
    made = SipEndpoint(user_agent="test", random=Random(f"{hop}{seed}"))
    made.attach(network.transport(hop.host, hop.port, transport=hop.transport))
    return made


def call(caller: SipEndpoint, hop: Hop = BOB, **extra: object) -> OutgoingInvite:
    """Let ``caller`` ring ``hop``."""
    return caller.invite(
        uri=f"sip:bob@{hop.authority}",
        hop=hop,
        from_=NameAddr.parse("Alice <sip:alice@10.0.0.1>"),
        **{"offer": OFFER, **extra},  # type: ignore[arg-type]
    )


class Answerer:
    """Answers each call at once after ringing, and keeps its sessions."""

    def __init__(self, endpoint: SipEndpoint) -> None:
        self.invites: list[IncomingInvite] = []
        self.sessions: list[Session] = []
        endpoint.on_invite = self._take

    def _take(self, invite: IncomingInvite) -> None:
        self.invites.append(invite)
        invite.progress(180)
        session = invite.accept(ANSWER)
        session.on_offer = lambda offer: ANSWER
        session.on_late_offer = lambda: OFFER
        self.sessions.append(session)


__all__ = [
    "ALICE",
    "ANSWER",
    "BOB",
    "OFFER",
    "Answerer",
    "MemoryNetwork",
    "MemoryTransport",
    "Packet",
    "call",
    "endpoint",
]
