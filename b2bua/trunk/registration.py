"""Our registration with a provider: REGISTER for ever (RFC 3261 §10.2), whatever the provider does."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from enum import StrEnum
from random import Random

from b2bua.config.models import Trunk
from b2bua.errors import MalformedMessage, Unavailable
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import CSeq, NameAddr
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.resolver import resolve
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri
from b2bua.trunk.backoff import Backoff
from b2bua.trunk.keep_alive import KeepAlive
from b2bua.trunk.probe import status_in_words
from b2bua.trunk.selection import Resolve, address_uri
from b2bua.trunk.service_route import service_route

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""A provider that does not answer a REGISTER within this time is taken for unreachable."""
UNREGISTER_S = 2.0
"""Our end does not wait longer than that for the provider's blessing."""


class RegistrationState(StrEnum):
    """How things stand with the provider."""

    TRYING = "trying"
    REGISTERED = "registered"
    FAILED = "failed"


class TrunkRegistration:
    """Keeps one trunk registered. ``run`` it in a task; cancelling that task unregisters."""

    def __init__(
        self,
        trunk: Trunk,
        endpoint: SipEndpoint,
        *,
        random: Random,
        resolve: Resolve = resolve,
        on_change: Callable[[TrunkRegistration], None] | None = None,
    ) -> None:
        self.trunk = trunk
        self.state = RegistrationState.TRYING
        self.since = 0.0
        """Loop time when ``state`` began."""
        self.last_error = ""
        """Why the last try failed, in plain words; empty after a success."""
        self.contact_token = secrets.token_hex(8)
        """User part of our contact: nobody but the provider knows it, so whoever calls it is the provider."""
        self.addresses: frozenset[str] = frozenset()
        """IP addresses that the provider's servers had when they were last looked up with success."""
        self.registrar = trunk.registrars[0]
        """Whom we are registered with, or try first."""
        self.service_route: tuple[str, ...] = ()
        """By which proxies our requests have to go, as the registrar said last (RFC 3608)."""
        self.on_change = on_change
        self._endpoint = endpoint
        self._resolve = resolve
        self._random = random
        self._backoff = Backoff(random)
        self._call_id = secrets.token_hex(16)
        self._from_tag = secrets.token_hex(4)
        self._cseq = 0
        self._expires = int(trunk.expires_s)
        self._home: Hop | None = None
        self._found: dict[str, frozenset[str]] = {}
        self._told = (self.state, "", self.registrar)
        self._keep_alive = KeepAlive(trunk, endpoint)

    @property
    def is_usable(self) -> bool:
        """Whether calls may be tried: the last try to register did not fail."""
        return self.state is not RegistrationState.FAILED

    def in_words(self) -> str:
        """Return one line for the log."""
        if self.state is RegistrationState.FAILED:
            return f"trunk {self.trunk.name} is not registered: {self.last_error}"
        return f"trunk {self.trunk.name} is {self.state} with {self.registrar}"

    async def run(self) -> None:
        """Stay registered until cancelled; then unregister within ``UNREGISTER_S``."""
        self.since = asyncio.get_running_loop().time()
        try:
            while True:
                wait = await self._try()
                if self.state is RegistrationState.REGISTERED and self._home is not None:
                    await self._keep_alive.hold(self._home, seconds=wait)
                else:
                    await asyncio.sleep(wait)  # the schedule itself; nothing else would wake it
        finally:
            await self._unregister()

    def connection_lost(self, hop: Hop) -> None:
        """Register anew when the connection is gone over which the provider's calls would come."""
        if hop == self._home:
            self._keep_alive.cut_off()

    async def _try(self) -> float:
        """Register once; return the seconds until it is to be done again."""
        try:
            response = await self._register()
        except Unavailable as error:
            return self._failed(str(error), self._backoff.next_wait())
        if 200 <= response.status < 300:
            granted_s = self._granted(response)
            if not granted_s:
                return self._failed("the provider forgets us at once", self._backoff.next_wait())
            self.service_route = service_route(response)
            return self._registered(granted_s)
        if response.status in (401, 403, 404, 407):
            return self._failed(_refusal(response), self._backoff.longest_wait())
        retry_after = _number(response, "Retry-After") or 0
        return self._failed(_failure(response), self._backoff.next_wait(at_least=retry_after))

    async def _register(self) -> Response:
        """Return the provider's answer, asked again at once when it wants a longer expiry (§10.2.8).

        Raises:
            Unavailable: the provider's name does not resolve.
        """
        response = await self._ask_around()
        if response.status == 423:
            self._expires = max(self._expires, _number(response, "Min-Expires") or 0)
            response = await self._ask_around()
        return response

    async def _ask_around(self) -> Response:
        """Return the first answer of a registrar that is in order, else of the last one, asked in turn.

        The first one comes first each time, so that we return to it. A registrar that we leave is not told:
        it may share its bindings with the next.

        Raises:
            Unavailable: the name of none resolves.
        """
        response, problem = None, Unavailable("")
        for registrar in self.trunk.registrars:
            try:
                response = await self._ask_one(registrar)
            except Unavailable as error:
                problem = error
                continue
            if not response.is_local and response.status < 500:
                self.registrar = registrar
                break
        if response is None:
            raise problem
        return response

    async def _ask_one(self, registrar: str) -> Response:
        """Return the first answer from any address of the registrar; they are looked up anew each time."""
        response = Response(503)
        hops = await self._resolve(address_uri(self.trunk.outbound_proxy or registrar, self.trunk))
        self._found[registrar] = frozenset(hop.host for hop in hops)
        self.addresses = frozenset[str]().union(*self._found.values())
        for hop in hops:
            response = await self._ask(registrar, hop, expires=self._expires, within_s=ANSWER_S)
            if not response.is_local and response.status != 503:
                self._home = hop
                break
        return response

    async def _ask(self, registrar: str, hop: Hop, *, expires: int, within_s: float) -> Response:
        self._cseq += 1
        request = self._request(registrar, hop, expires)
        response = await self._endpoint.request(
            request, hop, credentials=self._credentials, deadline_s=within_s
        )
        self._cseq = max(self._cseq, response.cseq.number)  # a challenge that was answered took numbers
        return response

    async def _unregister(self) -> None:
        """Take our contact away, without waiting long for the answer."""
        home, self._home = self._home, None
        if self.state is not RegistrationState.REGISTERED or home is None:
            return
        try:
            async with asyncio.timeout(UNREGISTER_S):
                await self._ask(self.registrar, home, expires=0, within_s=UNREGISTER_S)
        except TimeoutError:
            log.info("%s: the provider did not confirm that we unregistered", self.trunk.name)

    def _request(self, registrar: str, hop: Hop, expires: int) -> Request:
        uri = address_uri(registrar, self.trunk)
        account = NameAddr(SipUri(self.trunk.username, uri.host))
        local = self._endpoint.local_hop(hop)
        contact = SipUri(self.contact_token, local.host, local.port, parameters=uri.parameters)
        headers = Headers()
        headers.add("From", str(account.with_tag(self._from_tag)))
        headers.add("To", str(account))
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", str(CSeq(self._cseq, "REGISTER")))
        headers.add("Contact", str(NameAddr(contact)))
        headers.add("Expires", str(expires))
        return Request("REGISTER", str(uri), headers)

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.trunk.username or "", self.trunk.password or "", self.trunk.realm)

    def _granted(self, response: Response) -> float:
        """Return the seconds granted: those at our contact, else in Expires, else what we asked for."""
        try:
            ours = [contact for contact in response.contacts if self._is_ours(contact)]
        except MalformedMessage:
            ours = []  # other people's contacts may be as broken as they like
        at_contact = ours[0].parameter("expires") if ours else None
        if at_contact and at_contact.isascii() and at_contact.isdecimal():
            return float(at_contact[:9])
        return float(_number(response, "Expires") or self._expires)

    def _is_ours(self, contact: NameAddr) -> bool:
        return isinstance(contact.uri, SipUri) and contact.uri.user == self.contact_token

    def _registered(self, granted_s: float) -> float:
        self._backoff.reset()
        self._enter(RegistrationState.REGISTERED, "")
        return max(1.0, granted_s * self._random.uniform(0.8, 0.9))

    def _failed(self, why: str, wait: float) -> float:
        self._enter(RegistrationState.FAILED, why)
        return wait

    def _enter(self, state: RegistrationState, why: str) -> None:
        if (state, why, self.registrar) == self._told:
            return
        self._told = (state, why, self.registrar)
        if state is not self.state:
            self.since = asyncio.get_running_loop().time()
        self.state, self.last_error = state, why
        if self.on_change:
            self.on_change(self)


def _number(response: Response, name: str) -> int | None:
    """Return the number a header starts with; ``None`` where it has none (``Retry-After: 5 (busy)`` is 5)."""
    words = (response.headers.get(name) or "").replace(";", " ").replace("(", " ").split()
    return int(words[0][:9]) if words and words[0].isascii() and words[0].isdecimal() else None


def _refusal(response: Response) -> str:
    if response.status in (401, 407):
        return "the provider does not accept user name and password"
    return f"the provider refuses the account ({status_in_words(response)})"


def _failure(response: Response) -> str:
    if not response.is_local:
        return f"the provider answers {status_in_words(response)}"
    if response.status == 408:
        return "the provider does not answer"
    return f"the provider cannot be reached ({status_in_words(response)})"
