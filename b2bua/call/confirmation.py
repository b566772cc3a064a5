"""Whether whoever answered outside takes the call: they press a key, as no voicemail does (row D5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from b2bua.call.leg import Leg
from b2bua.call.post_dial import press_after_answer
from b2bua.errors import LegEnded
from media.commands import PlayItem, Silence

TAKE, REFUSE = "1", "2"
PAUSE = Silence(1.0)
"""Between two repetitions of the question."""


class Decision(Enum):
    """What came of the question."""

    TAKEN = ""
    REFUSED = "declined"
    NONE = f"answered, but nobody pressed {TAKE} (its voicemail?)"
    HUNG_UP = f"hung up without pressing {TAKE}"

    @property
    def in_words(self) -> str:
        """How the journal says it."""
        return self.value


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What whoever answers has to do before the call is theirs."""

    question: Sequence[PlayItem]
    """What they hear, again and again."""
    seconds: float
    """How long they have; what is pressed while it is said counts."""

    async def ask(self, leg: Leg) -> Decision:
        """Return what ``leg``, which has answered, decides. The digits behind its number come first."""
        try:
            leg.dialled_on, leg.post_dial = leg.post_dial, ""
            if leg.dialled_on and not await press_after_answer(leg, leg.dialled_on):
                leg.dialled_on = ""
            return await self._decision(leg)
        except LegEnded:
            return Decision.HUNG_UP

    async def _decision(self, leg: Leg) -> Decision:
        clock = asyncio.get_running_loop().time
        until = clock() + self.seconds
        leg.loop([*self.question, PAUSE])
        while (key := await leg.digit(until - clock())) is not None:
            if key in (TAKE, REFUSE):
                leg.media.stop()
                return Decision.TAKEN if key == TAKE else Decision.REFUSED
        return Decision.NONE
