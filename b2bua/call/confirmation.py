"""Whether whoever answered outside takes the call, and is no voicemail (row D5).

They press a key, as no voicemail does; or they are heard to say hello and wait, as hardly one does. Who is
not heard so is asked to press a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from b2bua.call.leg import Leg
from b2bua.call.post_dial import press_after_answer
from b2bua.errors import LegEnded
from media.commands import Answerer, AnswererJudged, PlayItem, Silence

TAKE, REFUSE = "1", "2"
PAUSE = Silence(1.0)
"""Between two repetitions of the question."""
LISTENS_S = 6.0
"""The media engine tells within four whose voice it is, or that it is not clear."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of an answer."""

    in_words: str
    """How the journal says it."""
    is_taken: bool = False
    """The call is theirs."""
    is_refused: bool = False
    """They do not want it."""


TAKEN = Decision("", is_taken=True)
REFUSED = Decision("declined", is_refused=True)
NOT_PRESSED = Decision(f"answered, but nobody pressed {TAKE} (its voicemail?)")
HUNG_UP = Decision(f"hung up without pressing {TAKE}")
HUNG_UP_AT_ONCE = Decision("hung up before it was clear who had answered")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What whoever answers has to do before the call is theirs."""

    question: Sequence[PlayItem]
    """What they hear, again and again."""
    seconds: float
    """How long they have; what is pressed while it is said counts."""
    is_by_voice: bool = False
    """They are listened to before they are asked."""

    async def ask(self, leg: Leg) -> Decision:
        """Return what ``leg``, which has answered, decides. The digits behind its number come first."""
        try:
            leg.dialled_on, leg.post_dial = leg.post_dial, ""
            if leg.dialled_on and not await press_after_answer(leg, leg.dialled_on):
                leg.dialled_on = ""
            return await self._decision(leg)
        except LegEnded:
            return HUNG_UP if leg.was_asked else HUNG_UP_AT_ONCE
        finally:
            leg.media.listen_for_answerer(None)

    async def _decision(self, leg: Leg) -> Decision:
        clock = asyncio.get_running_loop().time
        until = clock() + self.seconds
        judged: asyncio.Queue[AnswererJudged] = asyncio.Queue()
        if self.is_by_voice:
            leg.loop([PAUSE])  # carriers behind NAT send nothing to who sends nothing
            leg.media.listen_for_answerer(judged.put_nowait)
        else:
            self._put_question(leg)
        while True:
            limit = until if leg.was_asked else min(until, clock() + LISTENS_S)
            news = await _news(leg, judged, limit - clock())
            if news is None and (leg.was_asked or clock() >= until):
                return NOT_PRESSED
            decision = _decided_by(news)
            if decision is not None:
                leg.media.stop()
                return decision
            if not leg.was_asked and not isinstance(news, str):
                self._put_question(leg)

    def _put_question(self, leg: Leg) -> None:
        leg.was_asked = True
        leg.loop([*self.question, PAUSE])


def _decided_by(news: str | AnswererJudged | None) -> Decision | None:
    """Return what a key or a voice decides; None: nothing."""
    match news:
        case "1" | AnswererJudged(who=Answerer.PERSON):
            return TAKEN
        case "2":
            return REFUSED
        case AnswererJudged(who=Answerer.MACHINE, why=why):
            return Decision(f"answered, but it {why} (its voicemail)")
    return None


async def _news(
    leg: Leg, judged: asyncio.Queue[AnswererJudged], seconds: float
) -> str | AnswererJudged | None:
    """Return the next key or what is found out of the voice, or None when ``seconds`` pass without either.

    Raises:
        LegEnded: the far end hung up meanwhile.
    """
    key = asyncio.ensure_future(leg.digit(seconds))
    voice = asyncio.ensure_future(judged.get())
    try:
        await asyncio.wait({key, voice}, return_when=asyncio.FIRST_COMPLETED)
        if not key.done():
            return voice.result()
        if voice.done():
            judged.put_nowait(voice.result())  # the next news
        return key.result()
    finally:
        key.cancel()
        voice.cancel()
