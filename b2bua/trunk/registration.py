"""Our registration with a provider: REGISTER for ever (RFC 3261 §10.2), whatever the provider does."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from enum import StrEnum
from random import Random

from b2bua.config.models import Trunk
from b2bua.errors import MalformedMessage, Unavailable
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.grammar import readable
from b2bua.sip.headers import CSeq, NameAddr
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.resolver import resolve
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, Uri
from b2bua.trunk.backoff import Backoff
from b2bua.trunk.selection import account_domain, address_uri

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""A provider that does not answer a REGISTER within this time is taken for unreachable."""
LEAST_REST_S = 10.0
"""Between two registrations, also with a provider that closes every connection at once."""
UNREGISTER_S = 2.0
"""Our end does not wait longer than that for the provider's blessing."""

Resolve = Callable[[Uri], Awaitable[list[Hop]]]


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
        """IP addresses the provider had at the last look-up that succeeded."""
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
        self._is_cut_off = asyncio.Event()

    @property
    def is_usable(self) -> bool:
        """Whether calls may be tried: the last try to register did not fail."""
        return self.state is not RegistrationState.FAILED

    def in_words(self) -> str:
        """Return one line for the log."""
        if self.state is RegistrationState.FAILED:
            return f"trunk {self.trunk.name} is not registered: {self.last_error}"
        return f"trunk {self.trunk.name} is {self.state} with {self.trunk.registrar}"

    async def run(self) -> None:
        """Stay registered until cancelled; then unregister within ``UNREGISTER_S``."""
        self.since = asyncio.get_running_loop().time()
        try:
            while True:
                await self._rest(await self._try())
        finally:
            await self._unregister()

    def connection_lost(self, hop: Hop) -> None:
        """Register anew when the connection is gone over which the provider's calls would come."""
        if hop == self._home:
            self._is_cut_off.set()

    async def _rest(self, seconds: float) -> None:
        """Wait until it is time to register again, or until the provider cannot reach us any more."""
        self._is_cut_off.clear()
        least = asyncio.get_running_loop().time() + LEAST_REST_S
        try:
            async with asyncio.timeout(seconds):
                await self._is_cut_off.wait()
                await asyncio.sleep(least - asyncio.get_running_loop().time())
        except TimeoutError:
            return

    async def _try(self) -> float:
        """Register once; return the seconds until it is to be done again."""
        try:
            response = await self._register()
        except Unavailable as error:
            return self._failed(str(error), self._backoff.next_wait())
        if 200 <= response.status < 300:
            return self._registered(self._granted(response))
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
        """Return the first answer from any address of the provider; they are looked up anew each time."""
        response = Response(503)
        hops = await self._resolve(self._next_hop)
        self.addresses = frozenset(hop.host for hop in hops)
        for hop in hops:
            response = await self._ask(hop, expires=self._expires, within_s=ANSWER_S)
            if not response.is_local and response.status != 503:
                self._home = hop
                break
        return response

    async def _ask(self, hop: Hop, *, expires: int, within_s: float) -> Response:
        self._cseq += 1
        request = self._request(hop, expires)
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
                await self._ask(home, expires=0, within_s=UNREGISTER_S)
        except TimeoutError:
            log.info("%s: the provider did not confirm that we unregistered", self.trunk.name)

    def _request(self, hop: Hop, expires: int) -> Request:
        account = NameAddr(SipUri(self.trunk.username, account_domain(self.trunk)))
        local = self._endpoint.local_hop(hop)
        contact = SipUri(self.contact_token, local.host, local.port, parameters=self._registrar.parameters)
        headers = Headers()
        headers.add("From", str(account.with_tag(self._from_tag)))
        headers.add("To", str(account))
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", str(CSeq(self._cseq, "REGISTER")))
        headers.add("Contact", str(NameAddr(contact)))
        headers.add("Expires", str(expires))
        return Request("REGISTER", str(self._registrar), headers)

    @property
    def _registrar(self) -> SipUri:
        return address_uri(self.trunk.registrar or "", self.trunk)

    @property
    def _next_hop(self) -> SipUri:
        return address_uri(self.trunk.outbound_proxy or self.trunk.registrar or "", self.trunk)

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
        if (state, why) == (self.state, self.last_error):
            return
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
    return f"the provider refuses the account ({_status(response)})"


def _failure(response: Response) -> str:
    if not response.is_local:
        return f"the provider answers {_status(response)}"
    if response.status == 408:
        return "the provider does not answer"
    return f"the provider cannot be reached ({_status(response)})"


def _status(response: Response) -> str:
    return f"{response.status} {readable(response.reason)[:60]}"
