"""Who calls the office and who works there, each with habits by chance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from random import Random

from b2bua.call.leg import Leg
from b2bua.demo.softphone import CallRefused, Habit, PlacedCall, Softphone
from b2bua.errors import LegEnded, NotAcceptable, WrongState
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Headers, Request
from b2bua.sip.replaces import Replaces
from b2bua.sip.session import IncomingInvite
from b2bua.sip.session.asking import DialogRequest, ignore
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import parse_uri
from media.client import MediaEngine
from media.commands import Tone
from media.errors import MediaError
from tests.harness.office import SERVER, reinvite
from tests.simulator.offices import NUMBER

REFUSALS = (
    400,
    403,
    404,
    408,
    410,
    415,
    480,
    481,
    484,
    486,
    488,
    491,
    500,
    501,
    503,
    504,
    600,
    603,
    604,
    606,
)
INSTANTS = (0.0, 0.001, 0.002, 0.5, 1.0, 2.0, 5.0)
"""Few different ones, so that what several do meets in one."""
EXPECTED = (LegEnded, NotAcceptable, WrongState, TimeoutError, CallRefused, MediaError)
"""What the office and the network may do to whatever is tried."""
DIALLED = (
    *("*8", "*8", "*8101", "*97", "101", "102", "104", "+48600100201", "999", NUMBER),
    *("*45", "*45", "*451*1", "*452", "*453*2", "*454", "*450", "*461", "*460", "*459"),
)
VOICE = (Tone((900.0,), 2.5),)
PATIENCE_S = 150.0
"""A caller who does not hang up by then never will: the longest scheme is over."""


def some_habit(random: Random) -> Habit:
    """Return what a phone does with one call."""
    rings = random.random() < 0.9
    match random.randrange(8):
        case 0:
            return Habit(refuses_with=random.choice(REFUSALS))
        case 1:
            return Habit(
                refuses_with=random.choice(REFUSALS), refuses_after=random.choice(INSTANTS), rings=rings
            )
        case 2:
            return Habit(rings=rings)
        case 3:
            return Habit(plays_early=VOICE, answers_after=random.choice((None, 1.0, 5.0)))
        case _:
            return Habit(answers_after=random.choice((*INSTANTS, random.random() * 8)), rings=rings)


class Employee(Softphone):
    """A phone of the office, or a mobile: talks, holds, transfers, hangs up."""

    def __init__(
        self, name: str, endpoint: SipEndpoint, engine: MediaEngine, local: Hop, *, random: Random
    ) -> None:
        super().__init__(name, endpoint, engine, local)
        self.extension = name if name.isdigit() else ""
        self.talks = 0
        """How often it talked with somebody, at most."""
        self._random = random
        self.choose_habit = lambda _: some_habit(random)

    async def _behave(self, invite: IncomingInvite) -> None:
        with contextlib.suppress(*EXPECTED):
            await super()._behave(invite)
        for invitation in self.invitations:
            if invitation.invite is invite and invitation.leg.is_answered and invitation.leg.is_up:
                self.talks += 1
                with contextlib.suppress(*EXPECTED):
                    await self._talk(invitation.leg)
                await invitation.leg.close()

    async def _talk(self, leg: Leg) -> None:
        random = self._random
        if random.random() < 0.3:
            leg.media.play(VOICE)
        for _ in range(random.choice((0, 0, 1, 2))):
            await asyncio.wait({leg.ended}, timeout=random.choice(INSTANTS))
            if leg.is_up:
                await self._do_something(leg)
        await asyncio.wait({leg.ended}, timeout=random.choice((0.0, 0.5, 1.0, 5.0, 20.0)))

    async def _do_something(self, leg: Leg) -> None:
        random = self._random
        match random.randrange(4):
            case 0:
                await reinvite(leg, random.choice(("sendonly", "inactive")))
                await asyncio.wait({leg.ended}, timeout=random.choice((0.0, 1.0, 5.0)))
                await reinvite(leg, "sendrecv")
            case 1:
                press(leg, random)
            case 2:
                await self._send_on(leg)
            case 3:
                await self._consult(leg)

    async def _send_on(self, leg: Leg) -> None:
        """Blind transfer, with or without waiting for what becomes of it."""
        assert leg.session is not None
        number = self._random.choice(("101", "102", "104", "+48600100201", "999"))
        referral = leg.session.refer(parse_uri(f"sip:{number}@{SERVER.host}"))
        async with asyncio.timeout(self._random.choice((0.01, 2.0, 40.0))):
            await asyncio.shield(referral.result)

    async def _consult(self, leg: Leg) -> None:
        """Attended transfer: hold the caller, ask a colleague, connect both."""
        if not self.extension:
            return
        random = self._random
        await reinvite(leg, "sendonly")
        placed = await self.call(
            SERVER,
            random.choice(("101", "102", "103", "104")),
            from_number=self.extension,
            credentials=Credentials(self.extension, f"demo-{self.extension}"),
        )
        try:
            other = await placed.answered(within=8)
            assert other.session is not None
            dialog = other.session.dialog
            replaces = Replaces(dialog.call_id, dialog.remote_tag, dialog.local_tag)
            await asyncio.sleep(random.choice((0.0, 0.5, 2.0)))
            one, _ = random.sample((leg, other), 2)
            if one is other:
                first = leg.session.dialog  # type: ignore[union-attr]
                replaces = Replaces(first.call_id, first.remote_tag, first.local_tag)
            referral = one.session.refer(parse_uri(f"sip:x@{SERVER.host}"), replaces=replaces)  # type: ignore[union-attr]
            async with asyncio.timeout(random.choice((0.1, 10.0))):
                await asyncio.shield(referral.result)
        finally:
            await placed.close()

    async def dial(self) -> None:
        """Call a colleague, somebody outside, the mailbox, or take what rings elsewhere."""
        random = self._random
        self.talks += 1  # the office may have answered though the phone has not heard it yet
        placed = await self.call(
            SERVER,
            random.choice(DIALLED),
            from_number=self.extension,
            credentials=Credentials(self.extension, f"demo-{self.extension}"),
        )
        with contextlib.suppress(*EXPECTED):
            leg = await placed.answered(within=random.choice((0.5, 3.0, 20.0)))
            if random.random() < 0.5:
                press(leg, random)
            await self._talk(leg)
        await placed.close()

    async def watch_lamp(self) -> None:
        """Subscribe to a colleague's state or to the mailbox, and hear nothing of what comes."""
        event = self._random.choice(("dialog", "message-summary", "presence", "nonsense"))
        colleague = self._random.choice(("101", "104", self.extension))
        headers = Headers(
            [
                ("From", f"<sip:{self.extension}@{SERVER.host}>"),
                ("To", f"<sip:{colleague}@{SERVER.host}>"),
                ("Contact", f"<sip:{self.extension}@{self._local.authority}>"),
                ("Event", event),
                ("Expires", "60"),
            ]
        )
        request = Request("SUBSCRIBE", f"sip:{colleague}@{SERVER.host}", headers)
        credentials = Credentials(self.extension, f"demo-{self.extension}")
        await self.endpoint.request(request, SERVER, credentials=credentials)


