"""The two steps that need nobody: say something, and the echo test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from b2bua.call.call import Call
from b2bua.routing.destination import Echo, Outcome, Say
from b2bua.store.calls import EventKind
from media.commands import PlayItem

LONGEST_ECHO_S = 600.0


@dataclass(frozen=True, slots=True)
class SayStep:
    """Answer and play one prompt."""

    prompt: Callable[[str], Sequence[PlayItem]]
    """Sound of a prompt by its name."""

    async def __call__(self, call: Call, say: Say) -> Outcome:
        """Return DONE when the prompt was heard to its end.

        Raises:
            LegEnded: the caller hung up.
        """
        call.doing = "while listening"
        call.caller.answer()
        call.ledger.note(EventKind.PROMPT, detail=say.prompt)
        await call.caller.play(self.prompt(say.prompt))
        call.is_self_served = True
        return Outcome.DONE


async def echo(call: Call, _: Echo) -> Outcome:
    """Send the caller's voice back until they hang up; return DONE when they never do.

    Raises:
        LegEnded: the caller hung up.
    """
    call.doing = "after the echo test"
    call.caller.answer()
    call.is_self_served = True
    call.caller.media.stop()  # whatever an earlier step still plays
    call.caller.media.echo()
    async with call.caller.while_up():
        await asyncio.sleep(LONGEST_ECHO_S)
    return Outcome.DONE
