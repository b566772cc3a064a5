"""A small user agent: registers, calls, is called. Plays trunk and phones in the demo and in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.caller import CallerLeg
from b2bua.call.sound import SoundProfile
from b2bua.errors import B2buaError, LegEnded
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.session import Answered, Ending, IncomingInvite, OutgoingInvite, Progress, Refused
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri
from media.client import MediaEngine
from media.commands import PlayItem
from media.errors import MediaError


class CallRefused(B2buaError):
    """A call of the softphone's got a final response other than 2xx."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.status} {refused.reason}")
        self.status = refused.status


@dataclass(frozen=True, slots=True)
class Habit:
    """What a phone does when it is called."""

    answers_after: float | None = None
    """Seconds of ringing before it answers; None: never."""
    refuses_with: int | None = None
    """A final status it answers with."""
    refuses_after: float = 0.0
    """Seconds of ringing before it refuses."""
    forwards_to: str = ""
    """Contact of its 302, when it refuses with that."""
    rings: bool = True
    """Whether it says 180."""
    rings_after: float = 0.0
    """Seconds from the INVITE to its 180."""
    plays_early: Sequence[PlayItem] = ()
    """What it lets the caller hear before the answer (183)."""


@dataclass(slots=True)
class Invitation:
    """One INVITE that came to a softphone."""

    at: float
    """Loop time."""
    invite: IncomingInvite
    """As it came."""
    leg: CallerLeg
    """The call, with sound once answered."""
    over: asyncio.Future[Ending] = field(init=False)
    """How it ended: answered and hung up, cancelled, refused."""

    def __post_init__(self) -> None:
        self.over = self.leg.ended


class PlacedCall:
    """A call that a softphone placed."""

    def __init__(self, leg: CalleeLeg, invite: OutgoingInvite) -> None:
        self.leg = leg
        self.statuses: list[tuple[float, int]] = []
        """Loop time and status of every response from 180 on."""
        self._invite = invite
        self._task = asyncio.create_task(self._follow(), name=f"softphone calls {leg.name}")

    async def _follow(self) -> CalleeLeg:
        now = asyncio.get_running_loop().time
        while isinstance(event := await self._invite.next_event(), Progress):
            self.statuses.append((now(), event.status))
            if event.body:
                self.leg.hear_early(event.body)
        if isinstance(event, Answered):
            self.statuses.append((now(), 200))
            self.leg.accept(event)
            return self.leg
        self.statuses.append((now(), event.status))
        raise CallRefused(event)

    async def answered(self, *, within: float) -> CalleeLeg:
        """Return the leg once the far end answered.

        Raises:
            CallRefused: it refused.
            TimeoutError: it did neither in ``within`` seconds.
        """
        async with asyncio.timeout(within):
            return await asyncio.shield(self._task)

    async def close(self, *, reason: str | None = None) -> None:
        """Cancel, with a Reason (RFC 3326) when given, or hang up."""
        self._invite.cancel(reason=reason)
        self._task.cancel()
        await asyncio.wait({self._task})
        await self.leg.close()


