"""The lamp that says whether a colleague is free, is being rung or talks (RFC 4235)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from b2bua.call.lines import Lines, PhoneCall, Stage
from b2bua.errors import MalformedMessage
from b2bua.routing.plan import PersonSpec, Plan
from b2bua.sip.headers import NameAddr
from b2bua.sip.subscription import Watched
from b2bua.sip.subscription.dialog_info import (
    CONTENT_TYPE,
    PACKAGE,
    DialogElement,
    DialogInfo,
    DialogState,
    Party,
)
from b2bua.sip.uri import SipUri, Uri

STATES = {
    Stage.DIALLED: DialogState.TRYING,
    Stage.RINGING: DialogState.EARLY,
    Stage.TALKING: DialogState.CONFIRMED,
}

NOBODY = "sip:anonymous@anonymous.invalid"
"""In place of who is not told (RFC 3323 §4.1.1.3)."""


class BusyLamp:
    """The calls between a person's phones and us, as those phones see them.

    Every phone of the office may watch every person. Others learn what they need to pick up what rings there,
    and who rings only where the office wants that. Of a talk they learn that it is there: by its identifiers
    anybody could take it over (RFC 3891), and with whom a colleague talks is told to nobody.
    """

    name = PACKAGE
    content_type = CONTENT_TYPE

    def __init__(self, plan: Callable[[], Plan], lines: Lines, *, shows_callers: Callable[[], bool]) -> None:
        self._plan = plan
        self._lines = lines
        self._shows_callers = shows_callers

    def watch(self, watcher: str, target: Uri) -> Watched:
        """Return the calls of the person whose extension, or a phone's login, ``target`` is.

        Raises:
            MalformedMessage: it is nobody's (404).
        """
        person = self._person(target)
        is_own = watcher == person.name
        entity = _entity(person, target)

        def document(number: int) -> bytes:
            dialogs = tuple(self._dialogs(person, entity, is_own=is_own))
            return str(DialogInfo(str(entity), number, dialogs)).encode()

        return Watched(person.name, document)

    def _person(self, target: Uri) -> PersonSpec:
        user = target.user_text if isinstance(target, SipUri) else ""
        people = self._plan().people
        for person in people.values():
            if user and user in (person.extension, person.name, *person.devices.values()):
                return person
        raise MalformedMessage("nobody has this extension", status=404)

    def _dialogs(self, person: PersonSpec, entity: SipUri, *, is_own: bool) -> Iterator[DialogElement]:
        calls = self._lines.of(person.name)
        local = Party(str(entity), person.display)
        for call in calls:
            yield self._element(call, local, is_own=is_own)
        if not calls:  # an empty list leaves the lamp of many phones as it was
            yield DialogElement(entity.user_text, DialogState.TERMINATED)

    def _element(self, call: PhoneCall, local: Party, *, is_own: bool) -> DialogElement:
        is_ringing = call.is_called and call.stage is Stage.RINGING
        call_id, our_tag, phone_tag = call.key if is_own or is_ringing else ("", "", "")
        shown = call.shown if is_ringing and (is_own or self._shows_callers()) else None
        return DialogElement(
            id=str(call.number),
            state=STATES[call.stage],
            call_id=call_id,
            local_tag=phone_tag,
            remote_tag=our_tag,
            direction="recipient" if call.is_called else "initiator",
            local=local,
            remote=_other(shown, target=local.uri),
        )


def _other(shown: NameAddr | None, *, target: str) -> Party:
    """Return whom the phone has at the other end; for requests that is us."""
    if shown is None:
        return Party(NOBODY, target=target)
    return Party(str(shown.uri), shown.display, target=target)


def _entity(person: PersonSpec, target: Uri) -> SipUri:
    """Return the address whose calls are told: the extension, at the host that was asked for."""
    assert isinstance(target, SipUri)
    return SipUri(person.extension or person.name, target.host, port=target.port, is_secure=target.is_secure)
