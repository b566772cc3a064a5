"""A dialog: what two user agents remember of each other (RFC 3261 §12)."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from b2bua.errors import MalformedMessage
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.resolver import literal_hop
from b2bua.sip.transport.addressing import with_zone
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, parse_uri

DialogKey = tuple[str, str, str]
"""Call-ID, local tag, remote tag (§12)."""


class Dialog:
    """One peer-to-peer relationship; early until a 2xx confirms it.

    Requests go to the first Route or the remote target (§12.2.1.1). Where that is a name, or an address that
    can only be private to the peer, they go over ``flow``, the address the peer was last heard at. So they do
    where our INVITE named that address and was answered at another: such a phone is behind a NAT.
    """

    __slots__ = (
        "_asked", "_called_at", "_flow", "_hops", "call_id", "contact", "local", "local_sequence",
        "local_tag", "remote", "remote_sequence", "remote_tag", "remote_target", "route_set",
    )  # fmt: skip

    def __init__(
        self,
        *,
        call_id: str,
        local: tuple[str, str],
        remote: tuple[str, str],
        remote_target: str,
        route_set: tuple[str, ...],
        flow: Hop,
        contact: str,
    ) -> None:
        """``local`` and ``remote`` are the From/To value as it goes on the wire and its tag."""
        self.call_id = call_id
        self.local, self.local_tag = local
        self.remote, self.remote_tag = remote
        self.local_sequence = 0
        self.remote_sequence: int | None = None
        self.remote_target = remote_target
        self.route_set = route_set
        self.contact = contact
        self._flow = flow
        self._hops: tuple[Hop, Hop] | None = None
        self._called_at: Hop | None = None
        """Where our INVITE went; None: the peer called us, over a connection that only it can open."""
        self._asked = ""
        """Where the peer believes to be, while it is at the flow: the request-URI of our INVITE, if that did
        not go by a Route, or the Via of theirs."""

    @classmethod
    def from_request(cls, request: Request, *, local_tag: str, source: Hop, contact: str) -> Dialog:
        """Return the UAS side of the dialog that ``request`` opens (§12.1.1).

        Raises:
            MalformedMessage: From or To cannot be read.
        """
        headers = request.headers
        dialog = cls(
            call_id=request.call_id,
            local=(f"{_required(headers, 'To')};tag={local_tag}", local_tag),
            remote=(_required(headers, "From"), request.from_.tag or ""),
            remote_target=_target(request) or str(request.from_.uri),
            route_set=_route_set(request),
            flow=source,
            contact=contact,
        )
        dialog.remote_sequence = request.cseq.number
        if request.via.host != source.host and _is_private(source.host):
            # The peer's own name, behind a NAT in the office.
            dialog._asked = str(SipUri(None, request.via.host))
        return dialog

    @classmethod
    def from_response(cls, request: Request, response: Response, *, hop: Hop, contact: str) -> Dialog:
        """Return the UAC side of the dialog that ``response`` to our ``request`` opens (§12.1.2).

        Raises:
            MalformedMessage: To cannot be read.
        """
        dialog = cls(
            call_id=request.call_id,
            local=(_required(request.headers, "From"), request.from_.tag or ""),
            remote=(_required(response.headers, "To"), response.to.tag or ""),
            remote_target=_target(response) or request.uri,
            route_set=_route_set(response)[::-1],
            flow=hop,
            contact=contact,
        )
        dialog.local_sequence = request.cseq.number
        dialog._called_at = hop
        dialog._asked = "" if "Route" in request.headers else request.uri
        return dialog

    @property
    def key(self) -> DialogKey:
        """What requests of the peer find this dialog by."""
        return self.call_id, self.local_tag, self.remote_tag

    @property
    def flow(self) -> Hop:
        """Where the peer was last heard; for TCP the connection."""
        return self._flow

    @property
    def named_server(self) -> SipUri | None:
        """What has to be looked up to reach the peer anew: the first Route, or the target; None: nothing."""
        if self._flow == self._called_at:
            return None
        try:
            uri = NameAddr.parse(self.route_set[0]).uri if self.route_set else parse_uri(self.remote_target)
        except MalformedMessage:
            return None
        if not isinstance(uri, SipUri) or literal_hop(uri) is not None:
            return None
        transport = uri.parameter("transport")
        parameters = (("transport", transport),) if transport else ()
        return SipUri(None, uri.host, uri.port, is_secure=uri.is_secure, parameters=parameters)

    def hops(self) -> tuple[Hop, Hop]:
        """Return where our requests go, and where else when there is no way to the first."""
        if self._hops is None:
            self._hops = self._find_hops()
        return self._hops

    def _find_hops(self) -> tuple[Hop, Hop]:
        flow = self._flow
        try:
            first = NameAddr.parse(self.route_set[0]).uri if self.route_set else parse_uri(self.remote_target)
            hop = literal_hop(first) or flow
        except MalformedMessage:
            return flow, flow
        if "%" in flow.host:
            hop = replace(hop, host=with_zone(hop.host, flow.host))
        if hop.host == flow.host:
            hop = replace(hop, name=flow.name) if flow.name else hop  # whose certificate we have seen
            return (flow, hop) if flow.is_reliable else (hop, flow)
        is_hidden = _is_behind_nat(hop.host, flow.host) or self._was_found_elsewhere(hop.host)
        return (flow, hop) if is_hidden else (hop, flow)

    def _was_found_elsewhere(self, host: str) -> bool:
        """Return whether ``host`` is where the peer believes to be, though it is heard elsewhere.

        NAT makes no other IP version of an address.
        """
        if (":" in host) != (":" in self._flow.host):
            return False
        asked = literal_hop(parse_uri(self._asked)) if self._asked and not self.route_set else None
        return asked is not None and asked.host == host

    def refresh_target(self, message: Request | Response) -> None:
        """Take the Contact of a target refresh (re-INVITE, UPDATE and their 2xx, §12.2)."""
        self.remote_target = _target(message) or self.remote_target
        self._hops = None

    def confirm(self, response: Response) -> None:
        """Take the route set and target of the 2xx that ends the early state (§13.2.2.4)."""
        self.route_set = _route_set(response)[::-1]
        self.refresh_target(response)

    def heard_from(self, source: Hop) -> None:
        """Note that the peer is at ``source`` now: after a reconnect of TCP, after a NAT's rebinding."""
        if source != self._flow:
            self._flow = source
            self._hops = None

    def accepts(self, sequence: int) -> bool:
        """Return whether a request with this CSeq is in order, and note it (§12.2.2)."""
        if self.remote_sequence is not None and sequence <= self.remote_sequence:
            return False
        self.remote_sequence = sequence
        return True

    def request(self, method: str, *, body: bytes = b"", content_type: str = "") -> Request:
        """Return the next request of this dialog, without Via (§12.2.1.1)."""
        self.local_sequence += 1
        return self._build(method, self.local_sequence, body=body, content_type=content_type)

    def ack(
        self, sequence: int, *, invite: Request | None = None, body: bytes = b"", content_type: str = ""
    ) -> Request:
        """Return the ACK to a 2xx of the INVITE with that CSeq (§13.2.2.4).

        It carries the credentials of ``invite``: nobody may challenge an ACK (§22.1).
        """
        ack = self._build("ACK", sequence, body=body, content_type=content_type)
        if invite is not None:
            ack.copy_credentials(invite)
        return ack

    def _build(self, method: str, sequence: int, *, body: bytes = b"", content_type: str = "") -> Request:
        uri, routes = self._addresses()
        lines = [
            *[("Route", route) for route in routes],
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
        ]
        if method in ("INVITE", "UPDATE"):
            lines.append(("Contact", self.contact))
        if body:
            lines.append(("Content-Type", content_type))
        return Request(method, uri, Headers(lines), body)

    def _addresses(self) -> tuple[str, tuple[str, ...]]:
        """Return request-URI and Route values, loose or strict (§12.2.1.1)."""
        if not self.route_set:
            return self.remote_target, ()
        first = NameAddr.parse(self.route_set[0])
        if _is_loose(first):
            return self.remote_target, self.route_set
        return str(first.uri), (*self.route_set[1:], f"<{self.remote_target}>")