def press(leg: Leg, random: Random) -> None:
    """Press a key or two, as RFC 4733 events or by INFO."""
    keys = random.choice(("0", "1", "2", "3101", "101", "9", "#", "*"))
    if leg.session is None or leg.session.ended.done():
        return
    if random.random() < 0.5:
        leg.media.send_digits(keys)
        return
    for key in keys:
        asking = DialogRequest(leg.session._core, leg.session.dialog, credentials=None, on_response=ignore)
        asking.send("INFO", body=f"Signal={key}\r\n".encode(), content_type="application/dtmf-relay")


class Customer:
    """Somebody outside who calls once."""

    def __init__(self, number: str, phone: Softphone, random: Random) -> None:
        self.number = number
        self.phone = phone
        self.placed: PlacedCall | None = None
        self.gave_up = False
        """Whether they hung up before the office did."""
        self._random = random

    async def live(self, dialled: str) -> None:
        """Call, do what callers do, hang up or wait for the end."""
        random = self._random
        self.placed = placed = await self.phone.call(SERVER, dialled, from_number=self.number)
        leg = placed.leg
        if random.random() < 0.5:
            self._at(random.choice((*INSTANTS, random.random() * 40)), self.give_up)
        with contextlib.suppress(*EXPECTED):
            await placed.answered(within=PATIENCE_S)
        if leg.is_answered and leg.is_up:
            if random.random() < 0.2:
                _after_turns(random.randrange(8), self.give_up)
            await self._listen(leg)
        self.give_up()
        await leg.close()

    async def _listen(self, leg: Leg) -> None:
        random = self._random
        for _ in range(random.choice((0, 1, 2, 3))):
            await asyncio.wait({leg.ended}, timeout=random.choice((*INSTANTS, 10.0)))
            if not leg.is_up:
                return
            match random.randrange(4):
                case 0:
                    press(leg, random)
                case 1:
                    with contextlib.suppress(*EXPECTED):
                        await reinvite(leg, random.choice(("sendonly", "sendrecv")))
                case _:
                    leg.media.play(VOICE)
        await asyncio.wait({leg.ended}, timeout=random.choice((1.0, 10.0, PATIENCE_S)))

    def give_up(self) -> None:
        """Hang up; CANCEL when nobody answered yet."""
        assert self.placed is not None
        leg, invite = self.placed.leg, self.placed._invite
        if leg.is_answered and leg.is_up:
            self.gave_up = True
            leg.hang_up("gave up")
        elif not leg.is_answered and not invite.is_done:
            self.gave_up = True
            invite.cancel()

    @staticmethod
    def _at(seconds: float, action: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, action)

    @property
    def statuses(self) -> list[int]:
        """What the office answered, from 180 on."""
        return [] if self.placed is None else [status for _, status in self.placed.statuses]


def _after_turns(turns: int, action: Callable[[], None]) -> None:
    """Call ``action`` after that many turns of the loop, in which no time passes."""
    if turns == 0:
        action()
    else:
        asyncio.get_running_loop().call_soon(_after_turns, turns - 1, action)
