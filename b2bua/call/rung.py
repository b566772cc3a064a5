"""What a fork of INVITEs comes to, and who is told while it rings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from b2bua.call.attempt import Attempt, Reply
from b2bua.call.callee import CalleeLeg
from b2bua.call.leg import Leg


@dataclass(frozen=True, slots=True)
class Rung:
    """What a whole fork came to."""

    leg: Leg | None
    """The one who answered or picked up, connected and up; None when nobody did."""
    attempts: tuple[Attempt, ...]
    """Every target that was rung, in order of its end."""

    @property
    def reply(self) -> Reply:
        """The fork's result in one word: somebody rang in vain > busy > rejected > error > offline."""
        if self.leg is not None:
            return Reply.ANSWERED
        replies = {attempt.reply for attempt in self.attempts}
        for reply in (Reply.NO_ANSWER, Reply.BUSY, Reply.REJECTED, Reply.ERROR):
            if reply in replies:
                return reply
        return Reply.OFFLINE


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of a fork while it rings."""

    on_attempt: Callable[[Attempt], None] | None = None
    """Told of every branch at its end, also when the caller hangs up."""
    on_answer: Callable[[Leg], None] | None = None
    """Told of the winner before anything else happens."""
    on_picked_up: Callable[[Leg, str], None] | None = None
    """Told of who took the call that rang elsewhere, and for whom it rang there."""
    on_early: Callable[[CalleeLeg], None] | None = None
    """Told of a branch that has early media (183) which the caller may hear; None: nobody may."""