def _target(message: Request | Response) -> str | None:
    """Return the URI of the Contact; one that cannot be read is treated as missing."""
    try:
        contact = message.contact
    except MalformedMessage:
        return None
    return None if contact is None or contact.is_wildcard else str(contact.uri)


def _route_set(message: Request | Response) -> tuple[str, ...]:
    """Return Record-Route as it stands; one that cannot be read is treated as missing."""
    try:
        routes = tuple(message.headers.values("Record-Route"))
        for route in routes:
            NameAddr.parse(route)
    except MalformedMessage:
        return ()
    return routes


def _is_loose(route: NameAddr) -> bool:
    """Return whether the proxy says ``lr``; one that forgets the brackets says it behind its URI."""
    in_uri = isinstance(route.uri, SipUri) and route.uri.parameter("lr") is not None
    return in_uri or route.parameter("lr") is not None


def _required(headers: Headers, name: str) -> str:
    value = headers.get(name)
    if value is None:
        raise MalformedMessage(f"no {name}")
    return value


def _is_behind_nat(host: str, flow_host: str) -> bool:
    """Return whether ``host`` is private while the peer is seen at a public address."""
    return _is_private(host) and not _is_private(flow_host)


def _is_private(host: str) -> bool:
    return ipaddress.ip_address(host).is_private
