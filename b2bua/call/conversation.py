"""A caller and whoever took the call: answered, connected, told to the journal, closed."""

from __future__ import annotations

from collections.abc import Sequence

from b2bua.call.bridge import talk
from b2bua.call.call import Call
from b2bua.call.callee import CalleeLeg
from media.commands import PlayItem


async def converse(call: Call, leg: CalleeLeg, *, music: Sequence[PlayItem] = ()) -> float:
    """Return how many seconds the caller and ``leg`` talked. ``leg`` is closed, the caller's leg is not.

    Raises:
        LegEnded: the caller hung up in the instant of the answer.
    """
    try:
        call.caller.answer()
        call.ledger.note("answered", leg.name)
        call.has_talked = True
        conversation = await talk(call.caller, leg, music=music)
    finally:
        await leg.close()
    call.ledger.note("talked", leg.name, conversation.why, conversation.seconds)
    return conversation.seconds
