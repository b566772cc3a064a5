"""From the numbers of a closed leg to what the journal keeps of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from b2bua.call.call import CALLER
from b2bua.call.leg import Leg
from b2bua.store.quality import LegQuality
from media.quality import mos


def quality_of(leg: Leg, now: datetime, *, is_caller: bool) -> LegQuality:
    """Return how the sound of ``leg``, which is closed, was; ``now`` is the wall-clock time."""
    numbers, agreement = leg.media.statistics, leg.media.agreement
    at = asyncio.get_running_loop().time()
    answered, ended = leg.answered_at or leg.began, leg.ended_at or at
    codec = "" if agreement is None else agreement.codec
    packets, lost = int(numbers.get("packets", 0)), int(numbers.get("lost", 0))
    jitter_ms, round_trip_ms = numbers.get("jitter_ms", 0.0), numbers.get("round_trip_ms")
    remote_lost = numbers.get("remote_lost")
    loss = lost / (packets + lost) if packets else 1.0
    score = mos(codec, loss=loss, jitter_ms=jitter_ms, round_trip_ms=round_trip_ms)
    return LegQuality(
        who=CALLER if is_caller else leg.name,
        is_caller=is_caller,
        answered_at=now - timedelta(seconds=at - answered),
        seconds=round(ended - answered, 3),
        codec=codec,
        is_encrypted=agreement is not None and agreement.is_protected,
        packets=packets,
        lost=lost,
        jitter_ms=jitter_ms,
        sent=int(numbers.get("sent", 0)),
        remote_lost=None if remote_lost is None else int(remote_lost),
        round_trip_ms=round_trip_ms,
        mos=score if packets else None,
        silent_s=numbers.get("silent_s", 0.0),
    )
