"""A phone of the office that sends its calls elsewhere by 302: whom that comes to, and whether it may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from b2bua.call.call import Call
from b2bua.call.callee import Dial, Reached
from b2bua.call.confirmation import Confirmation
from b2bua.config.models import Person
from b2bua.errors import Declined
from b2bua.inbound.numbers import Dialled, read_dialled
from b2bua.people.engaged import talking
from b2bua.people.occupancy import Occupancy
from b2bua.routing import destination as targets
from b2bua.routing.destination import Confirm, External, Mobile, Ring, Target
from b2bua.routing.numbers import is_emergency
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import number_spec
from b2bua.sip.diversion import Diversion
from b2bua.sip.uri import SipUri, Uri
from b2bua.trunk.callerid import diversion_lines
from media.commands import PlayItem

CONFIRM_S = 20.0
"""How long who answers outside has to take the call, as in a step that says nothing else."""
NOT_FOLLOWED = "the forwarding set at their phone is not followed"
"""What an office that does not want it reads."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Finds whom a phone's call forwarding means: a colleague, a mobile, a number outside.

    It comes to no more than the phone could dial itself, by the same trunks and within the same daily caps.
    """

    reach: Callable[[Target, Call], Awaitable[Reached]]
    """Finds the devices and numbers behind a target."""
    plan: Callable[[], Plan]
    """The configuration in force."""
    occupancy: Occupancy
    """Who talks."""
    offer: Callable[[str], Sequence[PlayItem]]
    """What offers a call from a number to who has to confirm that they take it."""

    async def __call__(self, person: Person, call: Call, contacts: Sequence[Uri]) -> Reached:
        """Return whom a call goes to that a phone of ``person`` sends to ``contacts``, the first that is any.

        Raises:
            Declined: it goes nowhere, in words.
        """
        if not person.follows_forwards:
            raise Declined(603, NOT_FOLLOWED)
        plan = self.plan()
        why = "their phone forwards to nobody"
        for contact in contacts:
            dialled = read_dialled(contact, country=plan.country)
            found = _targets(plan, person.name, dialled)
            if found:
                return await self._reached(person.name, call, found)
            why = f"their phone forwards to {dialled.number or contact}, which is nobody's phone"
        raise Declined(603, why)

    async def _reached(self, person: str, call: Call, found: Sequence[Target]) -> Reached:
        """Return all that ``found`` comes to, in one."""
        each = await asyncio.gather(*(self.reach(target, call) for target in found))
        dials = [
            self._forwarded(dial, target, person, call)
            for target, reached in zip(found, each, strict=True)
            for dial in reached.dials
            if dial.person is None or dial.person != call.identity.person
        ]
        who = " and ".join(dict.fromkeys(reached.who for reached in each))
        why_not = next((reached.why_not for reached in each if not reached.dials), "it is the one that calls")
        return Reached(who, tuple(dials), why_not)

    def _forwarded(self, dial: Dial, target: Target, person: str, call: Call) -> Dial:
        """Return ``dial`` for a forwarded call: whoever answers talks in place of ``person``.

        A colleague's phone is told who sent it (RFC 5806).
        """
        confirm = target.confirm if isinstance(target, Mobile | External) else None
        if confirm is not None:
            question = self.offer(call.identity.number)
            is_by_voice = confirm is Confirm.VOICE
            confirmation = Confirmation(question, CONFIRM_S, is_by_voice=is_by_voice)
            dial = replace(dial, confirmation=confirmation)
        if dial.person is not None and isinstance(dial.from_.uri, SipUri):
            sender = Diversion(self.plan().people[person].extension or person, "deflection")
            lines = diversion_lines([sender], dial.from_.uri.host)
            dial = replace(dial, headers=(*lines, *dial.headers))
        return replace(dial, meter=self._engaging(dial.person or person, dial.meter))

    def _engaging(
        self, person: str, meter: Callable[[], Callable[[], None]] | None
    ) -> Callable[[], Callable[[], None]]:
        """Return a meter that also counts ``person`` as talking: nobody else may be put through to them."""

        def answered() -> Callable[[], None]:
            talk = talking(self.occupancy, person)
            paid = meter() if meter is not None else None

            def over() -> None:
                talk.end()
                if paid is not None:
                    paid()

            return over

        return answered


def _targets(plan: Plan, person: str, dialled: Dialled) -> tuple[Target, ...]:
    """Return whom a number means that was set at a phone of ``person``; nobody: what is no one's phone."""
    number = dialled.number
    inside = plan.extensions.get(number)
    if isinstance(inside, Ring):
        return tuple(one for one in inside.targets if one != targets.Person(person))
    if inside is not None or number_spec(plan, number) is not None or not number.lstrip("+").isdigit():
        return ()
    for other in (plan.people[person], *plan.people.values()):
        if other.mobile == number:
            return (Mobile(other.name, confirm=other.mobile_confirm),)
    if is_emergency(number, country=plan.country):
        return ()
    return (External(number, dialled.post_dial, confirm=plan.people[person].mobile_confirm),)
