"""Where each person's phones are: registered contacts, each with the flow it came over and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from b2bua.errors import MalformedMessage
from b2bua.sip.headers import NameAddr
from b2bua.sip.resolver import literal_hop
from b2bua.sip.transport.addressing import with_zone
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, parse_uri

MAX_CONTACTS = 10
"""Devices of one person; the one that was silent longest makes room for another."""

ContactKey = tuple[str | None, str, int | None, str, bool]


class Why(StrEnum):
    """What happened to a device, in words that a log can carry."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    EXPIRED = "did not renew its registration"
    CROWDED_OUT = f"made room: more than {MAX_CONTACTS} devices"
    REMOVED = "may not register any more"
    SILENT = "does not answer"
    BACK = "answers again"


@lru_cache(maxsize=1024)
def contact_key(contact_uri: str) -> ContactKey:
    """Return what makes two contacts the same one: the parts that RFC 3261 §19.1.4 compares.

    Raises:
        MalformedMessage: it is no URI.
        ValueError: it is no SIP URI.
    """
    uri = parse_uri(contact_uri)
    if not isinstance(uri, SipUri):
        raise ValueError(f"no SIP URI: {contact_uri}")
    transport = (uri.parameter("transport") or "").lower()
    return uri.user, uri.host.lower(), uri.port, transport, uri.is_secure


@lru_cache(maxsize=1024)
def _listening_hop(contact_uri: str) -> Hop | None:
    return literal_hop(parse_uri(contact_uri))


def _preference(q: str) -> float:
    """Return the q-value as a number; the preference of who states none, or nonsense, is full."""
    try:
        return min(1.0, max(0.0, float(q)))
    except ValueError:
        return 1.0


@dataclass(frozen=True, slots=True)
class Binding:
    """One device of one person: an address-of-record binding of RFC 3261 §10."""

    person: str
    """Name of the person in the configuration."""
    contact_uri: str
    """What a request to the device carries as its request-URI."""
    hop: Hop
    """The flow the registration came over."""
    registered_at: float
    """Monotonic seconds of the last REGISTER."""
    expires_at: float
    """Monotonic seconds when it ends unless renewed."""
    call_id: str
    """Call-ID of the last REGISTER; orders renewals together with ``cseq``."""
    cseq: int
    """CSeq number of the last REGISTER."""
    user_agent: str = ""
    """What the device calls itself."""
    q: str = ""
    """The preference as it was given (RFC 3261 §20.10); the preferred device is rung first."""
    instance: str = ""
    """The ``+sip.instance`` of RFC 5626 §4.1: the same device even when its address has changed."""
    knows_options: bool = False
    """Whether it said that it answers OPTIONS (Allow, RFC 3261 §20.5): then its silence means something."""
    path: tuple[str, ...] = ()
    """The proxies between us and the device, the nearest first: Route of what we send there (RFC 3327 §5)."""
    login: str = ""
    """The user name, where it is that of this one device; empty: the person's own."""

    @property
    def key(self) -> ContactKey:
        """What makes it the same contact as another."""
        return contact_key(self.contact_uri)

    @property
    def next_hop(self) -> Hop:
        """Where requests to the device go.

        A contact on the very machine that registered is taken at its word: a phone may register from one port
        and listen on another. Else a NAT is between us, and only the flow leads through it. A stream that is
        open is used again in any case (RFC 5626 §5.3); the transport opens it anew where it is not.
        """
        listening = self.listening_hop
        if listening is None or listening.host != self.hop.host or self.hop.is_reliable:
            return self.hop
        return listening

    def hop_now(self, is_connected: Callable[[Hop], bool]) -> Hop:
        """Return ``next_hop``, or where the device listens when the connection it registered over is gone."""
        hop = self.next_hop
        if hop.is_reliable and not is_connected(hop):
            return self.listening_hop or hop
        return hop

    @property
    def listening_hop(self) -> Hop | None:
        """The address in the contact, or in the first proxy of its path; None where that is a name."""
        return self._named_hop(str(NameAddr.parse(self.path[0]).uri) if self.path else self.contact_uri)

    @property
    def is_behind_nat(self) -> bool:
        """Whether the device names itself by another address than the one at which we see it."""
        contact = self._named_hop(self.contact_uri)
        return contact is None or contact.host != self.hop.host

    def _named_hop(self, uri: str) -> Hop | None:
        """Return where ``uri`` points; what is link-local is on the link where we hear the device."""
        hop = _listening_hop(uri)
        if hop is None or "%" not in self.hop.host:
            return hop
        return replace(hop, host=with_zone(hop.host, self.hop.host))

    @property
    def route(self) -> tuple[tuple[str, str], ...]:
        """The Route headers of a request to the device (RFC 3327 §5.4)."""
        return tuple(("Route", proxy) for proxy in self.path)

    @property
    def device(self) -> str:
        """Product and address in short: ``Linphone, 127.0.0.1:5071``."""
        product = self.user_agent.split("/")[0].split("(")[0].strip() or "unnamed device"
        return f"{product}, {self.hop.authority}"

    def is_same_device(self, other: Binding) -> bool:
        """Whether ``other`` is the same contact, or the same instance come back from another address."""
        return self.key == other.key or bool(self.instance and self.instance == other.instance)

    def is_live(self, now: float) -> bool:
        """Whether it has not ended by ``now``."""
        return now < self.expires_at


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """A device came or went."""

    binding: Binding
    """The device."""
    is_online: bool
    """Whether calls can reach it from now on."""
    why: Why
    """What happened."""
    devices_left: int
    """How many devices of the person can be reached now; 0 makes the person offline."""

    def in_words(self, display: str) -> str:
        """Return one line for the log about the person whom the office calls ``display``."""
        phone = f"{display}'s phone"
        if self.is_online:
            return f"{phone} is online ({self.binding.device})"
        left = f"; {self.devices_left} other still online" if self.devices_left else ""
        return f"{phone} is offline ({self.binding.device}): {self.why}{left}"


