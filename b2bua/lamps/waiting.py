"""The lamp that says that messages wait (RFC 3842)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from b2bua.errors import MalformedMessage
from b2bua.routing.plan import Plan
from b2bua.sip.subscription import Watched
from b2bua.sip.subscription.message_summary import CONTENT_TYPE, PACKAGE, MessageSummary
from b2bua.sip.uri import SipUri, Uri
from b2bua.store.faults import in_words
from b2bua.store.messages import Messages, Waiting

log = structlog.get_logger("office")

LOOK_AGAIN_S = 60.0
"""On a file system without sockets other programs change messages without a word to us."""
PAUSE_S = 10.0
"""After a failure of the database."""


class WaitingLamp:
    """Counts of every mailbox, kept at hand, so that whoever asks is answered at once."""

    name = PACKAGE
    content_type = CONTENT_TYPE

    def __init__(self, plan: Callable[[], Plan], messages: Messages) -> None:
        self.on_change: Callable[[str], None] = _tell_nobody
        """Told which person or mailbox has other counts now."""
        self.is_watched: Callable[[], bool] = lambda: False
        """Whether it is worth while to look for what others changed."""
        self._plan = plan
        self._messages = messages
        self._counts: dict[str, Waiting] = {}
        self._has_changed = asyncio.Event()
        messages.on_change = self._has_changed.set

    # --- who watches what ---------------------------------------------------------------------------------

    def watch(self, watcher: str, target: Uri) -> Watched:
        """Return the messages of ``watcher``, or of the one mailbox of theirs that ``target`` names.

        Raises:
            MalformedMessage: somebody else's (403), or nobody's (404).
        """
        self.look()  # at what others changed while nobody watched
        account = self._account(target)
        box = self._named(watcher, target)
        if box is None:
            return Watched(person_key(watcher), lambda _: self._told(self._boxes_of(watcher), account))
        return Watched(box_key(box), lambda _: self._told((box,), account))

    def _named(self, watcher: str, target: Uri) -> str | None:
        """Return the mailbox that ``target`` names, None for all that are the watcher's."""
        plan = self._plan()
        user = target.user_text if isinstance(target, SipUri) else ""
        person = plan.people[watcher]
        if user in ("", person.extension, watcher, plan.voicemail_number, *person.devices.values()):
            return None
        if user in person.listens_to:
            return user
        is_anothers = user in plan.mailboxes or user in plan.extensions or user in plan.people
        raise MalformedMessage("not your mailbox", status=403 if is_anothers else 404)

    def _account(self, target: Uri) -> str:
        """Return what the phone is to dial to hear the messages (RFC 3842 §5.2)."""
        number = self._plan().voicemail_number
        if not number or not isinstance(target, SipUri):
            return ""
        return str(SipUri(number, target.host, port=target.port, is_secure=target.is_secure))

    def _boxes_of(self, person: str) -> tuple[str, ...]:
        known = self._plan().people.get(person)
        return known.listens_to if known is not None else ()

    def _told(self, boxes: tuple[str, ...], account: str) -> bytes:
        waiting = sum((self._counts.get(box, Waiting()) for box in boxes), Waiting())
        return str(MessageSummary(waiting.new, waiting.old, account)).encode()

    def plan_changed(self) -> None:
        """Tell everybody anew: other mailboxes may be theirs."""
        for person in self._plan().people:
            self.on_change(person_key(person))

    # --- how it is now ------------------------------------------------------------------------------------

    def look(self) -> None:
        """Count soon, and not only when one of us changes something."""
        self._has_changed.set()

    async def refresh(self) -> None:
        """Count anew, and tell of what differs."""
        counts = await self._messages.waiting()
        before, self._counts = self._counts, counts
        changed = {box for box in before.keys() | counts.keys() if before.get(box) != counts.get(box)}
        for box in changed:
            self.on_change(box_key(box))
        for person in self._plan().people.values():
            if not changed.isdisjoint(person.listens_to):
                self.on_change(person_key(person.name))

    async def run(self) -> None:
        """Count whenever a message came, was heard or was deleted; while somebody watches, also else."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S if self.is_watched() else None):
                    await self._has_changed.wait()
            except TimeoutError:
                pass
            self._has_changed.clear()
            try:
                await self.refresh()
            except SQLAlchemyError as error:
                log.error("messages cannot be counted now", why=in_words(error))
                await asyncio.sleep(PAUSE_S)


def person_key(name: str) -> str:
    """Return by which name changes of all that a person listens to are told."""
    return f"person {name}"


def box_key(box: str) -> str:
    """Return by which name changes of one mailbox are told."""
    return f"mailbox {box}"


def _tell_nobody(_key: str) -> None:
    """Nobody watches yet."""
