"""Transfers by our own phones: who may, where the caller goes, who is told (RFC 3515, RFC 3891, RFC 5589)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from b2bua.call.bridge import Conversation
from b2bua.call.call import Call
from b2bua.call.callee import CalleeLeg
from b2bua.call.conversation import converse
from b2bua.call.leg import Leg
from b2bua.call.transfer import Transfer
from b2bua.errors import NotAcceptable
from b2bua.people.engaged import LONGEST_TALK_S, Offered
from b2bua.people.occupancy import Occupancy
from b2bua.routing.scheme import Position
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.session import Referral, Session
from b2bua.sip.uri import Uri
from media.commands import PlayItem

log = structlog.get_logger("call")

Walk = Callable[[Position], Awaitable[None]]
"""Runs the steps from a position on for the caller in hand."""
NOBODY_TOOK_IT = 480


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a conversation that may ask for a transfer."""

    call: Call
    """The call that the conversation belongs to."""
    conversation: Conversation
    """With whom it talks."""
    leg: Leg
    """Itself."""

    @property
    def far(self) -> Leg:
        """Whom it talks with."""
        return self.conversation.other(self.leg)

    @property
    def person(self) -> str | None:
        """Key of the person whose phone it is; None: none of ours."""
        return self.leg.dial.person if isinstance(self.leg, CalleeLeg) else self.call.identity.person


@dataclass(slots=True)
class Transfers:
    """Takes REFER from phones that talk, and carries it out."""

    endpoint: SipEndpoint
    """Knows the dialogs."""
    occupancy: Occupancy
    """Who talks."""
    start_of: Callable[[Uri], Position | None]
    """Finds where a caller goes who is sent to a number; None: there is no such number."""
    spawn: Callable[[Coroutine[object, object, None], str], None]
    """Runs a conversation that belongs to no caller of ours any more."""
    music: Sequence[PlayItem]
    """For whoever is held."""
    _sides: dict[Session, Side] = field(default_factory=dict)

    @contextmanager
    def watch(self, call: Call, conversation: Conversation) -> Iterator[None]:
        """Let both ends of ``conversation`` ask for a transfer while the block runs."""
        sides = [Side(call, conversation, leg) for leg in (conversation.first, conversation.second)]
        for side in sides:
            self._watch_one(side)
        try:
            yield
        finally:
            for side in sides:
                self._unwatch(side)

    def _watch_one(self, side: Side) -> None:
        session = side.leg.session
        if session is not None:
            self._sides[session] = side
            session.on_refer = lambda referral: self._referred(side, referral)

    def _unwatch(self, side: Side) -> None:
        session = side.leg.session
        if session is not None and self._sides.get(session) is side:  # else it talks with another now
            del self._sides[session]
            session.on_refer = None

    # --- what a phone asks for ----------------------------------------------------------------------------

    def _referred(self, side: Side, referral: Referral) -> None:
        """Part a conversation as its phone asks.

        Raises:
            NotAcceptable: it may not, or nobody is there; the conversation goes on.
        """
        if side.person is None:
            raise NotAcceptable("only phones of the office transfer calls")
        consulted = self._consulted(referral)
        if consulted is None:
            self._send_on(side, referral)
        else:
            self._join(side, consulted, referral)

    def _consulted(self, referral: Referral) -> Side | None:
        """Return the other conversation of the phone, in an attended transfer."""
        if referral.replaces is None:
            return None
        session = self.endpoint.find_session(referral.replaces)
        return self._sides.get(session) if session is not None else None

    def _send_on(self, side: Side, referral: Referral) -> None:
        """Send the caller to a number (blind transfer)."""
        leg, call = side.leg, side.call
        start = self.start_of(referral.target)
        if start is None or not isinstance(leg, CalleeLeg):
            raise NotAcceptable("nobody can be called there")
        leg.hand_over()
        call.transfer = Transfer(referral, leg, start=start)
        side.conversation.part(f"transferred to {_shown(referral.target)}")

    def _join(self, side: Side, other: Side, referral: Referral) -> None:
        """Connect the two whom the phone talks with (attended transfer)."""
        keeper, giver = (other, side) if other.far is other.call.caller else (side, other)
        taken, left = giver.far, keeper.far
        if other is side or not isinstance(taken, CalleeLeg):
            raise NotAcceptable("these two cannot be connected")
        if keeper.person != giver.person:
            raise NotAcceptable("these are calls of two different phones")
        taken.hand_over()
        if left is keeper.call.caller and isinstance(keeper.leg, CalleeLeg):
            keeper.call.transfer = Transfer(referral, keeper.leg, to=taken)
        elif isinstance(left, CalleeLeg):
            left.hand_over()
            self.spawn(self._connect(left, taken), f"transferred call of {left.name}")
        referral.notify(200)
        for each, now_with in ((giver, left), (keeper, taken)):
            each.conversation.part(f"transferred to {now_with.name}", until=referral.told)

    async def _connect(self, first: CalleeLeg, second: CalleeLeg) -> None:
        """Let two people talk whom one of us had called."""
        try:
            with self._engaged(first), self._engaged(second):
                await Conversation(first, second, music=self.music).run()
        finally:
            await first.release()
            await second.release()

    def _engaged(self, leg: CalleeLeg) -> Offered:
        """Return a block within which the person of ``leg`` counts as talking."""
        people = [leg.dial.person] if leg.dial.person is not None else []
        engaged = Offered(self.occupancy, people, seconds=LONGEST_TALK_S)
        engaged.answered(leg.dial.person)
        return engaged

    # --- what becomes of the caller -----------------------------------------------------------------------

    async def carry_out(self, call: Call, transfer: Transfer, walk: Walk) -> bool:
        """Return whether somebody took the transferred caller, who else goes on where they were.

        Raises:
            LegEnded: the caller hung up.
        """
        if transfer.to is not None:
            return await self._hand_to(call, transfer.to)
        assert isinstance(transfer.start, Position)
        return await self._send_to(call, transfer, transfer.start, walk)

    async def drop(self, transfer: Transfer) -> None:
        """Let everybody go: the caller hung up in the instant of the transfer."""
        transfer.referral.notify(487)
        await transfer.by.release()
        if transfer.to is not None:
            await transfer.to.release()

    async def _hand_to(self, call: Call, leg: CalleeLeg) -> bool:
        with self._engaged(leg):
            leg.take_over()
            await converse(call, leg, music=self.music)
        return True

    async def _send_to(self, call: Call, transfer: Transfer, start: Position, walk: Walk) -> bool:
        """Serve the caller at ``start``; who sent them is told, and gets them back if nobody is there."""
        before = call.conversations, call.has_left_message
        call.on_connected = lambda: _done(transfer)
        try:
            call.caller.ring()
            await walk(start)
            call.on_connected = None
            if (call.conversations, call.has_left_message) != before:
                transfer.referral.notify(200)
                return True
            transfer.referral.notify(call.last_status or NOBODY_TOOK_IT)
            return transfer.by.is_up and await self._hand_to(call, transfer.by)
        finally:
            call.on_connected = None
            transfer.referral.notify(487)
            await transfer.by.release()


def _done(transfer: Transfer) -> None:
    """Tell who transferred that it worked, and let them go."""
    transfer.referral.notify(200)
    transfer.referral.told.add_done_callback(lambda _: transfer.by.hang_up("transferred"))


def _shown(target: Uri) -> str:
    return str(target).removeprefix("sip:").partition("@")[0].removeprefix("tel:")
