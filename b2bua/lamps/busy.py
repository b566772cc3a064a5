"""The lamp that says whether a colleague is free, is being rung or talks (RFC 4235)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from b2bua.call.lines import Lines, PhoneCall, Stage
from b2bua.errors import MalformedMessage
from b2bua.routing.plan import PersonSpec, Plan
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

    Every phone of the office may watch every person. Who rings a colleague is told to others only where the
    office wants that; with whom a colleague talks is told to nobody.
    """

    name = PACKAGE
    content_type = CONTENT_TYPE

    def __init__(self, plan: Callable[[], Plan], lines: Lines, *, shows_callers: bool) -> None:
        self._plan = plan
        self._lines = lines
        self._shows_callers = shows_callers

    def watch(self, watcher: str, target: Uri) -> Watched:
        """Return the calls of the person whose extension ``target`` is.

        Raises:
            MalformedMessage: it is nobody's (404).
        """
        person = self._person(target)
        is_told = self._shows_callers or watcher == person.name
        entity = _entity(person, target)

        def document(number: int) -> bytes:
            dialogs = tuple(self._dialogs(person, entity, is_told=is_told))
            return str(DialogInfo(str(entity), number, dialogs)).encode()

        return Watched(person.name, document)

    def _person(self, target: Uri) -> PersonSpec:
        user = target.user_text if isinstance(target, SipUri) else ""
        people = self._plan().people
        for person in people.values():
            if user and user in (person.extension, person.name):
                return person
        raise MalformedMessage("nobody has this extension", status=404)

    def _dialogs(self, person: PersonSpec, entity: SipUri, *, is_told: bool) -> Iterator[DialogElement]:
        calls = self._lines.of(person.name)
        local = Party(str(entity), person.display)
        for call in calls:
            yield _element(call, local, is_told=is_told)
        if not calls:  # an empty list leaves the lamp of many phones as it was
            yield DialogElement(entity.user_text, DialogState.TERMINATED)


def _element(call: PhoneCall, local: Party, *, is_told: bool) -> DialogElement:
    call_id, our_tag, phone_tag = call.key
    return DialogElement(
        id=call_id,
        state=STATES[call.stage],
        call_id=call_id,
        local_tag=phone_tag,
        remote_tag=our_tag,
        direction="recipient" if call.is_called else "initiator",
        local=local,
        remote=_other(call, local, is_told=is_told),
    )


def _other(call: PhoneCall, local: Party, *, is_told: bool) -> Party:
    """Return whom the phone has at the other end: for requests that is us, and who it is we mostly keep."""
    if call.shown is None or call.stage is not Stage.RINGING or not is_told:
        return Party(NOBODY, target=local.uri)
    return Party(str(call.shown.uri), call.shown.display, target=local.uri)


def _entity(person: PersonSpec, target: Uri) -> SipUri:
    """Return the address whose calls are told: the extension, at the host that was asked for."""
    assert isinstance(target, SipUri)
    return SipUri(person.extension or person.name, target.host, port=target.port, is_secure=target.is_secure)
