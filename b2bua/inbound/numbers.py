"""What an INVITE says about who calls and which number was dialled."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from b2bua.config.models import Trunk
from b2bua.errors import MalformedMessage
from b2bua.routing.numbers import PAUSES, is_emergency, normalise
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import number_spec
from b2bua.sip.diversion import Diversion, diversions_of
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Request
from b2bua.sip.uri import SipUri, TelUri, Uri

KEYS = re.compile(r"[0-9*#]")
HIDES_NUMBER = frozenset(("id", "user", "header"))
"""Values of Privacy that concern who calls (RFC 3323 §4.2, RFC 3325 §9.3)."""
NOBODY = frozenset(("anonymous", "unavailable", "restricted", "unknown", "private", "withheld"))
"""What networks write in place of a number that is not shown."""
OUTSIDE = "outside"
"""Key of the one step that a call from a phone to an outside number has."""
PRESSED = re.compile(r"[0-9*#,w]")


@dataclass(frozen=True, slots=True)
class Dialled:
    """A dialled number with what follows it."""

    number: str
    """E.164, a short number, or an extension as it was dialled."""
    post_dial: str = ""
    """What follows the number, as of ``tel:+48221230006,103`` or ``;ext=103``: digits and pauses."""

    @property
    def keys(self) -> str:
        """The digits among these: who calls our menu by such a link has pressed them before the answer."""
        return "".join(KEYS.findall(self.post_dial))


def read_dialled(uri: Uri, *, country: str) -> Dialled:
    """Return the number and the digits after it of what was dialled."""
    telephone = _telephone(uri)
    if telephone is None:
        return Dialled(normalise(_user(uri), country=country))
    extension = telephone.extension or (uri.parameter("ext") if isinstance(uri, SipUri) else "")
    post_dial = f",{extension}" if extension else telephone.post_dial or _post_dial_beside(uri)
    return Dialled(normalise(telephone.number, country=country), "".join(PRESSED.findall(post_dial)))


def calls_for_help(request: Request, *, country: str) -> bool:
    """Return whether an INVITE is for an emergency number."""
    try:
        return is_emergency(read_dialled(request.target, country=country).number, country=country)
    except MalformedMessage:
        return False


def read_dialled_at(trunk: Trunk, uri: Uri, plan: Plan) -> Dialled:
    """Return what was dialled to come by ``trunk``: our number where the provider names but our account."""
    dialled = read_dialled(uri, country=plan.country)
    is_listed = number_spec(plan, dialled.number) is not None
    if is_listed or trunk.number is None or trunk.username is None or _user(uri) != trunk.username:
        return dialled
    return replace(dialled, number=normalise(trunk.number, country=plan.country))


def _post_dial_beside(uri: Uri) -> str:
    """Return what some gateways put behind the host: ``sip:+48221230006@example.com;postd=p103``."""
    text = uri.parameter("postd") if isinstance(uri, SipUri) else ""
    return (text or "").translate(PAUSES)


def _telephone(uri: Uri) -> TelUri | None:
    """Return the number with what follows it, also out of the user part of a SIP URI (RFC 3261 §19.1.6)."""
    return uri.telephone if isinstance(uri, SipUri) else uri if isinstance(uri, TelUri) else None


def _user(uri: Uri) -> str:
    return uri.user_text if isinstance(uri, SipUri) else ""


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who calls, as far as it is told."""

    number: str
    """E.164 where it can be read as such; empty when withheld."""
    name: str
    """Display name."""


def read_caller(request: Request, *, country: str) -> CallerId:
    """Return who calls: P-Asserted-Identity (RFC 3325), or its forerunner, before From.

    For peers that are trusted to say so.

    Who asks for privacy is nobody to us: what the network knows of them is not for whoever answers.
    """
    if wants_privacy(request):
        return CallerId("", "")
    source = _asserted(request) or _remote_party(request) or request.from_
    number = _number(source.uri)
    if number.lower() in NOBODY:
        return CallerId("", "")
    return CallerId(normalise(number, country=country), source.display or request.from_.display)


def _asserted(request: Request) -> NameAddr | None:
    """Return who calls as the network has found out: of a SIP and a ``tel:`` URI the one that is a number.

    There may be one of each, on one line or on two (RFC 3325 §9.1).
    """
    try:
        identities = request.addresses("P-Asserted-Identity")
    except MalformedMessage:
        return None
    return next((one for one in identities if _telephone(one.uri) is not None), next(iter(identities), None))


def _remote_party(request: Request) -> NameAddr | None:
    """Return who calls by Remote-Party-ID, which some gateways send in place of P-Asserted-Identity."""
    try:
        parties = request.addresses("Remote-Party-ID")
    except MalformedMessage:
        return None
    return next((one for one in parties if (one.parameter("party") or "calling") == "calling"), None)


def wants_privacy(request: Request) -> bool:
    """Return whether the caller asks to stay unknown (RFC 3323)."""
    party = _remote_party(request)
    if party is not None and (party.parameter("privacy") or "off").strip('"').lower() != "off":
        return True
    values = ";".join(request.headers.all("Privacy")).replace(",", ";").split(";")
    return not HIDES_NUMBER.isdisjoint(value.strip().lower() for value in values)


def read_diversions(request: Request, *, country: str) -> tuple[Diversion, ...]:
    """Return from whom the call was sent on, the latest first. For peers that are trusted to say so."""
    found = diversions_of(request)
    return tuple([replace(each, user=normalise(each.user, country=country)) for each in found])


def read_referrer(request: Request) -> str:
    """Return the extension of who sent the caller here (Referred-By, RFC 3892); empty: nobody says so."""
    text = request.headers.get("Referred-By")
    try:
        return _user(NameAddr.parse(text).uri) if text is not None else ""
    except MalformedMessage:
        return ""


def _number(uri: Uri) -> str:
    telephone = _telephone(uri)
    return telephone.number if telephone is not None else _user(uri)
