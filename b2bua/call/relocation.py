"""Telling a far end that our end of its sound is at another address (RFC 3264 §8.3.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from b2bua.call.description import Description
from b2bua.errors import LegEnded, NotAcceptable
from b2bua.sip.session import Session

PATIENCE_S = 10.0
"""A far end that has not followed by then hears nobody. A glare costs up to 4 s (RFC 3261 §14.1)."""


@dataclass(slots=True)
class Relocation:
    """Asks the far end by re-INVITE to send elsewhere, until it has agreed or is given up."""

    description: Description
    """Knows where our sound is now, and what the far end was told."""
    accept: Callable[[bytes, bytes], None]
    """Takes offer and answer."""
    give_up: Callable[[str], None]
    """Ends the leg that could not be moved, and says why."""
    _task: asyncio.Task[None] | None = None

    def begin(self, session: Session) -> None:
        """Ask, if there is anything to ask for that is not being asked for already."""
        if self.description.has_moved and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ask(session), name=f"move the sound of {session.call_id}")

    def stop(self) -> None:
        """Ask no more: the leg is over."""
        if self._task is not None:
            self._task.cancel()

    async def _ask(self, session: Session) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self.description.has_moved:
                    offer = self.description.offer_again()
                    self.accept(offer, await session.reinvite(offer))
        except LegEnded:
            return
        except NotAcceptable as error:
            self.give_up(f"its sound could not be moved: {error}")
        except TimeoutError:
            self.give_up("its sound could not be moved: no answer to the re-INVITE")
