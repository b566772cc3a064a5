"""Sends what waits in a store: at once, and again until somebody took it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from b2bua.notify.delivery import Delivery, NotDeliveredError
from b2bua.notify.web import place_of
from b2bua.store import Outbox, QueuedMail
from b2bua.store.faults import in_words
from b2bua.store.outbox import LONGEST_WAIT

_FOR_EVER = datetime.max.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 300.0
"""A server that was down gets its mail at most so long after it came back."""
LONGEST_REFUSED_RETRY_S = LONGEST_WAIT.total_seconds()
"""A server that said "never" (5xx) is asked rarely: until the office mends its settings."""
LONGEST_SLEEP_S = 30.0
"""The outbox is looked at this often even when nobody says that there is new mail."""
SHORTEST_SLEEP_S = 1.0
"""The outbox is read no more often than this, unless there is new mail."""
AT_ONCE = 5
"""How many mails are sent at the same time."""


class Waits(Protocol):
    """Something that has to go out."""

    @property
    def id(self) -> int:
        """Names it in its store."""

    @property
    def attempts(self) -> int:
        """How often it was tried in vain."""


Waiting = TypeVar("Waiting", bound=Waits)
Gives = TypeVar("Gives", bound=Waits, covariant=True)
Takes = TypeVar("Takes", bound=Waits, contravariant=True)


class WaitingIn(Protocol[Gives]):
    """Where it waits."""

    has_new: asyncio.Event
    """Set when there is more; cleared by the worker."""

    async def due(self, now: datetime, limit: int = 20) -> Sequence[Gives]:
        """Return what is to be tried now, the longest due first."""

    async def next_try_at(self) -> datetime | None:
        """Return when the next is due; None when nothing waits."""

    async def mark_sent(self, key: int, /, *, at: datetime, sent_to: str) -> bool:
        """Note that it went out."""

    async def mark_failed(self, key: int, /, *, error: str, next_try_at: datetime | None) -> bool:
        """Note what went wrong and when to try again; None: not before somebody says so."""


class TakesAway(Protocol[Takes]):
    """The way out."""

    async def deliver(self, queued: Takes, /) -> str:
        """Return who has it now.

        Raises:
            NotDeliveredError: nobody has.
        """


class Worker(Generic[Waiting]):
    """Runs for ever beside the calls; a server outside never holds up a call."""

    def __init__(
        self,
        outbox: WaitingIn[Waiting],
        delivery: TakesAway[Waiting],
        *,
        what: str,
        about: Callable[[Waiting], Mapping[str, Any]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``what`` is sent, and ``about`` tells of one, for the log."""
        self._outbox = outbox
        self.delivery = delivery
        """The way out; another one takes what waits from the next try on."""
        self._what = what
        self._about = about
        self._now = now
        self.on_sent: Callable[[str], None] | None = None
        """Told who has a mail now, once somebody has."""
        self._held: dict[int, datetime] = {}
        """Those whose new state the disk did not take yet, and until when they are left alone."""

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._outbox.has_new.clear()
            await self._wait(await self._work())

    async def _work(self) -> float:
        """Send what is due; return for how many seconds there is nothing to do. No fault of ours ends it."""
        try:
            is_empty = not await self.send_due()
            return await self._seconds_to_next() if is_empty else 0.0
        except SQLAlchemyError as error:
            log.error("cannot read the outbox; trying again", why=in_words(error))
        except Exception:
            log.exception(f"an internal error; {self._what}s that wait are tried again")
        return LONGEST_SLEEP_S

    async def send_due(self) -> int:
        """Try what is due, a few at a time, and return how many were tried."""
        now = self._now()
        due = await self._outbox.due(now, limit=AT_ONCE + len(self._held))
        ready = [queued for queued in due if self._held.get(queued.id, now) <= now]
        async with asyncio.TaskGroup() as group:
            for queued in ready[:AT_ONCE]:
                group.create_task(self._send(queued))
        return len(ready)

    async def _send(self, queued: Waiting) -> None:
        try:
            sent_to = await self.delivery.deliver(queued)
        except NotDeliveredError as error:
            await self._put_off(queued, error)
            return
        except Exception:  # what one of them does to us must not hold up the others
            log.exception(f"an internal error; a {self._what} stays in the outbox", **self._about(queued))
            await self._put_off(queued, NotDeliveredError("an internal error; the log has it"))
            return
        is_written = await self._outbox.mark_sent(queued.id, at=self._now(), sent_to=sent_to)
        self._hold(queued, _FOR_EVER, is_written=is_written)
        if self.on_sent is not None:
            self.on_sent(sent_to)

    async def _put_off(self, queued: Waiting, error: NotDeliveredError) -> None:
        if error.is_final:
            await self._give_up(queued, error)
            return
        wait_s = retry_after(queued.attempts, is_permanent=error.is_permanent)
        wait_s = max(wait_s, min(error.again_after_s, LONGEST_REFUSED_RETRY_S))
        log.warning(
            f"{self._what} not sent; it stays in the outbox",
            **self._about(queued),
            why=error.why,
            again_in_s=wait_s,
        )
        next_try_at = self._now() + timedelta(seconds=wait_s)
        is_written = await self._outbox.mark_failed(queued.id, error=error.why, next_try_at=next_try_at)
        self._hold(queued, next_try_at, is_written=is_written)

    async def _give_up(self, queued: Waiting, error: NotDeliveredError) -> None:
        log.error(
            f"{self._what} refused; it is kept, and sent again when somebody says so",
            **self._about(queued),
            why=error.why,
        )
        is_written = await self._outbox.mark_failed(queued.id, error=error.why, next_try_at=None)
        self._hold(queued, _FOR_EVER, is_written=is_written)

    def _hold(self, queued: Waiting, until: datetime, *, is_written: bool) -> None:
        """Do not trust the row of one whose change is not on disk: nobody wants it twice."""
        if is_written:
            self._held.pop(queued.id, None)
        else:
            self._held[queued.id] = until

    async def _seconds_to_next(self) -> float:
        moment = await self._outbox.next_try_at()
        if moment is None:
            return LONGEST_SLEEP_S
        return min(max((moment - self._now()).total_seconds(), SHORTEST_SLEEP_S), LONGEST_SLEEP_S)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._outbox.has_new.wait()
        except TimeoutError:
            return


class MailWorker(Worker[QueuedMail]):
    """Sends mails, and news for servers."""

    def __init__(
        self, outbox: Outbox, delivery: Delivery, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__(outbox, delivery, what="mail", about=_about_mail, now=now)


def _about_mail(queued: QueuedMail) -> Mapping[str, Any]:
    return {"to": place_of(queued.mail.recipient), "subject": queued.mail.subject}


def retry_after(attempts: int, *, is_permanent: bool = False) -> float:
    """Return how many seconds to wait after the failure that follows ``attempts`` failures."""
    longest = LONGEST_REFUSED_RETRY_S if is_permanent else LONGEST_RETRY_S
    return min(FIRST_RETRY_S * 2.0 ** min(attempts, 20), longest)
