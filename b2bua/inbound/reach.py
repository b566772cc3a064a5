"""From a scheme's targets to INVITEs: the phones a person has registered, the trunk a number goes through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from b2bua.call.call import Call, CallerIdentity
from b2bua.call.callee import Dial, Reached, Vigil
from b2bua.call.digits import DtmfMode
from b2bua.config import models as config
from b2bua.errors import MalformedMessage, Unavailable
from b2bua.inbound.forwarding import Forwarding
from b2bua.inbound.secured import NO_TLS, is_sips, secured
from b2bua.registrar.bindings import Binding, Bindings
from b2bua.routing.destination import External, Mobile, Person, Shows, SipAddress, Target
from b2bua.routing.plan import Plan
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, Uri, parse_uri
from b2bua.trunk.callerid import ANONYMOUS, Caller, diversion_lines
from b2bua.trunk.channels import Channels
from b2bua.trunk.selection import (
    OutboundRoute,
    TrunkSelection,
    account_domain,
    credentials,
    next_hop,
    next_hops,
    routed,
)
from b2bua.trunk.spending import Spending
from media.sdp.crypto import SrtpPolicy

NO_PHONE = "no phone is registered"
IS_CALLER = "it is the one that calls"
"""Who calls from there finds it busy, or talks to its voicemail."""
HAS_SENT_IT = "it has forwarded this call here"
"""To ring it would lead back here, again and again."""
MOST_NAMES = 2
"""So many of those who missed a call are named; more are counted."""
MOST_REDIRECTS = 5
"""A provider whose servers send us around longer than that has a circle."""


@dataclass(slots=True)
class Reach:
    """Finds the devices and numbers behind a target at this very moment."""

    endpoint: SipEndpoint
    """Knows our address toward each peer."""
    bindings: Bindings
    """Registered phones."""
    vigil: Callable[[Binding], Vigil]
    """Returns what watches over a phone."""
    person: Callable[[str], config.Person]
    """Finds somebody by name."""
    excuse: Callable[[str, CallerIdentity], str]
    """Returns why a person takes no call of that caller now; empty: they do."""
    plan: Callable[[], Plan]
    """The configuration in force: whose mobile is which."""
    trunks: Callable[[], TrunkSelection]
    """The trunks in force."""
    channels: Channels
    """Calls on each trunk."""
    spending: Spending
    """Counts what calls to the outside cost."""
    resolve: Callable[[Uri], Awaitable[list[Hop]]]
    """Finds the addresses of a trunk or of a SIP address, best first; raises Unavailable."""
    forwarding: Forwarding
    """Finds whom our phones send their calls to."""

    async def __call__(self, target: Target, call: Call) -> Reached:
        """Return what ``target`` comes to for ``call``; nothing to dial is an answer, not an error.

        A call that came by ``sips:``, and whatever is called by it, goes by TLS or not at all.
        """
        found = await self._found(target, call)
        reached = secured(found, needs_tls=call.identity.is_sips, has_way=self.endpoint.has_way)
        call.lacks_tls = call.lacks_tls or reached.why_not == NO_TLS
        return reached

    async def _found(self, target: Target, call: Call) -> Reached:
        match target:
            case Person(name) | Mobile(name) if why := self.excuse(name, call.identity):
                return Reached(self.person(name).title, (), why, person=name, is_excused=True)
            case Person():
                return self._person(target, call)
            case Mobile(name):
                return await self._mobile(name, call, target.shows)
            case External(number, post_dial):
                return await self._number(number, number, call, post_dial=post_dial, shows=target.shows)
            case SipAddress(uri):
                return await self._address(uri, call)

    def _person(self, target: Person, call: Call) -> Reached:
        person = self.person(target.name)
        bindings = self.bindings.live(target.name, asyncio.get_running_loop().time())
        if target.device:
            return self._one_device(target, person, bindings, call)
        dials = tuple(self._device(binding, person, call) for binding in bindings)
        return Reached(person.title, dials, NO_PHONE, person=target.name)

    def _one_device(
        self, target: Person, person: config.Person, bindings: Sequence[Binding], call: Call
    ) -> Reached:
        who = f"{person.title} ({target.device})"
        login = person.login_of(target.device) if target.device in person.devices else ""
        dials = (self._device(each, person, call) for each in bindings if login and each.login == login)
        named = tuple(replace(dial, who=who, name=person.title) for dial in dials)
        return Reached(who, named, NO_PHONE, person=target.name)

    def _device(self, binding: Binding, person: config.Person, call: Call) -> Dial:
        hop = binding.hop_now(self.endpoint.is_connected)
        if not hop.is_secure and (call.identity.is_sips or is_sips(binding.contact_uri)):
            hop = binding.listening_hop or hop
        host = self.endpoint.local_hop(hop).host
        diversions = call.identity.diversions
        known = [each for each in diversions if each.user]
        return Dial(
            who=person.title,
            uri=binding.contact_uri,
            hop=hop,
            from_=_shown(
                call, host, whom=person.title, called_first=diversions[-1].user if diversions else ""
            ),
            headers=(*binding.route, *_referred_by(call), *diversion_lines(known, host)),
            person=binding.person,
            number=person.extension or "",
            vigil=self.vigil(binding),
            forward=partial(self.forwarding, person, call),
            allows_nat=binding.is_behind_nat,
            srtp=SrtpPolicy(person.srtp) if person.srtp is not None else None,
            codecs=person.codecs or (),
        )

    async def _mobile(self, name: str, call: Call, shows: Shows | None) -> Reached:
        person = self.plan().people[name]
        if person.mobile is None:
            return Reached(f"{person.display}'s mobile", (), "no mobile number is known")
        who = f"{person.display}'s mobile {person.mobile}"
        post_dial = person.mobile_post_dial
        reached = await self._number(person.mobile, who, call, post_dial=post_dial, shows=shows)
        dials = tuple(replace(dial, name=person.display, party=f"mobile of {name}") for dial in reached.dials)
        return replace(reached, dials=dials)

    async def _number(
        self, number: str, who: str, call: Call, *, post_dial: str, shows: Shows | None = None
    ) -> Reached:
        caller = call.identity
        if number == caller.number:
            return Reached(who, (), IS_CALLER)
        if any(number == each.user for each in caller.diversions):
            return Reached(who, (), HAS_SENT_IT)
        dialled = "" if caller.is_internal else caller.dialled
        try:
            behalf = Caller(caller.number, caller.name, dialled, caller.diversions, caller.is_private)
            route = self.trunks().route(number, behalf, shows=shows)
            hops = await self._first_resolved(route.next_hops)
        except Unavailable as error:
            return Reached(who, (), str(error))
        meter = self.spending.meter(route.trunk.name, number, call_id=caller.call_id, who=who)
        dial = replace(self._through(route, who, number, hops, post_dial=post_dial), meter=meter)
        return Reached(who, (dial,))

    def _through(
        self, route: OutboundRoute, who: str, number: str, hops: list[Hop], *, post_dial: str
    ) -> Dial:
        def after_refusal(status: int) -> Dial | None:
            other = route.after_refusal(status)
            return self._through(other, who, number, hops, post_dial=post_dial) if other is not None else None

        return Dial(
            who=who,
            number=number,
            uri=route.uri,
            hop=hops[0],
            more_hops=tuple(hops[1:]),
            from_=route.from_,
            headers=route.headers,
            credentials=route.credentials,
            allows_nat=route.trunk.allows_nat,
            srtp=SrtpPolicy(route.trunk.srtp),
            codecs=route.trunk.codecs or (),
            dtmf=DtmfMode(route.trunk.dtmf),
            after_refusal=after_refusal,
            post_dial=post_dial,
            most_redirects=MOST_REDIRECTS if route.trunk.follows_redirects else 0,
            resolve=self._follower(route.trunk),
            trunk=route.trunk.name,
            admit=lambda: self.channels.take(route.trunk.name, route.channels).release,
        )

    async def _address(self, uri: str, call: Call) -> Reached:
        try:
            target = parse_uri(uri)
            trunk = self.trunks().account_at(target)
            by = self.trunks().service_route(trunk) if trunk is not None else ()
            hops = await self._first_resolved((target,) if trunk is None else next_hops(trunk, by))
        except (Unavailable, MalformedMessage) as error:
            return Reached(uri, (), str(error))
        is_hidden = call.identity.is_internal and call.identity.is_private
        from_ = ANONYMOUS if is_hidden else _shown(call, self.endpoint.local_hop(hops[0]).host)
        privacy = (("Privacy", "id"),) if is_hidden else ()
        dial = Dial(who=uri, uri=uri, hop=hops[0], more_hops=tuple(hops[1:]), from_=from_, headers=privacy)
        if trunk is None:
            return Reached(uri, (dial,))
        user = target.user_text if isinstance(target, SipUri) else ""
        meter = self.spending.meter(trunk.name, user, call_id=call.identity.call_id, who=uri)
        dial = replace(self._with_account(dial, trunk), meter=meter, headers=(*routed(by), *privacy))
        return Reached(uri, (dial,))

    def _follower(self, trunk: config.Trunk) -> Callable[[Uri], Awaitable[list[Hop]]]:
        """Return what finds the servers that ``trunk`` sends us to: our proxy to it, where there is one."""
        proxy = next_hop(trunk) if trunk.outbound_proxy else None
        return self.resolve if proxy is None else lambda _: self.resolve(proxy)

    async def _first_resolved(self, uris: Sequence[Uri]) -> list[Hop]:
        """Return the addresses of the first of ``uris`` that has any.

        Raises:
            Unavailable: none has.
        """
        for uri in uris[:-1]:
            try:
                return await self.resolve(uri)
            except Unavailable:
                continue
        return await self.resolve(uris[-1])

    def _with_account(self, dial: Dial, trunk: config.Trunk) -> Dial:
        """Return ``dial`` as one of ours at another PBX would place it: it still shows who calls."""
        account = SipUri(trunk.username, account_domain(trunk))
        return replace(
            dial,
            from_=replace(dial.from_, uri=account) if trunk.username else dial.from_,
            credentials=credentials(trunk),
            allows_nat=trunk.allows_nat,
            srtp=SrtpPolicy(trunk.srtp),
            codecs=trunk.codecs or (),
            dtmf=DtmfMode(trunk.dtmf),
            trunk=trunk.name,
            most_redirects=MOST_REDIRECTS if trunk.follows_redirects else 0,
            resolve=self._follower(trunk),
            admit=lambda: self.channels.take(trunk.name, trunk.channels).release,
        )


def _shown(call: Call, host: str, *, whom: str = "", called_first: str = "") -> NameAddr:
    """Return what the answerer reads: what was called, who calls, who else missed it (rows F19, F21, I14)."""
    caller = call.identity
    display = caller.name or caller.number or "unknown caller"
    if caller.label:
        display = f"{caller.label}: {_number_and_name(caller) or display}"
    if called_first not in ("", caller.dialled):
        display += f" (for {called_first})"
    others = [name for name in call.missed if name != whom]
    if others:
        display += f" (missed by {_listed(others)})"
    return NameAddr(SipUri(caller.number or "anonymous", host), display=display)


def _number_and_name(caller: CallerIdentity) -> str:
    """Return number and name, in this order: displays are short. Some carriers' names are numbers."""
    is_name = any(map(str.isalpha, caller.name))
    return " ".join(filter(None, (caller.number, caller.name if is_name else "")))


def _listed(names: Sequence[str]) -> str:
    """Return the names as they fit on the display of a phone."""
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return f"{names[0]} and {len(names) - 1} others"


def _referred_by(call: Call) -> tuple[tuple[str, str], ...]:
    """Tell our own people who sent the caller on (RFC 3892); the outside learns nothing of the kind."""
    return (("Referred-By", call.referred_by),) if call.referred_by else ()
