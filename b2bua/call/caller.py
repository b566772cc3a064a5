"""The leg of whoever calls us: rings first, is answered once, and is answered in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from b2bua.call.aiming import expect
from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.sip.dialog import DialogKey
from b2bua.sip.session import IncomingInvite
from media.client import MediaLeg
from media.sdp.crypto import SrtpPolicy


class CallerLeg(Leg):
    """An INVITE that came in, with its offer read.

    Raises:
        MediaError: the offer is broken or shares no codec with us (answer 488, RFC 3261 §21.4.26).
    """

    __slots__ = ("_agreement", "_answer", "_invite", "_is_described", "_is_early", "has_rung", "on_stage")

    def __init__(
        self,
        invite: IncomingInvite,
        media: MediaLeg,
        *,
        name: str,
        profile: SoundProfile,
        allows_nat: bool,
        person: str | None = None,
        number: str = "",
    ) -> None:
        super().__init__(
            name,
            media,
            peer=invite.source.host,
            profile=profile,
            allows_nat=allows_nat,
            person=person,
            number=number,
        )
        self._invite = invite
        self._is_early = self._is_described = False
        self.has_rung = False
        """Whether the caller has been told that somebody is being rung."""
        self.on_stage: Callable[[], None] | None = None
        """Told when the caller hears that it rings, and when the call is answered."""
        if invite.offer is None:
            local = self.description.local
            if local.srtp is SrtpPolicy.OFFERED:
                # An answer in the ACK can refuse nothing, so it must be possible without SRTP.
                self.description.local = replace(local, srtp=SrtpPolicy.BEST_EFFORT)
            self._answer, self._agreement = self.description.offer(), None
        else:
            self._answer, self._agreement = self.description.answer(invite.offer)
            expect(media, self._agreement, profile.find_hosts, lambda: self.reject(488))
        hops = invite.request.max_forwards
        self.max_forwards = 70 if hops is None else min(70, max(0, hops - 1))
        invite.on_offer = self._renegotiate
        invite.on_answer = self._take_early_answer
        invite.ended.add_done_callback(self._far_end_over)

    def _take_early_answer(self, answer: bytes) -> None:
        self._accept_answer(self._answer, answer)

    @property
    def dialog_key(self) -> DialogKey:
        """Call-ID, our tag and the caller's, from the first response on."""
        return self._invite.dialog_key

    def _moved(self) -> None:
        """Answer with the new address, unless the old one was told already; then a re-INVITE follows."""
        super()._moved()
        if self._is_described or self.is_answered:
            return
        if self._invite.offer is None:
            self._answer = self.description.offer()
        else:
            self._answer, self._agreement = self.description.answer(self._invite.offer)

    def ring(self) -> None:
        """Let the caller hear that somebody is being rung: by 180, or as sound where sound flows already."""
        if self.is_answered or self._is_early:
            super().ring()
        elif self.is_up:
            is_offer = self._invite.needs_offer
            self._is_described = self._is_described or is_offer
            self._invite.progress(180, body=self._answer if is_offer else b"")
            self._note_ringing()

    @property
    def wanted_codecs(self) -> tuple[str, ...]:
        """Until one is agreed, all that the caller offered."""
        is_open = self.codec is None and self._agreement is not None
        return self._agreement.shared if is_open and self._agreement is not None else super().wanted_codecs

    @property
    def wanted_ptime_ms(self) -> int:
        """Milliseconds of sound per packet, of the offer or of what is agreed."""
        return super().wanted_ptime_ms if self._agreement is None else self._agreement.ptime_ms

    def _settle(self, prefer: str | None) -> None:
        """Choose the codec, now that somebody is there who has chosen ``prefer``."""
        offer, chosen = self._invite.offer, self._agreement
        if prefer is None or offer is None or self.codec is not None:
            return
        if chosen is None or chosen.codec != prefer:
            self._answer, self._agreement = self.description.answer(offer, prefer=prefer)

    def start_early_media(self, *, prefer: str | None = None) -> None:
        """Let the caller hear before the answer what the far network plays (183 with SDP)."""
        if self.is_up and not self.is_answered and self._agreement is not None and not self._is_early:
            self._is_early = self._is_described = True
            self._settle(prefer)
            self.connect(self._agreement)
            self._invite.progress(183, body=self._answer)
            self._note_ringing()

    def _note_ringing(self) -> None:
        self.has_rung = True
        if self.on_stage is not None:
            self.on_stage()

    def answer(self, *, prefer: str | None = None) -> None:
        """Answer the caller; a second time does nothing. Digits count from this moment on.

        ``prefer`` is the codec of whom the caller talks with: with the same one nothing need be transcoded.

        Raises:
            LegEnded: the caller is gone.
        """
        super().answer()
        if self.is_answered:
            return
        if self._agreement is not None and not self._is_early:
            self._settle(prefer)
            self.connect(self._agreement)
        session = self._invite.accept(self._answer)
        self.adopt(session)
        if self._agreement is None:
            offer = self._answer
            session.on_answer = lambda answer: self._accept_answer(offer, answer)
        if self.on_stage is not None:
            self.on_stage()

    def reject(
        self, status: int, reason: str | None = None, *, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Refuse a caller who was never answered."""
        if self.is_up and not self.is_answered:
            self._invite.reject(status, reason, headers=tuple(headers))
            self.end(f"refused with {status}")

    def end(self, why: str, *, by: str = "local") -> None:
        """Hang up or, before the answer, refuse: whatever went wrong, no caller is left ringing."""
        if not self._invite.has_final:
            self._invite.reject(503)
        super().end(why, by=by)

    async def close(self) -> None:
        """Hang up or refuse, give the ports back, and hold nobody any more."""
        await super().close()
        self._invite.ended.remove_done_callback(self._far_end_over)
        self._invite.let_go()
        self.on_stage = None