def _renewed(binding: Binding) -> dict[str, Any]:
    """Return what every REGISTER changes."""
    names = ("registered_at", "expires_at", "call_id", "cseq")
    return {name: getattr(binding, name) for name in names}


class Bindings:
    """The bindings of everybody, in memory. A binding ends by its time even if nobody calls ``expire``."""

    def __init__(self, *, on_change: Callable[[PresenceChange], None] | None = None) -> None:
        self.on_change = on_change
        self.remember: Callable[[Binding, bool], None] | None = None
        """Takes each binding that changed, one that was removed as ended, and whether it is more than a
        renewal."""
        self._devices: dict[str, dict[ContactKey, Binding]] = {}
        self._silent: dict[tuple[str, ContactKey], float] = {}
        """Devices that do not answer, and since when."""
        self._flows: dict[Hop, list[Binding]] | None = None
        """Bindings by where they come from and where they listen; None: to be made anew."""

    def registered(self, person: str, now: float) -> tuple[Binding, ...]:
        """Return the bindings of ``person`` that have not ended: by preference, then the latest first."""
        bindings = [binding for binding in self._devices.get(person, {}).values() if binding.is_live(now)]
        return tuple(sorted(bindings, key=lambda one: (-_preference(one.q), -one.registered_at)))

    def live(self, person: str, now: float) -> tuple[Binding, ...]:
        """Return the bindings worth ringing: registered, and not known to be unreachable."""
        return tuple(binding for binding in self.registered(person, now) if self.is_reachable(binding))

    def is_online(self, person: str, now: float) -> bool:
        """Whether any device of ``person`` can be rung."""
        devices = self._devices.get(person, {}).values()
        return any(binding.is_live(now) and self.is_reachable(binding) for binding in devices)

    def is_reachable(self, binding: Binding) -> bool:
        """Whether the device has not been marked silent since it registered."""
        return not self._silent or (binding.person, binding.key) not in self._silent

    def has_flow(self, source: Hop, now: float) -> bool:
        """Whether some device registered over exactly this flow, or listens there."""
        if self._flows is None:
            self._flows = self._by_flow()
        return any(binding.is_live(now) for binding in self._flows.get(source, ()))

    def has_proxy(self, source: Hop, now: float) -> bool:
        """Whether a proxy is there by which devices registered (RFC 3327); others may come by it as well."""
        return self.has_flow(source, now) and any(one.path for one in (self._flows or {})[source])

    def flow_to(self, contact_uri: str, now: float) -> Hop | None:
        """Return the flow over which the one device with that contact registered; None: there is none."""
        try:
            key = contact_key(contact_uri)
        except (MalformedMessage, ValueError):
            return None
        found = [one for one in self.all(now) if one.key == key and not one.path]
        return found[0].hop if len(found) == 1 else None

    def _by_flow(self) -> dict[Hop, list[Binding]]:
        flows: dict[Hop, list[Binding]] = {}
        for devices in self._devices.values():
            for binding in devices.values():
                for hop in (binding.hop, binding.next_hop):
                    flows.setdefault(hop, []).append(binding)
        return flows

    def all(self, now: float) -> Iterator[Binding]:
        """Yield every binding that has not ended."""
        for devices in tuple(self._devices.values()):
            yield from (binding for binding in tuple(devices.values()) if binding.is_live(now))

    def put(self, binding: Binding, now: float) -> None:
        """Add or renew ``binding``; it takes the place of an older one of the same contact or instance."""
        self.expire(now)
        devices = self._devices.setdefault(binding.person, {})
        replaced = [old for old in devices.values() if old.is_same_device(binding)]
        was_online = any(self.is_reachable(old) for old in replaced)
        for old in replaced:
            del devices[old.key]
            self._silent.pop((old.person, old.key), None)
        devices[binding.key] = binding
        self._flows = None
        self._keep(binding, replaced, now)
        if not was_online:
            self._tell(binding, Why.REGISTERED, now)
        if len(devices) > MAX_CONTACTS:
            self.remove(min(devices.values(), key=lambda device: device.registered_at), now, Why.CROWDED_OUT)

    def _keep(self, binding: Binding, replaced: list[Binding], now: float) -> None:
        if not self.remember:
            return
        for old in replaced:
            if old.contact_uri != binding.contact_uri:
                self.remember(replace(old, expires_at=now), True)
        is_renewal = any(replace(old, **_renewed(binding)) == binding for old in replaced)
        self.remember(binding, not is_renewal)

    def remove(self, binding: Binding, now: float, why: Why = Why.UNREGISTERED) -> None:
        """End ``binding``; one that has ended already is no error."""
        devices = self._devices.get(binding.person, {})
        if devices.pop(binding.key, None) is None:
            return
        self._flows = None
        if self.remember:
            self.remember(replace(binding, expires_at=min(now, binding.expires_at)), True)
        if not devices:
            del self._devices[binding.person]
        was_reachable = self.is_reachable(binding)
        self._silent.pop((binding.person, binding.key), None)
        if was_reachable:
            self._tell(binding, why, now)

    def remove_people(self, may_register: Callable[[str, str], bool], now: float) -> None:
        """End the bindings of everybody who may not register any more, by person and login."""
        for binding in tuple(self.all(now)):
            if not may_register(binding.person, binding.login):
                self.remove(binding, now, Why.REMOVED)

    def mark_reachable(self, binding: Binding, now: float, *, is_reachable: bool) -> None:
        """Note whether the device answers; a silent one is skipped until it answers or registers again."""
        is_bound = binding.key in self._devices.get(binding.person, {})
        if not is_bound or is_reachable == self.is_reachable(binding):
            return
        if is_reachable:
            del self._silent[binding.person, binding.key]
        else:
            self._silent[binding.person, binding.key] = now
        self._tell(binding, Why.BACK if is_reachable else Why.SILENT, now)

    def silent_since(self, binding: Binding) -> float | None:
        """Return since when the device does not answer; None: it is not known to be silent."""
        return self._silent.get((binding.person, binding.key))

    def heard(self, source: Hop, now: float) -> None:
        """Take the news of a message from ``source``: whoever sent it is not silent any more.

        A proxy's message says nothing of the devices behind it.
        """
        if not self._silent:
            return
        if self._flows is None:
            self._flows = self._by_flow()
        for binding in self._flows.get(source, ()):
            if not binding.path:
                self.mark_reachable(binding, now, is_reachable=True)

    @property
    def next_expiry(self) -> float | None:
        """When ``expire`` has something to do next; ``None``: no device is registered."""
        ends = (binding.expires_at for devices in self._devices.values() for binding in devices.values())
        return min(ends, default=None)

    def expire(self, now: float) -> None:
        """Drop the bindings that ended by ``now`` and tell so."""
        for devices in tuple(self._devices.values()):
            for binding in tuple(devices.values()):
                if not binding.is_live(now):
                    self.remove(binding, now, Why.EXPIRED)

    def _tell(self, binding: Binding, why: Why, now: float) -> None:
        if self.on_change:
            is_online = why in (Why.REGISTERED, Why.BACK)
            left = len(self.live(binding.person, now))
            self.on_change(PresenceChange(binding, is_online, why, left))
