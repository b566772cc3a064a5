"""One inbound call: the caller's leg, what is known of them, and how it all ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol, Self

from b2bua.call.attempt import Attempt, Reply
from b2bua.call.bridge import Conversation
from b2bua.call.caller import CallerLeg
from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.call.transfer import Transfer, TransferDesk
from b2bua.errors import LegEnded
from b2bua.sip.diversion import Diversion
from b2bua.sip.session import IncomingInvite
from media.client import MediaEngine

MISSED = frozenset((Reply.NO_ANSWER, Reply.BUSY, Reply.REJECTED, Reply.OFFLINE, Reply.ERROR))
"""What became of whoever could have taken the call and did not."""
CALLER = "the caller"
"""Name of the caller's leg."""
ANSWER_AHEAD_S = 0.3
"""Our 200 must be at the carrier before its own timer of the same length fires (row D1)."""


class Ledger(Protocol):
    """Where a call tells its story; the journal in the product, a list in tests."""

    def note(
        self, kind: str, who: str = "", detail: str = "", seconds: float | None = None, *, party: str = ""
    ) -> None:
        """Add one event to the call's story. Never waits and never fails the call.

        ``party`` is whom of ours it is about, as a scheme names them.
        """

    def tell(
        self, kind: str, who: str = "", detail: str = "", seconds: float | None = None, *, party: str = ""
    ) -> None:
        """Add one event that somebody else journals, together with what belongs to it."""

    def measure(self, leg: Leg) -> None:
        """Keep how the sound of ``leg`` was, which is closed."""


class Studio(Protocol):
    """Whoever records conversations."""

    def recording(self, call: Call, leg: Leg) -> AbstractAsyncContextManager[None]:
        """Return a block within which the caller and ``leg`` are recorded, if that is wanted."""

    async def finish(self, call: Call) -> None:
        """Complete what was recorded of ``call``, which is over."""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who calls whom, decided before anything rings."""

    call_id: str
    """Ours, unique across processes; it is what the log and the journal show."""
    number: str
    """Caller's number in E.164, or as it came; empty when withheld."""
    name: str
    """Display name from the trunk or the phone."""
    dialled: str
    """Number dialled, normalised."""
    trunk: str | None
    """Trunk the call came in by; None for one of our phones."""
    person: str | None = None
    """The person whose phone calls."""
    is_private: bool = False
    """The caller asked to stay unknown (RFC 3323), or is withheld."""
    label: str = ""
    """What the answerer should read before the caller's number, e.g. the number's name."""
    source: str = ""
    """Where the caller found the number that they dialled."""
    diversions: tuple[Diversion, ...] = ()
    """From whom the call was sent on to the number dialled, the latest first, as the trunk says."""
    is_sips: bool = False
    """The caller called a ``sips:`` address: nobody is rung but by TLS (RFC 3261 §26.2.2)."""

    @property
    def is_internal(self) -> bool:
        """Whether one of our own phones placed it."""
        return self.person is not None


