"""Every INVITE comes in here: who calls, is it allowed, which number; journaled first, then served."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from b2bua.call.call import Call, CallerIdentity
from b2bua.call.lines import Lines
from b2bua.call.sound import SoundProfile
from b2bua.config.models import Person, Trunk
from b2bua.errors import MalformedMessage
from b2bua.inbound.custody import Custody, outcome_of
from b2bua.inbound.features import feature_of, is_feature
from b2bua.inbound.held import Held
from b2bua.inbound.ledger import JournalLedger
from b2bua.inbound.numbers import (
    OUTSIDE,
    CallerId,
    Dialled,
    calls_for_help,
    read_caller,
    read_dialled,
    read_dialled_at,
    read_diversions,
    wants_privacy,
)
from b2bua.inbound.outside import Outside
from b2bua.inbound.pickup import Pickups, read_pickup
from b2bua.inbound.secured import SIPS_NOT_ALLOWED, is_sips
from b2bua.inbound.unlisted import UnlistedNumbers
from b2bua.people.directory import Directory
from b2bua.people.engaged import talking
from b2bua.people.occupancy import Occupancy
from b2bua.registrar.identify import Identifier, NeedsAuth, Phone, Stranger, TrunkCaller
from b2bua.routing.destination import External, Listen, Ring
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import Position, enter, enter_extension, number_spec
from b2bua.sip.diversion import Diversion
from b2bua.sip.session import IncomingInvite
from b2bua.sip.session.offer_answer import warning
from b2bua.sip.uri import Uri
from b2bua.store.calls import CallOutcome, NewCall
from b2bua.store.store import Store
from b2bua.trace.keeper import TraceKeeper
from b2bua.trunk.channels import Channels
from media.client import MediaEngine
from media.errors import EngineGone, MediaError, PortsExhausted

log = structlog.get_logger("call")

RETRY_AFTER_S = 5
"""What a caller's carrier is told when we have no port for it right now."""
OUTGOING_RING_S = 120.0
"""How long one of us lets a number outside ring before giving up."""
STOPPED = "the program was stopped"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An INVITE that may come in, and where its caller goes first."""

    invite: IncomingInvite
    """As it came."""
    identity: CallerIdentity
    """Who calls whom."""
    plan: Plan
    """The configuration that this call keeps."""
    start: Position
    """The first step."""
    held: Held
    """A trunk's channel, or the lease of who calls: it ends with the caller's leg, wherever that goes."""
    keys: str = ""
    """Digits dialled after the number."""
    trunk: Trunk | None = None
    """Where it came from; None: one of our phones."""
    is_unlisted: bool = False
    """Nobody configured the number that was dialled."""


@dataclass(slots=True)
class Ending:
    """How a call ends, as far as it is known yet."""

    outcome: CallOutcome
    """For the journal."""
    why: str = STOPPED
    """In words for the office."""


@dataclass(slots=True)
class Reception:
    """Takes INVITEs into custody."""

    plan: Callable[[], Plan]
    """The schemes in force; a call keeps the plan it started with."""
    directory: Callable[[], Directory]
    """The people in force."""
    identifier: Callable[[], Identifier]
    """Tells phones, trunks and strangers apart."""
    custody: Custody
    """Serves callers."""
    pickups: Pickups
    """Gives the calls of others to phones that ask for them."""
    store: Store
    """Where calls are journaled."""
    engine: MediaEngine
    """Where callers get their sound."""
    occupancy: Occupancy
    """Who talks."""
    lines: Lines
    """What each phone does."""
    channels: Channels
    """Calls on each trunk."""
    profile: SoundProfile
    """How sound is negotiated."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    traces: TraceKeeper
    """Keeps each call's SIP."""
    unlisted: UnlistedNumbers
    """Told of calls to numbers that nobody configured."""
    outside: Outside
    """Told when calls are over."""

    async def take(self, invite: IncomingInvite) -> None:
        """Serve one INVITE to its end."""
        try:
            identity = self.identifier().identify(invite.request, invite.source, _now())
            match identity:
                case Phone(person) if invite.replaces is not None:
                    await self.pickups.replace(invite, person)
                case TrunkCaller() if invite.replaces is not None:
                    self.pickups.refuse(invite)
                case Phone(person):
                    await self._from_phone(invite, person)
                case TrunkCaller(trunk, dialled):
                    await self._from_trunk(invite, trunk, dialled)
                case NeedsAuth(status, reason, headers):
                    invite.reject(status, reason, headers=headers)
                case Stranger():
                    invite.reject(403)
        except MalformedMessage as error:
            invite.reject(error.status, error.why)
        finally:
            invite.reject(500)  # a fault of ours may have left them without an answer

    # --- who calls whom ------------------------------------------------------------------------------------

    async def _from_trunk(self, invite: IncomingInvite, trunk: Trunk, target: Uri) -> None:
        plan = self.plan()
        dialled = read_dialled_at(trunk, target, plan)
        caller = read_caller(invite.request, country=plan.country)
        spec = number_spec(plan, dialled.number)
        identity = self._identity(
            caller,
            dialled,
            trunk=trunk.name,
            label=spec.label if spec else "",
            source=spec.source or "" if spec else "",
            is_private=not caller.number,
            diversions=read_diversions(invite.request, country=plan.country),
            is_sips=is_sips(invite.request.uri),
        )
        start = self._start(plan, dialled)
        with Held(self.channels.take(trunk.name, None).release) as held:
            self._warn_when_full(trunk)
            keys, is_unlisted = dialled.keys, spec is None
            await self._serve(Arrival(invite, identity, plan, start, held, keys, trunk, is_unlisted))

    def _warn_when_full(self, trunk: Trunk) -> None:
        """Tell the office that the provider refuses the next caller, who hears busy (row Q13)."""
        calls = self.channels.in_use(trunk.name)
        if trunk.channels is not None and calls >= trunk.channels:
            log.warning(
                f"all {trunk.channels} channels of trunk {trunk.name} are in use: the next caller hears busy"
            )

    def _start(self, plan: Plan, dialled: Dialled) -> Position:
        return enter(plan, dialled.number, self.custody.facts())

    async def _from_phone(self, invite: IncomingInvite, person: Person) -> None:
        plan = self.plan()
        dialled = read_dialled(invite.request.target, country=plan.country)
        code = read_pickup(plan, dialled.number)
        if code is not None:
            await self.pickups.pick_up(invite, person, code, plan)
            return
        start = (
            _messages_of(person, plan, dialled)
            or feature_of(person, plan, dialled.number)
            or self._start_at(plan, dialled)
        )
        if start is None:
            invite.reject(404, "No such number")
            return
        identity = self._identity(
            CallerId(person.extension or "", person.title),
            dialled,
            person=person.name,
            is_private=wants_privacy(invite.request),
            is_sips=is_sips(invite.request.uri),
        )
        with Held(talking(self.occupancy, person.name).end) as held:
            await self._serve(Arrival(invite, identity, plan, start, held, dialled.keys))

    def start_of(self, target: Uri) -> tuple[Position, str] | None:
        """Return where a caller goes whom one of our phones sends to ``target``, with the digits after it.

        None: there is no such number.
        """
        plan = self.plan()
        dialled = read_dialled(target, country=plan.country)
        if read_pickup(plan, dialled.number) is not None:
            return None
        start = self._start_at(plan, dialled)
        return (start, dialled.keys) if start is not None else None

    def _start_at(self, plan: Plan, dialled: Dialled) -> Position | None:
        facts = self.custody.facts()
        inside = enter_extension(plan, dialled.number, facts)
        if inside is not None:
            return inside
        if number_spec(plan, dialled.number) is not None:
            return enter(plan, dialled.number, facts)
        if dialled.number in ("", plan.voicemail_number) or is_feature(plan, dialled.number):
            return None
        outside = External(dialled.number, dialled.post_dial)
        return Position(Ring((outside,), for_seconds=OUTGOING_RING_S), key=OUTSIDE)

    def _identity(
        self,
        caller: CallerId,
        dialled: Dialled,
        *,
        trunk: str | None = None,
        person: str | None = None,
        label: str = "",
        source: str = "",
        is_private: bool,
        diversions: tuple[Diversion, ...] = (),
        is_sips: bool = False,
    ) -> CallerIdentity:
        return CallerIdentity(
            call_id=secrets.token_hex(6),
            number=caller.number,
            name=caller.name,
            dialled=dialled.number,
            trunk=trunk,
            person=person,
            is_private=is_private,
            diversions=diversions,
            is_sips=is_sips,
            label=label,
            source=source,
        )

    # --- custody -------------------------------------------------------------------------------------------

    async def _serve(self, arrival: Arrival) -> None:
        """Journal the caller, serve them, journal the one outcome, whatever happens in between."""
        new_call = self._new_call(arrival)
        await self.store.journal.begin(new_call, tells_crm=self.outside.tells_crm(new_call))
        log.info(
            "a call", caller=new_call.caller or "withheld", dialled=new_call.dialled, call_id=new_call.call_id
        )
        if arrival.is_unlisted:
            self.unlisted.called(new_call)
        ledger = JournalLedger(self.store.journal, new_call, self.clock)
        is_owed = not arrival.identity.is_internal
        ending = Ending(CallOutcome.PROMISE if is_owed else CallOutcome.UNANSWERED)
        try:
            with self.traces.following(new_call.call_id, arrival.invite.call_id):
                await self._in_custody(arrival, ledger, ending)
        except (PortsExhausted, EngineGone) as error:
            if arrival.invite.ended.done():
                ending.why = "hung up before there was sound for them"
            else:
                log.error("a caller had to be refused", why=str(error), call_id=new_call.call_id)
                arrival.invite.reject(503, "No media", headers=(("Retry-After", str(RETRY_AFTER_S)),))
                ending.why = f"we had no sound for the caller: {error}"
        except MediaError as error:
            arrival.invite.reject(488, headers=(("Warning", warning(error)),))
            ending.why = f"no common way to send sound: {error}"
        finally:
            await self._close(ledger, new_call, ending)

    async def _in_custody(self, arrival: Arrival, ledger: JournalLedger, ending: Ending) -> None:
        trunk = arrival.trunk
        async with await Call.incoming(
            arrival.invite,
            self.engine,
            arrival.identity,
            ledger,
            profile=self._profile_toward(arrival),
            allows_nat=trunk.allows_nat if trunk is not None else True,
        ) as call:
            call.caller.at_end(arrival.held.hand_on())
            call.caller.preload_digits(arrival.keys)
            call.on_joined = partial(self.traces.also, arrival.identity.call_id)
            self.lines.calls(call.caller)
            if trunk is None:
                call.is_occupied = calls_for_help(arrival.invite.request, country=arrival.plan.country)
            try:
                ending.why = await self._answered_in_time(call, arrival)
            finally:
                ending.outcome = outcome_of(call)

    def _profile_toward(self, arrival: Arrival) -> SoundProfile:
        """Return how to negotiate sound with who calls: trunks and people may have their own way."""
        person = arrival.identity.person
        if arrival.trunk is not None:
            return self.profile.of_party(arrival.trunk.srtp, arrival.trunk.codecs, arrival.trunk.dtmf)
        if person is None:
            return self.profile
        known = self.directory().person(person)
        return self.profile.of_party(known.srtp, known.codecs)

    async def _answered_in_time(self, call: Call, arrival: Arrival) -> str:
        trunk = arrival.trunk
        timer = call.answer_within(_patience_s(trunk, arrival.invite)) if trunk is not None else None
        try:
            why = await self.custody.serve(call, arrival.plan, arrival.start)
        finally:
            if timer is not None:
                timer.cancel()
        if not call.caller.is_answered:
            # one of our own people learns why the far end could not be reached
            status = call.last_status if call.identity.is_internal and call.last_status else 480
            call.caller.reject(status, headers=(SIPS_NOT_ALLOWED,) if call.lacks_tls else ())
        return why

    async def _close(self, ledger: JournalLedger, call: NewCall, ending: Ending) -> None:
        """Write the outcome, unless it is written: a message left is, together with its mail."""
        if self.store.journal.is_open(call.call_id):
            await self.store.journal.end(call.call_id, ending.outcome, at=self.clock(), why=ending.why)
        ledger.tell_story(ending.outcome, ending.why)
        self.outside.over()

    def _new_call(self, arrival: Arrival) -> NewCall:
        identity = arrival.identity
        direction = "in"
        if identity.is_internal:
            direction = "out" if arrival.start.key == OUTSIDE else "internal"
        return NewCall(
            call_id=identity.call_id,
            caller=identity.number,
            caller_name=identity.name,
            dialled=identity.dialled,
            trunk=identity.trunk or "",
            at=self.clock(),
            direction=direction,
            source=identity.source,
        )


def _messages_of(person: Person, plan: Plan, dialled: Dialled) -> Position | None:
    """Return where ``person`` listens to messages, None when another number was dialled.

    Nobody is ever sent there: a caller whom a phone transfers to that number would hear what is not theirs.
    """
    if not plan.voicemail_number or dialled.number != plan.voicemail_number:
        return None
    return Position(Listen(person.name), key="office.voicemail-number")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _patience_s(trunk: Trunk, invite: IncomingInvite) -> float:
    """Return how long a carrier lets a caller ring: as configured, or as its INVITE holds (§13.3.1)."""
    try:
        expires_s = invite.request.expires
    except MalformedMessage:
        expires_s = None
    return min(trunk.max_unanswered_s, expires_s or trunk.max_unanswered_s)
