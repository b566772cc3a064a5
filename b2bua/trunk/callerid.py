"""Which number a call through a trunk shows, and how it says that it was forwarded (RFC 3325, 5806, 7044)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from b2bua.sip.headers import NameAddr
from b2bua.sip.uri import SipUri

ANONYMOUS = NameAddr(SipUri("anonymous", "anonymous.invalid"), display="Anonymous")
"""RFC 3323 §4.1.1.3."""


class CallerIdPolicy(StrEnum):
    """What a provider lets us show."""

    OWN = "own"
    """Our own number in From: every provider takes that."""
    CALLER = "caller"
    """The caller's number in From; ours in P-Asserted-Identity, Diversion and History-Info."""
    ASSERTED = "asserted"
    """Our number in From, the caller's in P-Asserted-Identity; the provider chooses what to show."""


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf we call."""

    number: str = ""
    """Global number with ``+``; anything else (an extension, nothing) means nothing outside."""
    display: str = ""
    """Name that came with the call."""
    dialled: str = ""
    """Our number that the caller dialled; empty when one of us places the call."""
    is_private: bool = False
    """The caller asked to stay unknown (RFC 3323)."""

    @property
    def can_be_shown(self) -> bool:
        """Whether the number means something to the outside."""
        return self.number.startswith("+")


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """What an INVITE says about who calls."""

    from_: NameAddr
    """The From header, without a tag."""
    headers: tuple[tuple[str, str], ...]
    """The headers beside it."""


def identify_caller(
    caller: Caller, *, own_number: str, domain: str, target: str, policy: CallerIdPolicy
) -> CallerIdentity:
    """Return who calls ``target`` as ``policy`` has it; ``domain`` is that of our account."""
    own = NameAddr(SipUri(own_number, domain))
    if caller.is_private and not caller.dialled:  # one of us
        return CallerIdentity(ANONYMOUS, (("P-Asserted-Identity", str(own)), ("Privacy", "id")))
    if policy is CallerIdPolicy.OWN or not (caller.can_be_shown or caller.is_private):
        return CallerIdentity(own, (("P-Asserted-Identity", str(own)),))
    if policy is CallerIdPolicy.ASSERTED:
        return CallerIdentity(own, _asserted(caller, domain))
    asserted = ("P-Asserted-Identity", str(own))
    privacy = (("Privacy", "id"),) if caller.is_private else ()
    shown = ANONYMOUS if caller.is_private else _name(caller, domain)
    return CallerIdentity(shown, (asserted, *privacy, *_forwarding(caller, own, target)))


def _name(caller: Caller, domain: str) -> NameAddr:
    return NameAddr(SipUri(caller.number, domain), display=caller.display)


def _asserted(caller: Caller, domain: str) -> tuple[tuple[str, str], ...]:
    if not caller.can_be_shown:
        return (("Privacy", "id"),)
    privacy = (("Privacy", "id"),) if caller.is_private else ()
    return (("P-Asserted-Identity", str(_name(caller, domain))), *privacy)


def _forwarding(caller: Caller, own: NameAddr, target: str) -> tuple[tuple[str, str], ...]:
    """Say which number of ours the call was meant for, in the old way and in the new one."""
    if not caller.dialled:
        return ()
    domain = own.uri.host if isinstance(own.uri, SipUri) else ""
    dialled = SipUri(caller.dialled, domain)
    history = f"<{dialled}>;index=1, <{SipUri(target, domain)}>;index=1.1;mp=1"
    return (
        ("Diversion", f"<{dialled}>;reason=unconditional;privacy=off;screen=no"),
        ("History-Info", history),
    )
