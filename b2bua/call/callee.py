"""The leg of whoever we ring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from b2bua.call.confirmation import Confirmation
from b2bua.call.digits import DtmfMode
from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.errors import Unavailable
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.session import Answered, OutgoingInvite, Refused
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, Uri, parse_uri
from media.client import MediaLeg
from media.sdp.crypto import SrtpPolicy, StreamKeys
from media.sdp.handshake import Handshake
from media.sdp.local import LocalMedia
from media.sdp.negotiate import read_answer

NO_SUCH_MEDIA = frozenset((415, 488, 606))
"""How phones without SRTP refuse ``RTP/SAVP``; a second INVITE then offers plain RTP with keys beside it."""
NO_SUCH_NETWORK = frozenset((488, 606))
"""How phones refuse an IP version that they have for signalling alone; a second INVITE offers the other."""


class Vigil(Protocol):
    """What is known of a device that may have died since it registered, and what its calls tell about it."""

    @property
    def is_silent(self) -> bool:
        """Whether it is known by now not to answer: it is not rung then."""

    @property
    def is_doubtful(self) -> bool:
        """Whether another one was just found silent, and only ringing this one can tell whether it is."""

    def note_quiet(self) -> None:
        """Take the news that it gave no sign of life for half a second."""

    def note_silent(self) -> None:
        """Take the news that it gave none for so long that it must be dead."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One device or number to ring: everything an INVITE needs, decided before it is sent."""

    who: str
    """Whom this reaches, as the journal calls them: ``Anna Nowak``, ``+48600100200``."""
    uri: str
    """Request-URI."""
    hop: Hop
    """Where the INVITE goes: the flow a phone registered over, or the trunk."""
    from_: NameAddr
    """Whom the answerer sees calling."""
    more_hops: tuple[Hop, ...] = ()
    """Where else, in order, when there is silence, a dead connection or a 503 (RFC 3263 §4.3)."""
    to: NameAddr | None = None
    """To header; the request-URI where absent."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers, e.g. P-Asserted-Identity and Diversion by the trunk's policy."""
    credentials: Credentials | None = None
    """For a trunk that challenges."""
    person: str | None = None
    """Key of the person, when it is one of ours: occupancy follows them."""
    name: str = ""
    """Whom it reaches, without the way: ``Anna Nowak``; empty: ``who``."""
    party: str = ""
    """Whom of ours it reaches that way, as a scheme names them: ``mobile of anna``; empty: ``person``."""
    number: str = ""
    """What others see of whom this reaches, once they are sent on to them: extension or E.164."""
    starts_after: float = 0.0
    """Seconds after the first INVITE of a staggered ring."""
    is_due: Callable[[], Awaitable[bool]] | None = None
    """Asked when its turn in a staggered ring has come: False, it is not rung after all; None: it is."""
    allows_nat: bool = False
    """Whether sound may come from another address than the SDP names."""
    after_refusal: Callable[[int], Dial | None] | None = None
    """Returns how else to say who calls when this is refused with that status (row D4)."""
    post_dial: str = ""
    """What is pressed once it has answered: digits, ``,`` and ``w`` for pauses."""
    confirmation: Confirmation | None = None
    """What whoever answers has to do before the call is theirs; None: an answer is enough."""
    srtp: SrtpPolicy | None = None
    """Whether sound is protected on this way; None: as toward our phones."""
    codecs: tuple[str, ...] = ()
    """What is offered on this way; empty: as toward our phones."""
    dtmf: DtmfMode = DtmfMode.AUTO
    """How keys are pressed on this way."""
    most_redirects: int = 0
    """To how many other addresses it may send us by 3xx."""
    resolve: Callable[[Uri], Awaitable[list[Hop]]] | None = None
    """Finds the addresses of a name among these; raises Unavailable."""
    forward: Callable[[Sequence[Uri]], Awaitable[Reached]] | None = None
    """Finds whom a phone of ours means that answers 3xx with these; raises Declined. None: it may not."""
    vigil: Vigil | None = None
    """Of a device that registered; None: whether it is alive is nobody's concern but the call's."""
    trunk: str = ""
    """By which of our trunks it goes; empty: none."""
    admit: Callable[[], Callable[[], None]] | None = None
    """Called before the INVITE: takes a channel, returns what gives it back; may raise Unavailable."""
    meter: Callable[[], Callable[[], None]] | None = None
    """Called when it has answered: counts what that costs, returns what ends it; None: nobody counts."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What one target of a scheme comes to at this moment."""

    who: str
    """The target in the journal's words."""
    dials: tuple[Dial, ...]
    """Every device or number to ring for it; empty when it cannot be reached now."""
    why_not: str = ""
    """Why ``dials`` is empty: ``phone is off``, ``all lines of trunk provider are busy``."""
    person: str | None = None
    """Key of the person, when it is one of ours."""
    is_excused: bool = False
    """The person takes no calls now: ``why_not`` says what they are, ``in a meeting until 15:00``."""


