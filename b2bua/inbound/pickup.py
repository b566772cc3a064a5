"""Calls that a phone of ours takes over: what rings at another, or a talk (RFC 3891, RFC 5359 §2.16)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from b2bua.call.caller import CallerLeg
from b2bua.call.dialer import Dialer
from b2bua.call.fork import Fork
from b2bua.call.leg import Leg
from b2bua.call.lines import Lines
from b2bua.call.sound import SoundProfile
from b2bua.config.models import Person
from b2bua.errors import Declined, LegEnded
from b2bua.inbound.numbers import read_referrer
from b2bua.inbound.transfer import Transfers
from b2bua.people.engaged import talking
from b2bua.people.occupancy import Occupancy
from b2bua.routing import destination
from b2bua.routing.destination import Destination
from b2bua.routing.plan import Plan
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.replaces import Replaces
from b2bua.sip.session import IncomingInvite, OutgoingInvite
from media.client import MediaEngine
from media.errors import EngineGone, MediaError, PortsExhausted

log = structlog.get_logger("call")

NOTHING_RINGS = "No call to pick up"
"""What a phone shows, with 480: the code is right, there is just nothing at the moment."""


@dataclass(frozen=True, slots=True)
class PickupCode:
    """What a phone without lamps dials to take a call that rings elsewhere."""

    extension: str = ""
    """Whose call; empty: any of the office."""


def read_pickup(plan: Plan, number: str) -> PickupCode | None:
    """Return what ``number`` picks up, None for a number like any other."""
    if not number or number in plan.extensions or number == plan.voicemail_number:
        return None
    if number == plan.group_pickup_code:
        return PickupCode()
    prefix = plan.directed_pickup_code
    if prefix and number.startswith(prefix) and number != prefix:
        return PickupCode(number.removeprefix(prefix))
    return None


@dataclass(slots=True)
class Pickups:
    """Gives calls to phones that ask for them by an INVITE of their own."""

    endpoint: SipEndpoint
    """Knows the dialogs."""
    dialer: Dialer
    """Knows who rings."""
    transfers: Transfers
    """Knows who talks."""
    occupancy: Occupancy
    """Who is engaged."""
    lines: Lines
    """What each phone does."""
    engine: MediaEngine
    """Where phones that pick up get their sound."""
    profile: SoundProfile
    """How sound is negotiated."""

    async def replace(self, invite: IncomingInvite, person: Person) -> None:
        """Let ``person`` have the call that the INVITE names, or refuse as RFC 3891 §3 says."""
        replaces = invite.replaces
        assert replaces is not None
        sent_by = read_referrer(invite.request)
        await self._take(invite, person, lambda leg: self._put_in_place(leg, replaces, sent_by))

    def refuse(self, invite: IncomingInvite) -> None:
        """Refuse somebody outside: nobody there takes a call away from us."""
        assert invite.replaces is not None
        try:
            self.endpoint.find_replaced(invite.replaces)
        except Declined as error:
            invite.reject(error.status)
        else:
            invite.reject(603)

    async def pick_up(self, invite: IncomingInvite, person: Person, code: PickupCode, plan: Plan) -> None:
        """Let ``person`` have a call that rings elsewhere, the one that waits longest."""
        if code.extension and code.extension not in plan.extensions:
            invite.reject(404, "No such extension")
            return
        wanted = _people_at(plan, plan.extensions[code.extension]) if code.extension else None
        await self._take(invite, person, lambda leg: self._give_longest_waiting(leg, wanted))

    async def _take(self, invite: IncomingInvite, person: Person, give: Callable[[CallerLeg], None]) -> None:
        try:
            async with self._leg(invite, person) as leg:
                give(leg)
                self.lines.calls(leg)
                log.info("a call was picked up", by=person.title)
        except LegEnded:
            log.info("who picked up a call had hung up", by=person.title)
        except (PortsExhausted, EngineGone):
            invite.reject(503, "No media")
        except MediaError:
            invite.reject(488)

    @asynccontextmanager
    async def _leg(self, invite: IncomingInvite, person: Person) -> AsyncIterator[CallerLeg]:
        """Return a leg for who asks; what nobody has taken by the end of the block is closed."""
        profile = self.profile.of_party(person.srtp, person.codecs)
        is_certified = profile.needs_certificate(invite.offer)
        media = await self.engine.open_leg(person.title, has_certificate=is_certified)
        try:
            leg = CallerLeg(
                invite,
                media,
                name=person.title,
                profile=profile,
                allows_nat=True,
                person=person.name,
                number=person.extension or "",
            )
        except BaseException:
            await media.close()
            raise
        leg.at_end(talking(self.occupancy, person.name).end)
        try:
            yield leg
        except Declined as error:
            leg.reject(error.status, error.why)
        finally:
            await leg.close_for(None)

    # --- which call ---------------------------------------------------------------------------------------

    def _put_in_place(self, leg: CallerLeg, replaces: Replaces, sent_by: str) -> None:
        replaced = self.endpoint.find_replaced(replaces)
        if not isinstance(replaced, OutgoingInvite):
            self.transfers.take_over(replaced, leg, sent_by=sent_by)
            return
        found = self.dialer.find(replaced)
        if found is None:
            raise Declined(603, "That call is over")
        fork, rung = found
        if rung.person is None:
            raise Declined(403, "That is no phone of the office")
        _give(fork, leg, rung.name)

    def _give_longest_waiting(self, leg: CallerLeg, wanted: frozenset[str] | None) -> None:
        """Give the call that waits longest of those that ring for ``wanted``, or for anybody."""
        forks = [fork for fork in self.dialer.forks if _may_be_taken(fork, leg)]
        if wanted is not None:
            forks = [fork for fork in forks if fork.people & wanted]
        if not forks:
            raise Declined(480, NOTHING_RINGS)
        fork = min(forks, key=lambda one: one.caller.began)
        _give(fork, leg, _names(one.name for one in fork.ringing if wanted is None or one.person in wanted))


def _may_be_taken(fork: Fork, leg: Leg) -> bool:
    """Return whether a call rings for the office; not one to outside, nor one that who asks has placed."""
    is_ours = bool(fork.people) or fork.caller.person is None
    return fork.is_open and is_ours and fork.caller.person != leg.person


def _give(fork: Fork, leg: CallerLeg, rang: str) -> None:
    leg.answer(prefer=next(iter(fork.caller.wanted_codecs), None))
    fork.pick_up(leg, instead_of=rang)


def _names(names: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(names))


def _people_at(plan: Plan, where: Destination) -> frozenset[str]:
    """Return the keys of the people whose phones an extension rings."""
    match where:
        case destination.Ring(targets=targets):
            return frozenset(one.name for one in targets if isinstance(one, destination.Person))
        case destination.Queue(name=name):
            return frozenset(plan.queues[name].agents)
    return frozenset()
