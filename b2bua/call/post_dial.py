"""The digits behind a dialled number, pressed once it has answered: an extension, the PIN of a conference."""

from __future__ import annotations

import asyncio
import re

import structlog

from b2bua.call.digits import DtmfMode
from b2bua.call.leg import Leg
from media.dtmf import format_info, key_tones
from media.keypad import key_seconds

log = structlog.get_logger("call")

PART = re.compile(r"[,w]|[^,w]+")
PAUSES = ",w"
PAUSE_S = 2.0
"""Of a comma, as with modems and mobiles. Those ask at a ``w`` whether to go on; here nobody can be asked,
and it is the same pause."""


async def press_after_answer(leg: Leg, post_dial: str) -> bool:
    """Press the digits of ``post_dial`` on ``leg``, with its pauses; what it says is heard all the while.

    By RFC 4733, or by SIP INFO where the far end took no telephone-event, or as tones where it refuses that,
    too; False if it takes none of those that its trunk is said to take.

    Raises:
        LegEnded: the far end hung up before the last one.
    """
    refuses_info = False
    async with leg.while_up():
        for part in PART.findall(post_dial):
            if part in PAUSES:
                await asyncio.sleep(PAUSE_S)
            elif leg.dtmf is DtmfMode.INBAND or refuses_info:
                await leg.play(key_tones(part))
            elif leg.takes_events and leg.dtmf is not DtmfMode.INFO:
                leg.media.send_digits(part)
                await asyncio.sleep(key_seconds(leg.ptime_ms) * len(part))
            elif leg.dtmf is DtmfMode.RFC4733 or not await _press_by_info(leg, part):
                if leg.dtmf is not DtmfMode.AUTO:
                    log.warning("the far end does not take digits as its trunk is said to", who=leg.name)
                    return False
                refuses_info = True
                await leg.play(key_tones(part))
    return True


async def _press_by_info(leg: Leg, keys: str) -> bool:
    """Press one key after the other, each when the last one was answered and its time is over."""
    if leg.session is None:
        return False
    for key in keys:
        content_type, body = format_info(key)
        status, _ = await asyncio.gather(leg.session.info(body, content_type), asyncio.sleep(key_seconds()))
        if status >= 300:
            return False
    return True
