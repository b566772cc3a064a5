"""Transfers by our own phones: who may, where they go, who is told (RFC 3515, RFC 3891, RFC 5589)."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace

from b2bua.call.bridge import Conversation
from b2bua.call.call import Call
from b2bua.call.conversation import converse
from b2bua.call.leg import Leg
from b2bua.call.lines import Lines
from b2bua.call.transfer import Transfer
from b2bua.errors import Declined, MalformedMessage, NotAcceptable
from b2bua.inbound.secured import is_sips
from b2bua.people.engaged import talking
from b2bua.people.occupancy import Occupancy
from b2bua.routing.scheme import Position
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.session import Ending, Referral, Session
from b2bua.sip.uri import Uri
from media.commands import PlayItem

Walk = Callable[[Position], Awaitable[None]]
"""Runs the steps from a position on for whoever is in hand."""
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
    desk: Transfers
    """Who decides."""
    context: Context
    """Of the call: a REFER comes from outside of its task, whose configuration counts."""

    def refer(self, referral: Referral) -> None:
        """Ask for a transfer, as its phone does.

        Raises:
            NotAcceptable: it may not.
        """
        self.context.run(self.desk.referred, self, referral)

    @property
    def far(self) -> Leg:
        """Whom it talks with."""
        return self.conversation.other(self.leg)

    @property
    def placed_it(self) -> bool:
        """Whether it is the one in custody: who called, or took the place of who did."""
        return self.leg is self.call.caller

    @property
    def is_up(self) -> bool:
        """Whether the two still talk."""
        return not self.conversation.is_parted and self.leg.is_up and self.far.is_up


class Watching:
    """``with`` block in which a conversation can be transferred; each call that talks is in one."""

    __slots__ = ("_desk", "_sides")

    def __init__(self, desk: Transfers, sides: tuple[Side, ...]) -> None:
        self._desk = desk
        self._sides = sides

    def __enter__(self) -> None:
        for side in self._sides:
            self._desk.watch_one(side)

    def __exit__(self, *_: object) -> None:
        for side in self._sides:
            self._desk.unwatch(side)


@dataclass(slots=True)
class Transfers:
    """Takes REFER, and INVITE with Replaces, for phones that talk, and carries it out."""

    endpoint: SipEndpoint
    """Knows the dialogs."""
    occupancy: Occupancy
    """Who talks."""
    start_of: Callable[[Uri], tuple[Position, str] | None]
    """Finds where somebody goes who is sent to a number, and the digits after it; None: no such number."""
    music: Callable[[], Sequence[PlayItem]]
    """For whoever is held."""
    lines: Lines
    """What each phone does."""
    _sides: dict[Session, Side] = field(default_factory=dict)

    def watch(self, call: Call, conversation: Conversation) -> Watching:
        """Return a block in which both ends of ``conversation`` may ask for a transfer."""
        here, legs = copy_context(), (conversation.first, conversation.second)
        return Watching(self, tuple([Side(call, conversation, leg, self, here) for leg in legs]))

    def watch_one(self, side: Side) -> None:
        """Let an end of a conversation ask for transfers."""
        session = side.leg.session
        if session is not None:
            self._sides[session] = side
            session.on_refer = side.refer

    def unwatch(self, side: Side) -> None:
        """Let it do so no more."""
        session = side.leg.session
        if session is not None and self._sides.get(session) is side:  # else it talks with another now
            del self._sides[session]
            session.on_refer = None

    # --- what a phone asks for ----------------------------------------------------------------------------

    def referred(self, side: Side, referral: Referral) -> None:
        """Part a conversation as its phone asks.

        Raises:
            NotAcceptable: it may not, or nobody is there; the conversation goes on.
        """
        if side.leg.person is None:
            raise NotAcceptable("only phones of the office transfer calls")
        if not side.is_up:
            raise NotAcceptable("this conversation is over")
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
        """Send whom the phone talks with to a number (blind transfer)."""
        found = self.start_of(referral.target)
        if found is None:
            raise NotAcceptable("nobody can be called there")
        self._end_consultation(side, referral)
        start, keys = found
        party = side.far if side.placed_it else None
        transfer = Transfer(referral, party, start=start, keys=keys, by=side.leg)
        side.call.transfer = transfer.own()
        side.conversation.part(f"transferred to {_shown(referral.target)}")

    def _end_consultation(self, side: Side, referral: Referral) -> None:
        """Take back the phone's other call, which rings yet: who is sent on rings there instead."""
        waiting = self.endpoint.find_waiting(referral.replaces) if referral.replaces is not None else None
        if waiting is not None and side.leg.person is not None:
            own = {call.key for call in self.lines.of(side.leg.person)}
            if waiting.dialog_key in own:
                waiting.take_back(Ending("remote", "sent somebody else on while it rang"))

    def _join(self, side: Side, other: Side, referral: Referral) -> None:
        """Connect the two whom the phone talks with (attended transfer).

        The call of one of them goes on with the other: rather one that somebody outside or a colleague
        placed than one that the phone itself did, in whose custody the other takes the phone's place.
        """
        keeper, giver = (other, side) if side.placed_it and not other.placed_it else (side, other)
        if other.conversation is side.conversation or not other.is_up:
            raise NotAcceptable("these two cannot be connected")
        if keeper.leg.person != giver.leg.person:
            raise NotAcceptable("these are calls of two different phones")
        taken, left = giver.far, keeper.far
        keeper.call.transfer = Transfer(referral, left if keeper.placed_it else None, to=taken).own()
        referral.notify(200)
        for each, now_with in ((giver, left), (keeper, taken)):
            each.conversation.part(f"transferred to {now_with.name}", until=referral.told)

    def take_over(self, session: Session, leg: Leg, *, sent_by: str) -> None:
        """Let ``leg``, a phone of ours that calls, talk in place of ``session`` (RFC 3891 §3).

        It may do so for its own person, and for whoever sent it there: ``sent_by`` is that extension. To know
        Call-ID and tags is not enough: busy lamps tell them to every phone.

        Raises:
            Declined: it may not, or that is none of our phones (403); it talks with nobody (603).
            LegEnded: ``leg`` has hung up.
        """
        side = self._sides.get(session)
        if side is None or not side.is_up:
            raise Declined(603, "That call cannot be taken over now")
        if side.leg.person is None:
            raise Declined(403, "That is no phone of the office")
        if leg.person != side.leg.person and sent_by != side.leg.number:
            raise Declined(403, "That is the talk of somebody else")
        leg.answer(prefer=side.far.codec)
        party = leg if side.placed_it else None
        side.call.transfer = Transfer(party=party, to=side.far if side.placed_it else leg).own()
        side.conversation.part(f"taken over by {leg.name}")

    # --- what becomes of it -------------------------------------------------------------------------------

    async def carry_out(self, call: Call, transfer: Transfer, walk: Walk) -> bool:
        """Return whether somebody took who was transferred, who else goes on where they were.

        Raises:
            LegEnded: they hung up.
        """
        try:
            if transfer.party is not None:
                await self._change_custody(call, transfer, transfer.party)
            if transfer.to is not None:
                return await self._hand_to(call, transfer.to)
            assert isinstance(transfer.start, Position)
            return await self._send_to(call, transfer, transfer.start, walk)
        finally:
            await transfer.drop()

    async def _change_custody(self, call: Call, transfer: Transfer, party: Leg) -> None:
        """Let ``party`` be who this call is about: who placed it leaves, unless they may get it back."""
        self._engage(party)
        gone = call.turn_to(party)
        if gone is not transfer.by:
            await gone.close()

    def _engage(self, leg: Leg) -> None:
        """Let the person of ``leg`` count as talking until it ends."""
        if leg.person is not None:
            leg.at_end(talking(self.occupancy, leg.person).end)

    async def _hand_to(self, call: Call, leg: Leg) -> bool:
        self._engage(leg)
        return await converse(call, leg, music=self.music)

    async def _send_to(self, call: Call, transfer: Transfer, start: Position, walk: Walk) -> bool:
        """Serve at ``start``; who asked is told, and gets who was sent back if nobody is there."""
        by = transfer.by
        assert by is not None
        by.ended.add_done_callback(lambda _: by.media.drop())  # its ports need not wait for the end of it all
        before = call.conversations, call.has_left_message
        with self._on_the_way(call, transfer):
            call.caller.ring()
            await walk(start)
        if (call.conversations, call.has_left_message) != before:
            transfer.notify(200)
            return True
        transfer.notify(call.last_status or NOBODY_TOOK_IT)
        return by.is_up and await self._hand_to(call, by)

    @contextmanager
    def _on_the_way(self, call: Call, transfer: Transfer) -> Iterator[None]:
        """Let whoever takes the call know by whom it comes, and who sent it that it was taken."""
        caller = call.caller
        caller.forget_digits()  # what was pressed while talking is no choice in a menu
        caller.preload_digits(transfer.keys)
        call.referred_by = _referred_by(transfer)
        call.last_status = None
        was_sips = call.identity.is_sips
        call.identity = replace(call.identity, is_sips=was_sips or _wants_tls(transfer))
        caller.on_answer = lambda: _done(transfer)
        try:
            yield
        finally:
            caller.on_answer = None
            call.referred_by = ""
            call.identity = replace(call.identity, is_sips=was_sips)


def _done(transfer: Transfer) -> None:
    """Tell who transferred that it worked, and let them go."""
    transfer.notify(200)
    by, referral = transfer.by, transfer.referral
    if by is not None and referral is not None:
        referral.told.add_done_callback(lambda _: by.hang_up("transferred"))


def _wants_tls(transfer: Transfer) -> bool:
    """Return whether they were sent to a ``sips:`` address, which is called by TLS or not at all."""
    return transfer.referral is not None and is_sips(str(transfer.referral.target))


def _referred_by(transfer: Transfer) -> str:
    """Return who says that they asked for it, without what proves it (RFC 3892 §2.1); empty: nobody."""
    text = transfer.referral.referred_by if transfer.referral is not None else None
    with contextlib.suppress(MalformedMessage):
        return str(NameAddr.parse(text).without_parameters()) if text else ""
    return ""


def _shown(target: Uri) -> str:
    return str(target).removeprefix("sip:").partition("@")[0].removeprefix("tel:")
