"""One end of simulated calls: rings, answers, refuses, renegotiates, transfers and hangs up by chance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from random import Random

from b2bua.errors import LegEnded, NotAcceptable, WrongState
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, Response
from b2bua.sip.replaces import Replaces
from b2bua.sip.session import Answered, IncomingInvite, OutgoingInvite, Progress, Referral, Refused, Session
from b2bua.sip.session.asking import DialogRequest
from b2bua.sip.session_timers import SessionTimers
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from b2bua.sip.uri import SipUri
from tests.sip.phones import ANSWER, OFFER, call, endpoint

HELD = OFFER + b"a=sendonly\r\n"
RING_S = 30.0
"""Every dialer gives up some time."""
UNHEARD_S = 180.0
"""So long a phone rings for nobody: its caller may be dead."""
DECIDED_WITHIN_S = 150.0
"""Whatever happens to an INVITE happens within a ring time, a challenge and two rounds of 64*T1."""
CHALLENGE = ("Proxy-Authenticate", 'Digest realm="sim", nonce="n", algorithm=MD5, qop="auth"')
REFUSALS = (
    301,
    302,
    400,
    403,
    404,
    407,
    408,
    415,
    420,
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
    606,
)
INSTANTS = (0.0, 0.001, 0.002, 0.003, 0.3, 1.0)
"""Few different ones, so that events of different ends meet in one."""
EXPECTED = (LegEnded, NotAcceptable, WrongState, TimeoutError)
"""What the far end and the network may do to whatever is tried."""


def some_timers(random: Random) -> SessionTimers:
    """Return a session interval that runs out within the call, does not, is refused, or none."""
    return random.choice(
        (
            SessionTimers(),
            SessionTimers(interval_s=90),
            SessionTimers(interval_s=120, least_s=120),
            SessionTimers(interval_s=None),
        )
    )


class Party:
    """A user agent with a will of its own."""

    def __init__(self, network: MemoryNetwork, hop: Hop, random: Random, *, seed: int) -> None:
        self.hop = hop
        self.sessions: list[Session] = []
        self.others: list[Hop] = []
        """Whom calls are transferred to."""
        self.is_disturbed = False
        """Whether its network or its power failed at some time."""
        self.answered = 0
        self._network = network
        self._random = random
        self._seed = seed
        self._tasks: set[asyncio.Task[None]] = set()
        self._start()

    def _start(self) -> None:
        self.endpoint = endpoint(self._network, self.hop, self._seed)
        self.endpoint.session_timers = some_timers(self._random)
        self.endpoint.on_invite = self._invited

    def reboot(self) -> None:
        """Lose power and come back without a memory."""
        for task in self._tasks:
            task.cancel()
        self.is_disturbed = True
        self.sessions.clear()
        for transport in self.endpoint._layer.transports:
            self._network.unplug(transport.local)
        self._seed += 1
        self._start()

    @property
    def is_busy(self) -> bool:
        """Whether a call is still being played through."""
        return bool(self._tasks)

    def put_down(self) -> None:
        """Hang up whatever is up, as people do who hear nothing any more."""
        for session in self.sessions:
            session.bye()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error  # into the loop's exception handler, which keeps it

    # --- calling ------------------------------------------------------------------------------------------

    def place(self, hop: Hop) -> None:
        """Place one call, cancel it perhaps, talk, hang up."""
        random = self._random
        must = (("Require", "100rel"),) if random.random() < 0.2 else ()
        invite = call(
            self.endpoint,
            hop,
            headers=must,
            credentials=Credentials("alice", "secret") if random.random() < 0.5 else None,
            most_redirects=random.choice((0, 2)),
            **({"offer": b""} if random.random() < 0.15 else {}),
        )
        if random.random() < 0.5:
            delay = random.choice((*INSTANTS, random.random() * 4))
            asyncio.get_running_loop().call_later(delay, invite.cancel)
        self._spawn(self._follow(invite))

    async def _follow(self, invite: OutgoingInvite, referral: Referral | None = None) -> None:
        invite.on_offer = lambda offer: ANSWER
        asyncio.get_running_loop().call_later(RING_S, invite.cancel)
        async with asyncio.timeout(DECIDED_WITHIN_S):
            while isinstance(event := await invite.next_event(), Progress):
                if referral is not None:
                    referral.notify(event.status)
        if referral is not None:
            referral.notify(event.status if isinstance(event, Refused) else 200)
        if isinstance(event, Answered):
            await self._talk(event.session, hangs_up=True)

    # --- being called -------------------------------------------------------------------------------------

    def _invited(self, invite: IncomingInvite) -> None:
        self._spawn(self._behave(invite))

    async def _behave(self, invite: IncomingInvite) -> None:
        random = self._random
        replaced = None
        if invite.replaces is not None:
            replaced = self.endpoint.find_session(invite.replaces)
            if replaced is None:
                invite.reject(481)
                return
        await asyncio.sleep(random.choice((0.0, 0.001, 0.3)))
        if random.random() < 0.8:
            await self._ring(invite)
        await asyncio.sleep(random.choice((*INSTANTS, random.random() * 4)))
        if random.random() < 0.05:
            await asyncio.wait({invite.ended}, timeout=UNHEARD_S)
            invite.reject(480)
        if invite.has_final:
            return
        if random.random() < 0.25:
            self._refuse(invite)
            return
        session = invite.accept(ANSWER if invite.offer else OFFER)
        self.answered += 1
        if replaced is not None:
            replaced.bye()
        await self._talk(session, hangs_up=random.random() < 0.5)

    async def _ring(self, invite: IncomingInvite) -> None:
        """Ring once or twice, with sound or without, and perhaps change that sound before the answer."""
        random = self._random
        for _ in range(random.choice((1, 1, 2))):
            invite.progress(random.choice((180, 183)), body=random.choice((b"", ANSWER)))
        if random.random() < 0.2:
            with contextlib.suppress(*EXPECTED):
                async with asyncio.timeout(3):
                    await invite.update(ANSWER)

    def _refuse(self, invite: IncomingInvite) -> None:
        status = self._random.choice(REFUSALS)
        if status == 407 and "Proxy-Authorization" not in invite.request.headers:
            invite.reject(407, headers=(CHALLENGE,))
        elif status < 400 and self.others:
            invite.reject(
                status, headers=(("Contact", f"<sip:b@{self._random.choice(self.others).authority}>"),)
            )
        else:
            invite.reject(status, headers=(("Retry-After", "1"),) if status == 503 else ())

    # --- talking ------------------------------------------------------------------------------------------

    async def _talk(self, session: Session, *, hangs_up: bool) -> None:
        """Talk for seconds or minutes, do what phones do meanwhile, and hang up or wait for that."""
        random = self._random
        self.sessions.append(session)
        session.on_offer = lambda offer: ANSWER
        session.on_late_offer = lambda: OFFER
        session.on_info = lambda kind, body: None
        session.on_refer = self._referred
        for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
            await asyncio.sleep(random.choice((0.0, 0.5, random.random())))
            with contextlib.suppress(*EXPECTED):
                async with asyncio.timeout(200):
                    await self._do_something(session)
        await asyncio.sleep(random.choice((0.0, 0.5, 1.0, 5.0, random.random() * 300)))
        if hangs_up:
            session.bye()

    async def _do_something(self, session: Session) -> None:
        match self._random.randrange(8):
            case 0 | 1:
                await session.reinvite(self._random.choice((HELD, ANSWER)))
            case 2:
                await session.update(self._random.choice((b"", HELD)))
            case 3:
                await asyncio.gather(session.reinvite(HELD), session.update(ANSWER), return_exceptions=True)
            case 4 | 5:
                self._ask(session, "INFO", b"Signal=5\r\n")
            case 6:
                self._ask(session, "OPTIONS")
            case 7:
                await self._transfer(session)

    def _ask(self, session: Session, method: str, body: bytes = b"") -> None:
        """Press a key, or ask whether the call still lives; sometimes in the early dialog already."""
        if not session.ended.done():
            asking = DialogRequest(self.endpoint, session.dialog, credentials=None, on_response=_ignore)
            asking.send(method, body=body, content_type="application/dtmf-relay")

    async def _transfer(self, session: Session) -> None:
        """Ask the far end to call somebody, in place of another call of ours where there is one."""
        if session.ended.done() or not self.others:
            return
        random = self._random
        target, replaces = random.choice(self.others), None
        consulted = [one for one in self.sessions if one is not session and not one.ended.done()]
        if consulted and random.random() < 0.7:
            dialog = consulted[0].dialog
            target = self.endpoint.hop_of(dialog)
            replaces = Replaces(dialog.call_id, dialog.remote_tag, dialog.local_tag)
        referral = session.refer(SipUri("b", target.host, port=target.port), replaces=replaces)
        async with asyncio.timeout(random.choice((0.5, 20.0))):
            await asyncio.shield(referral.result)
        session.bye()

    def _referred(self, referral: Referral) -> None:
        """Take the far end's wish, or refuse it."""
        target = referral.target
        if self._random.random() < 0.2 or not isinstance(target, SipUri):
            raise NotAcceptable("not now")
        hop = Hop(self.hop.transport, target.host, target.port or 5060)
        lines = (("Replaces", str(referral.replaces)),) if referral.replaces is not None else ()
        self._spawn(self._follow(call(self.endpoint, hop, headers=lines), referral))


def _ignore(_request: Request, _response: Response) -> None:
    """Nothing follows from it."""
