"""One party of a call: a SIP dialog on one side, a media leg on the other.

The far end's BYE or CANCEL is news: every wait on a leg raises ``LegEnded``. Cancellation stays an order.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from b2bua.call.aiming import Aim
from b2bua.call.description import Description
from b2bua.call.digits import Digits, DtmfMode, Method, needs_ear
from b2bua.call.life import Life
from b2bua.call.relocation import Relocation
from b2bua.call.sound import SoundProfile, scoped
from b2bua.errors import LegEnded, NotAcceptable
from b2bua.sip.session import Ending, Session
from media.client import MediaLeg, Playback
from media.commands import PlayItem
from media.dtmf import parse_info
from media.errors import MediaError
from media.sdp.agreement import StreamAgreement
from media.sdp.negotiate import read_answer

SURE_S = 2.0
"""More than the engine takes to tell that somebody has fallen silent."""
UNSECURED_S = 10.0
"""How long who has answered may be mute at least, until the keys of their sound come."""


class Leg(Life):
    """What caller and callee have in common. Subclasses differ in how they come to a session.

    A leg belongs to one call at a time, which closes it; a transfer hands it to another.
    """

    __slots__ = (
        "_aim", "_allows_nat", "_digits", "_peer", "_profile", "_relocation", "_talks_since", "description",
        "dialled_on", "is_held", "max_forwards", "media", "name", "number", "on_answer", "on_closed",
        "on_hold_change", "on_key", "owner", "person", "played_s", "post_dial", "session", "was_asked",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        media: MediaLeg,
        *,
        peer: str,
        profile: SoundProfile,
        allows_nat: bool = False,
        person: str | None = None,
        number: str = "",
    ) -> None:
        """``person`` is the key of who it is, when it is one of ours; ``number`` what others see."""
        super().__init__()
        self.name, self.person, self.number = name, person, number
        self.owner: object | None = None
        """Who closes it; None: whoever made it."""
        self.on_answer: Callable[[], None] | None = None
        """Told when somebody or something takes the call of this leg, though it is answered already."""
        self.on_closed: Callable[[Leg], None] | None = None
        """Told once, when it is closed and the statistics of its sound are known."""
        self.media = media
        self.session: Session | None = None
        self.on_hold_change: Callable[[bool], None] | None = None
        self.is_held = False
        self.max_forwards = 70
        """For INVITEs that this leg causes: over how many hops they may still go (RFC 7332)."""
        self.post_dial = ""
        """What is still to be pressed behind the number that this leg has called."""
        self.dialled_on = ""
        """What was pressed there before the call was theirs."""
        self.was_asked = False
        """Whether they heard why the call comes before it was theirs."""
        self._allows_nat = allows_nat
        self._profile = profile
        self._peer = peer
        self.description = Description(media, profile, peer, waits=allows_nat)
        """Of our sound, for the far end."""
        self._aim = Aim(media, profile.find_hosts)
        self._relocation: Relocation | None = None
        """Under way, or done, since its sound went to another port."""
        self._digits = Digits(profile.dtmf)
        self.played_s = 0.0
        """How long that was heard which was played last."""
        self.on_key: Callable[[str, Method], None] | None = None
        """Told each key press that counts, and how it came."""
        self._talks_since: float | None = None
        """In loop time; None: it does not talk."""
        self._follow(media)

    def _follow(self, media: MediaLeg) -> None:
        """Be told what its sound brings, and what becomes of it."""
        media.rtp_timeout_s = self._profile.rtp_timeout_s
        media.on_digit, media.on_tone = self._take_event, self._take_tone
        media.on_rtp_timeout, media.on_unsecured = self._fell_silent, self._is_unsecured
        media.on_lost, media.on_moved = self._lost, self._moved

    def _face(self, peer: str) -> None:
        """Take the addresses that ``peer``, whose signalling is at that address, can send sound to."""
        self._peer = peer
        self.description.face(peer)

    @property
    def party(self) -> str:
        """Whom of ours it is, as a scheme names them; empty: nobody of ours."""
        return self.person or ""

    @property
    def is_confirmed(self) -> bool:
        """Whether the far end has confirmed our answer, where it was ours to answer."""
        return self.session is not None and self.session.is_confirmed

    @property
    def is_answered(self) -> bool:
        """Whether a 2xx made this leg a dialog that carries sound."""
        return self.session is not None

    # --- sound ---------------------------------------------------------------------------------------------

    async def play(
        self, items: Sequence[PlayItem], *, until_digit: bool = False, start_s: float = 0.0
    ) -> bool:
        """Return True when ``items`` were heard to the end, False when a digit or other sound cut them.

        The first ``start_s`` seconds are left out; `played_s` tells how many were heard.

        Raises:
            LegEnded: the far end hung up while listening.
        """
        playback = self.media.play(items, start_s=start_s)
        try:
            async with self.while_up():
                if not until_digit:
                    return await playback.finished()
                return await self._digits.cut(playback, stop=self.media.stop)
        finally:
            self.played_s = playback.seconds

    def loop(self, items: Sequence[PlayItem]) -> Playback:
        """Start music or ringback that goes on until something else is played."""
        return self.media.play(items, loop=True)

    # --- as a caller ---------------------------------------------------------------------------------------

    def ring(self) -> None:
        """Let the far end hear that somebody is being rung."""
        self.loop(self._profile.tones.ringback)

    def answer(self, *, prefer: str | None = None) -> None:  # noqa: ARG002 - who is not answered yet chooses by it
        """Note that the call is taken, by somebody whose codec is ``prefer``.

        Raises:
            LegEnded: the far end is gone.
        """
        if not self.is_up:
            raise LegEnded(self.ended.result().why)
        if self.on_answer is not None:
            self.on_answer()

    def start_early_media(self, *, prefer: str | None = None) -> None:
        """Let the far end hear before the answer what the other side plays; an answered leg can."""

    def reject(
        self, status: int, reason: str | None = None, *, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Refuse who was never answered; nobody here."""

    # --- digits --------------------------------------------------------------------------------------------

    def take_digit(self, key: str, method: Method) -> None:
        """Keep one key press. A peer that sends each press in several ways counts once."""
        is_new = self._digits.take(key, method, asyncio.get_running_loop().time())
        if is_new and self.on_key is not None:
            self.on_key(key, method)

    def _take_event(self, key: str) -> None:
        self.take_digit(key, Method.RTP)

    def _take_tone(self, key: str) -> None:
        self.take_digit(key, Method.TONE)

    def preload_digits(self, keys: str) -> None:
        """Treat the digits of a ``tel:+48221234567,555`` link as if the caller had pressed them."""
        for key in keys:
            self.take_digit(key, Method.DIALLED)

    @property
    def dtmf(self) -> DtmfMode:
        """How keys come and go."""
        return self._profile.dtmf

    @property
    def is_talking(self) -> bool:
        """Whether it is connected to somebody, and nobody waits for its keys."""
        return self._talks_since is not None

    @is_talking.setter
    def is_talking(self, is_talking: bool) -> None:
        self._talks_since = asyncio.get_running_loop().time() if is_talking else None
        self._listen_for_tones()

    def _listen_for_tones(self) -> None:
        self.media.listen_for_tones(not self.is_talking and needs_ear(self.dtmf, self.media.agreement))

    async def digit(self, seconds: float) -> str | None:
        """Return the next key, or None when ``seconds`` pass without one.

        Raises:
            LegEnded: the far end hung up meanwhile.
        """
        async with self.while_up():
            return await self._digits.within(seconds)

    def forget_digits(self, *, since: float = -math.inf) -> None:
        """Drop what was pressed so far, or from ``since`` on, in loop time: it answers no question."""
        self._digits.forget(since)

    @property
    def has_digits(self) -> bool:
        """Whether a key is waiting to be read."""
        return not self._digits.is_empty

    @property
    def takes_events(self) -> bool:
        """Whether the far end wants key presses as RFC 4733 events."""
        return self.media.agreement is not None and self.media.agreement.telephone_event is not None

    @property
    def ptime_ms(self) -> int:
        """Milliseconds of sound per packet that the far end wants."""
        return 20 if self.media.agreement is None else self.media.agreement.ptime_ms

    # --- session -------------------------------------------------------------------------------------------

    def adopt(self, session: Session) -> None:
        """Take over an established dialog: its offers, its INFO digits and its end are ours now."""
        self.session = session
        self.answered_at = asyncio.get_running_loop().time()
        session.on_offer = self._renegotiate
        session.on_late_offer = self._offer_again
        session.on_renegotiated = self._accept_answer
        session.on_info = self._take_info
        session.ended.add_done_callback(self._far_end_over)
        if self._relocation is not None:
            self._relocation.begin(session)
        if self.media.unsecured:
            asyncio.get_running_loop().call_soon(self._is_unsecured, self.media.unsecured)

    @property
    def codec(self) -> str | None:
        """What is agreed to be sent; None before."""
        return None if self.media.agreement is None else self.media.agreement.codec

    @property
    def wanted_codecs(self) -> tuple[str, ...]:
        """What whoever talks with this leg should send, the most wanted first."""
        return () if self.codec is None else (self.codec,)

    @property
    def wanted_ptime_ms(self) -> int:
        """Milliseconds of sound per packet that whoever talks with this leg should send."""
        return 20 if self.media.agreement is None else self.media.agreement.ptime_ms

    def connect(self, agreement: StreamAgreement) -> None:
        """Let sound flow as agreed, and tell the bridge when the far end holds or resumes."""
        self.description.settled(agreement)
        if self.dtmf in (DtmfMode.INFO, DtmfMode.INBAND):  # else each key would come in two ways
            agreement = replace(agreement, telephone_event=None)
        connect = partial(self.media.connect, allows_nat=self._allows_nat, peer_host=self._peer)
        self._aim.take(
            scoped(agreement, self._peer), connect, own=self.description.local.address, fail=self._lost
        )
        self._listen_for_tones()
        was_held, self.is_held = self.is_held, not agreement.sends
        if self.on_hold_change is not None and was_held != self.is_held:
            self.on_hold_change(self.is_held)

    def _renegotiate(self, offer: bytes) -> bytes:
        """Answer a re-INVITE (RFC 3264 §8).

        Raises:
            NotAcceptable: it cannot be used.
        """
        try:
            answer, agreement = self.description.answer_again(offer, self.media.agreement)
        except MediaError as error:
            raise NotAcceptable(str(error)) from error
        self.connect(agreement)
        return answer

    def _offer_again(self) -> bytes:
        """Offer what we have for a re-INVITE that came without SDP (RFC 3261 §14.2)."""
        assert self.session is not None
        offer = self.description.offer_again()
        self.session.on_answer = lambda answer: self._accept_answer(offer, answer)
        return offer

    def _accept_answer(self, offer: bytes, answer: bytes) -> None:
        try:
            self.connect(read_answer(offer, answer))
        except MediaError as error:
            self.hang_up(f"cannot use the answer: {error}")

    def _moved(self) -> None:
        """Tell the far end of another port, and of other keys."""
        self.description.move(self.media)
        self._relocation = self._relocation or Relocation(self.description, self._accept_answer, self._lost)
        if self.session is not None:
            self._relocation.begin(self.session)

    @property
    def has_lost_sound(self) -> bool:
        """Whether it ended as we lost its sound; nobody hung up."""
        return self.ended.done() and self.ended.result().by == "media"

    def _lost(self, why: str = "the media engine died") -> None:
        self.end(why, by="media")

    def _take_info(self, content_type: str, body: bytes) -> None:
        key = parse_info(content_type, body)
        if key is not None:
            self.take_digit(key, Method.INFO)

    def _fell_silent(self) -> None:
        """Free whoever talks with a dead peer. A listener may be silent as long as they like.

        Who was dead before somebody came to talk with them has not talked.
        """
        since = self._talks_since
        if since is None or self.is_held or not self.media.is_heard:
            return
        talked_s = asyncio.get_running_loop().time() - since
        is_dead_long = talked_s < self.media.rtp_timeout_s + SURE_S
        self.end("no sound came any more", by="media" if is_dead_long else "network")

    def _is_unsecured(self, why: str) -> None:
        """Free whoever is mute as the keys of their sound never come, or not for long after they answered."""
        since = math.inf if self.answered_at is None else self.answered_at
        waits_s = math.inf if self.is_held else UNSECURED_S  # it is told again
        if asyncio.get_running_loop().time() - since >= (0.0 if self.media.unsecured else waits_s):
            self.end(f"its sound could not be encrypted: {why}", by="media")

    # --- end -----------------------------------------------------------------------------------------------

    def end(self, why: str, *, by: str = "local") -> None:
        """Hang this leg up and tell everyone who waits on it why."""
        if self.session is not None:
            self.session.bye()
        self._over(Ending(by=by, why=why, status=None))

    def hang_up(self, why: str = "we hung up") -> None:
        """End this leg from our side; does nothing when it has ended already."""
        self.end(why)

    def _far_end_over(self, ending: asyncio.Future[Ending]) -> None:
        self._over(ending.result())

    def silence(self) -> None:
        """Begin to give back the ports of a leg that has ended: those of all who talked go in one order."""
        if not self.is_up:
            self.media.drop()

    async def close_for(self, owner: object) -> None:
        """Close it unless it belongs to somebody else by now."""
        if self.owner is None or self.owner is owner:
            await self.close()

    async def close(self) -> None:
        """Hang up if still up, give the ports back, and hold nobody any more."""
        self.hang_up()
        self.media.on_digit = self.media.on_tone = self.media.on_rtp_timeout = None
        self.media.on_unsecured = self.media.on_lost = self.media.on_moved = None
        if self._relocation is not None:
            self._relocation.stop()
            self._relocation = None
        await self.media.close()
        told, self.on_closed = self.on_closed, None
        if told is not None:
            told(self)
        self.owner = None