class Call:
    """A caller in our custody, from INVITE to the journaled outcome."""

    __slots__ = (
        "_began", "_first", "caller", "conversations", "desk", "doing", "has_left_message", "has_talked",
        "identity", "is_cut_off", "is_occupied", "is_self_served", "lacks_tls", "last_status", "ledger",
        "menu", "missed", "on_joined", "partner", "referred_by", "sought", "studio", "transfer", "wants_call",
    )  # fmt: skip

    def __init__(self, identity: CallerIdentity, caller: Leg, ledger: Ledger) -> None:
        self.identity = identity
        self._first = caller
        self.caller = caller
        """Who is in our custody; another one after a transfer by who placed the call."""
        self.ledger = ledger
        self.take(caller)
        self.referred_by = ""
        """Who sent the caller on, for those who are rung next (RFC 3892)."""
        self.on_joined: Callable[[str], None] | None = None
        """Told the Call-ID of whoever the caller is connected to."""
        self.missed: list[str] = []
        """Names of those who were rung since somebody talked with the caller, and did not take the call."""
        self.sought: dict[str, float] = {}
        """Keys of our people whom the caller wanted since then, and how long each pauses after a call."""
        self.has_talked = False
        self.is_cut_off = False
        """We lost the sound of the last talk."""
        self.partner = ""
        """Who talks with the caller right now; empty: nobody."""
        self.conversations = 0
        """How many people the caller was connected to so far."""
        self.desk: TransferDesk | None = None
        """Decides on transfers; None: nobody may ask for one."""
        self.studio: Studio | None = None
        """Records conversations; None: nobody does."""
        self.transfer: Transfer | None = None
        """What the caller waits for, set by the desk while a conversation is parted."""
        self.has_left_message = False
        self.is_occupied = False
        """Somebody leaves a message or calls for help, or another call talks for this one."""
        self.is_self_served = False
        self.wants_call = False
        """The caller asked to be called back, and hangs up."""
        self.doing = ""
        self.menu = ""
        """In which menu the caller chooses right now; empty: in none."""
        self.lacks_tls = False
        """Somebody was not rung, because the call had to go by TLS."""
        self.last_status: int | None = None
        self._began = asyncio.get_running_loop().time()

    @property
    def is_served(self) -> bool:
        """Whether the caller got what they called for, or left word."""
        return self.has_talked or self.has_left_message or self.is_self_served

    @property
    def age(self) -> float:
        """Seconds since the INVITE."""
        return asyncio.get_running_loop().time() - self._began

    @classmethod
    async def incoming(
        cls,
        invite: IncomingInvite,
        engine: MediaEngine,
        identity: CallerIdentity,
        ledger: Ledger,
        *,
        profile: SoundProfile,
        allows_nat: bool = False,
    ) -> Call:
        """Lease ports and read the offer; ``async with`` gives both back when the block ends.

        Raises:
            MediaError: no common codec or broken SDP (488), or no port left (``PortsExhausted``, 503).
        """
        media = await engine.open_leg(
            identity.number or "caller", has_certificate=profile.needs_certificate(invite.offer)
        )
        try:
            caller = CallerLeg(
                invite,
                media,
                name=identity.name or identity.number or CALLER,
                profile=profile,
                allows_nat=allows_nat,
                person=identity.person,
                number=identity.number,
            )
        except BaseException:
            await media.close()
            raise
        return cls(identity, caller, ledger)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._first.close_for(self)
        await self.caller.close_for(self)

    def take(self, leg: Leg) -> None:
        """Own ``leg`` from now on, let its far end always hear that we are there, and journal its sound."""
        leg.owner = self
        leg.media.fill_pauses()
        leg.on_closed = self.ledger.measure

    def turn_to(self, leg: Leg) -> Leg:
        """Take ``leg`` into custody in place of the caller; return who that was, and is nobody's then."""
        gone, self.caller = self.caller, leg
        self.take(leg)
        gone.owner = None
        self.identity = replace(
            self.identity,
            number=leg.number,
            name=leg.name if leg.person is not None else "",
            person=leg.person,
            dialled="",
            trunk=None,
            label="",
            is_private=False,
            diversions=(),
        )
        return gone

    def connected(self, leg: Leg) -> None:
        """Note that the caller talks with ``leg`` now."""
        self.partner = leg.name
        self.has_talked = True
        self.missed.clear()
        self.sought.clear()
        self.conversations += 1
        if self.on_joined is not None and leg.session is not None:
            self.on_joined(leg.session.call_id)

    def never_connected(self, *, had_talked: bool) -> None:
        """Take ``connected`` back: nobody was there."""
        self.has_talked = had_talked
        self.conversations -= 1

    def watch_for_transfer(self, conversation: Conversation) -> AbstractContextManager[None]:
        """Return a block within which the two who talk may ask for a transfer."""
        return contextlib.nullcontext() if self.desk is None else self.desk.watch(self, conversation)

    def recorded(self, leg: Leg) -> AbstractAsyncContextManager[None]:
        """Return a block within which what the caller and ``leg`` say is recorded, if that is wanted."""
        return contextlib.nullcontext() if self.studio is None else self.studio.recording(self, leg)

    @property
    def is_engaged(self) -> bool:
        """Whether somebody talks here who would not like to be cut off."""
        return bool(self.partner) or self.is_occupied

    def note_attempt(self, attempt: Attempt) -> None:
        """Tell the story of one target that was rung and did not take the call."""
        if attempt.status is not None and attempt.status >= 400:  # no caller is sent where a 3xx says
            self.last_status = attempt.status
        if attempt.reply in MISSED:
            self.note_missed(attempt.dial.name or attempt.dial.who)
        if attempt.reply is not Reply.ANSWERED:
            dial = attempt.dial
            party = dial.party or dial.person or ""
            self.ledger.note("rang", dial.who, attempt.in_words, attempt.seconds, party=party)

    def note_missed(self, name: str) -> None:
        """Remember that ``name`` did not take the call, for whoever does (row F19)."""
        if name not in self.missed:
            self.missed.append(name)

    def note_pick_up(self, leg: Leg, instead_of: str) -> None:
        """Tell that ``leg`` took the call which rang for ``instead_of``."""
        self.ledger.note("picked up", leg.name, instead_of)

    def answer_within(self, seconds: float) -> asyncio.TimerHandle:
        """Answer in time for a carrier that drops unanswered calls; ringing goes on as sound (row D1)."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds - ANSWER_AHEAD_S), self._answer_ahead)

    def _answer_ahead(self) -> None:
        if self.caller.is_answered:
            return
        with contextlib.suppress(LegEnded):  # hung up in this instant; the step that waits for them is told
            self.caller.answer()
            self.ledger.note("held", detail="answered before the carrier gives up, still ringing")
            self.caller.ring()
