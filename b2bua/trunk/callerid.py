"""Which number a call through a trunk shows, and how it says that it was forwarded (RFC 3325, 5806, 7044)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from b2bua.sip.diversion import CAUSES, Diversion
from b2bua.sip.headers import NameAddr
from b2bua.sip.uri import SipUri

NOBODY = SipUri("anonymous", "anonymous.invalid")
ANONYMOUS = NameAddr(NOBODY, display="Anonymous")
"""RFC 3323 §4.1.1.3."""


class CallerIdPolicy(StrEnum):
    """What a provider lets us show."""

    OWN = "own"
    """Our own number in From: every provider takes that."""
    CALLER = "caller"
    """The caller's number in From; ours in P-Asserted-Identity, Diversion and History-Info.

    Diversion and History-Info also tell who had sent the call on to us.
    """
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
    diversions: tuple[Diversion, ...] = ()
    """From whom the call was sent on to ``dialled``, the latest first."""
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
    """Say which number of ours the call was meant for, and whose before, in the old way and in the new one.

    Numbers are told, and not the networks that they were called in.
    """
    if not caller.dialled:
        return ()
    domain = own.uri.host if isinstance(own.uri, SipUri) else ""
    ours = Diversion(caller.dialled, "unconditional")
    history = ", ".join(_history([ours, *caller.diversions], target, domain))
    return (*diversion_lines((ours, *caller.diversions), domain), ("History-Info", history))


def diversion_lines(diversions: Iterable[Diversion], domain: str) -> tuple[tuple[str, str], ...]:
    """Return a Diversion header for each, the latest on top (RFC 5806 §5)."""
    return tuple(
        ("Diversion", f"<{_diverted(each, domain)}>;reason={each.reason};privacy={privacy};screen=no")
        for each in diversions
        for privacy in ("off" if each.user else "full",)
    )


def _history(diversions: Sequence[Diversion], target: str, domain: str) -> Iterator[str]:
    """Yield the entries of History-Info: who was called first, and so on down to ``target`` (RFC 7044 §5)."""
    index, cause = "1", ""
    for number, each in enumerate(reversed(diversions)):
        uri = _diverted(each, domain)
        uri = uri.with_parameter("cause", cause) if cause else uri
        hidden = "" if each.user else "?Privacy=history"
        yield f"<{uri}{hidden}>;index={index}" + (f";mp={index[:-2]}" if number else "")
        cause, index = CAUSES.get(each.reason, ""), f"{index}.1"
    yield f"<{SipUri(target, domain)}>;index={index};mp={index[:-2]}"


def _diverted(diversion: Diversion, domain: str) -> SipUri:
    return SipUri(diversion.user, domain) if diversion.user else NOBODY