class CalleeLeg(Leg):
    """An INVITE that we send. ``invite`` sounds it; ``accept`` makes it a talking leg.

    Raises:
        Unavailable: the trunk has no channel left.
    """

    __slots__ = ("_has_turned", "_keys", "_offer", "_targets", "dial")

    def __init__(
        self, dial: Dial, media: MediaLeg, profile: SoundProfile, *, caller: Leg | None = None
    ) -> None:
        profile = profile.of_party(dial.srtp, dial.codecs, dial.dtmf)
        if caller is not None:
            profile = profile.first(caller.wanted_codecs, ptime_ms=caller.wanted_ptime_ms)
        super().__init__(
            dial.who,
            media,
            peer=dial.hop.host,
            profile=profile,
            allows_nat=dial.allows_nat,
            person=dial.person,
            number=dial.number,
        )
        self.dial = dial
        self.post_dial = dial.post_dial
        self._targets: list[SipUri] = []
        """Where a 3xx sent us, and nobody called yet."""
        self._has_turned = False
        """Whether the IP version was tried that its signalling does not go by."""
        self._keys: dict[Handshake, StreamKeys] = {}
        """What the handshakes with those have come to who were heard while it rang."""
        self._offer = self.description.offer()
        if dial.admit is not None:
            self.at_end(dial.admit())

    @property
    def party(self) -> str:
        """Whom of ours it is, as a scheme names them; empty: nobody of ours."""
        return self.dial.party or super().party

    def invite(self, endpoint: SipEndpoint) -> OutgoingInvite:
        """Send the INVITE."""
        invite = endpoint.invite(
            uri=self.dial.uri,
            hop=self.dial.hop,
            from_=self.dial.from_,
            to=self.dial.to,
            offer=self._offer,
            headers=self.dial.headers,
            credentials=self.dial.credentials,
            max_forwards=self.max_forwards,
            most_redirects=self.dial.most_redirects,
        )
        invite.on_offer = self._renegotiate
        if self.dial.meter is not None:  # and no more: this is held for as long as late answers may come
            invite.on_surplus = partial(_pay_for_an_instant, self.dial.meter)
        return invite

    def turn_to_next_hop(self) -> bool:
        """Return whether there is another address of the same target, which is dialled next then."""
        if not self.dial.more_hops:
            return False
        following, *rest = self.dial.more_hops
        self.dial = replace(self.dial, hop=following, more_hops=tuple(rest))
        self._face(following.host)
        self._begin_anew(self.description.local)
        return True

    def _begin_anew(self, local: LocalMedia) -> None:
        """Offer ``local`` in a new INVITE, which has a description of its own."""
        self.description.begin_anew(local)
        self._offer = self.description.offer()

    def retry_after(self, status: int) -> bool:
        """Return whether another way to call than the one refused with ``status`` is dialled next."""
        local = self.description.local
        if status in NO_SUCH_MEDIA and local.srtp is SrtpPolicy.OFFERED:
            self._begin_anew(replace(local, srtp=SrtpPolicy.BEST_EFFORT))
            return True
        if status in NO_SUCH_NETWORK and local.other_address is not None and not self._has_turned:
            self._has_turned = True
            self._begin_anew(local.by(local.versions[1]))
            return True
        other = self.dial.after_refusal(status) if self.dial.after_refusal is not None else None
        if other is None:
            return False
        self.dial = replace(
            self.dial, from_=other.from_, headers=other.headers, after_refusal=other.after_refusal
        )
        return True

    async def follow(self, refused: Refused) -> bool:
        """Return whether another server is dialled next, by the name that a 3xx told."""
        self._targets = [*refused.untried, *self._targets] if refused.status < 600 else []
        dial = self.dial
        while self._targets and dial.resolve is not None and dial.most_redirects > 0:
            target = self._targets.pop(0)
            try:
                hops = await dial.resolve(target)
            except Unavailable:
                continue
            self.dial = replace(
                dial,
                uri=str(target),
                to=dial.to or NameAddr(parse_uri(dial.uri)),
                hop=hops[0],
                more_hops=tuple(hops[1:]),
                headers=tuple([line for line in dial.headers if line[0] != "Route"]),
                most_redirects=dial.most_redirects - 1,
            )
            self._face(hops[0].host)
            self._begin_anew(self.description.local)
            return True
        return False

    def hear_early(self, body: bytes) -> None:
        """Take early media of a 183.

        Raises:
            MediaError: its SDP cannot be used.
        """
        self._take_answer(body)

    def _take_answer(self, body: bytes) -> None:
        """Connect as an answer to the INVITE says: that of whom we hear, or of another one if it has forked.

        Each of them has a handshake of its own, which is done once, though others are heard meanwhile.
        """
        agreement, heard = read_answer(self._offer, body), self.media.agreement
        if heard is not None and heard.handshake is not None and heard.keys is not None:
            self._keys[heard.handshake] = heard.keys
        if agreement.handshake is not None:
            agreement = replace(agreement, keys=self._keys.get(agreement.handshake))
        self.connect(agreement)

    def accept(self, answered: Answered) -> None:
        """Take the 200 OK's session and sound.

        Raises:
            MediaError: its SDP cannot be used; the caller of this hangs up.
        """
        self.adopt(answered.session)
        if self.dial.meter is not None:
            self.at_end(self.dial.meter())
        if answered.body or self.media.agreement is None:  # else what was agreed while it rang stands
            self._take_answer(answered.body)


def _pay_for_an_instant(meter: Callable[[], Callable[[], None]]) -> None:
    """Count an answer that was hung up at once: a carrier that said 200 is paid for it, whoever was first."""
    meter()()