class Softphone:
    """One phone. Closing it hangs up."""

    def __init__(self, name: str, endpoint: SipEndpoint, engine: MediaEngine, local: Hop) -> None:
        self.name = name
        self.endpoint = endpoint
        self.habit = Habit()
        self.choose_habit: Callable[[IncomingInvite], Habit] = lambda _: self.habit
        """Asked at each INVITE how to behave."""
        self.profile = SoundProfile()
        """Which codecs it speaks."""
        self.invitations: list[Invitation] = []
        self._engine = engine
        self._local = local
        self._invited = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self._placed: list[PlacedCall] = []
        endpoint.on_invite = self._take

    @property
    def host(self) -> str:
        """The address it signals at."""
        return self._local.host

    async def register(
        self,
        server: Hop,
        username: str,
        password: str,
        *,
        expires: int = 600,
        contact: str | None = None,
        allow: str = "",
    ) -> Response:
        """Register with ``server`` and return its final answer; ``allow`` is what it says of its methods."""
        uri = SipUri(username, server.address)
        headers = Headers(
            [
                ("From", str(NameAddr(uri))),
                ("To", str(NameAddr(uri))),
                ("Contact", contact or f"<sip:{username}@{self._local.authority}>"),
                ("Expires", str(expires)),
                ("User-Agent", self.name),
            ]
        )
        if allow:
            headers.add("Allow", allow)
        request = Request("REGISTER", str(SipUri(None, server.address)), headers)
        return await self.endpoint.request(request, server, credentials=Credentials(username, password))

    async def call(
        self,
        server: Hop,
        number: str,
        *,
        from_number: str,
        display: str = "",
        credentials: Credentials | None = None,
        uri: str | None = None,
        to: SipUri | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> PlacedCall:
        """Call ``number`` through ``server``; ``uri`` and ``to`` take its place in request-URI and To."""
        dial = Dial(
            who=number,
            uri=uri or str(SipUri(number, server.address, port=server.port)),
            hop=server,
            from_=NameAddr(SipUri(from_number, self._local.address), display=display),
            to=NameAddr(to) if to is not None else None,
            headers=headers,
            credentials=credentials,
        )
        is_certified = self.profile.needs_certificate()
        media = await self._engine.open_leg(self.name, has_certificate=is_certified)
        leg = CalleeLeg(dial, media, self.profile)
        placed = PlacedCall(leg, leg.invite(self.endpoint))
        self._placed.append(placed)
        return placed

    def forget(self, placed: PlacedCall) -> None:
        """Keep a call no longer that is closed."""
        self._placed.remove(placed)

    def _take(self, invite: IncomingInvite) -> None:
        task = asyncio.create_task(self._behave(invite), name=f"softphone {self.name} is called")
        self._tasks.add(task)
        task.add_done_callback(self._took)

    def _took(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)

    async def _behave(self, invite: IncomingInvite) -> None:
        loop = asyncio.get_running_loop()
        is_certified = self.profile.needs_certificate(invite.offer)
        media = await self._engine.open_leg(self.name, has_certificate=is_certified)
        try:
            leg = CallerLeg(invite, media, name=self.name, profile=self.profile, allows_nat=False)
        except MediaError:
            await media.close()
            invite.reject(488)
            return
        self.invitations.append(Invitation(loop.time(), invite, leg))
        self._invited.set()
        habit = self.choose_habit(invite)
        await asyncio.wait({leg.ended}, timeout=habit.rings_after)
        if habit.plays_early:
            leg.start_early_media()
            leg.loop(habit.plays_early)
        elif habit.rings and (habit.refuses_with is None or habit.refuses_after):
            leg.ring()
        if habit.refuses_with is not None:
            await asyncio.wait({leg.ended}, timeout=habit.refuses_after)
            contact = (("Contact", habit.forwards_to),) if habit.forwards_to else ()
            leg.reject(habit.refuses_with, headers=contact)
        elif habit.answers_after is not None:
            await asyncio.wait({leg.ended}, timeout=habit.answers_after)
            with suppress(LegEnded):  # the caller may have hung up in this very instant
                leg.answer()

    async def invited(self, count: int = 1, *, within: float) -> Invitation:
        """Return the ``count``-th INVITE that ever came here, waiting for it at most ``within`` seconds.

        Raises:
            TimeoutError: it did not come.
        """
        async with asyncio.timeout(within):
            while len(self.invitations) < count:
                self._invited.clear()
                await self._invited.wait()
        return self.invitations[count - 1]

    async def close(self) -> None:
        """Hang up whatever is up and leave the network.

        Raises:
            BaseExceptionGroup: it could not do with a call as it was told.
        """
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for placed in self._placed:
            await placed.close()
        for invitation in self.invitations:
            await invitation.leg.close()
        await self.endpoint.close()
        if self._failures:
            raise BaseExceptionGroup(f"{self.name} was called", self._failures)
