"""What the journal keeps of the sound of each party, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LEAST_TALK_S = 2.0
"""Shorter than that nobody has to have said anything yet."""
NOTED_LOSS = 0.01
"""Share of what we sent that has to be lost before it is told."""


@dataclass(frozen=True, slots=True)
class LegQuality:
    """How the sound of one party was, counted to the end of its part of the call."""

    who: str
    """The person or number; of whoever called, "the caller"."""
    is_caller: bool
    """Whether it called; else it was called."""
    answered_at: datetime
    """When it was answered; aware."""
    seconds: float
    """From then to its end."""
    codec: str
    """The last one that was agreed; empty: none was."""
    is_encrypted: bool
    """Whether the sound was protected (SRTP)."""
    packets: int
    """That came from there."""
    lost: int
    """That should have come, too."""
    jitter_ms: float
    """Of those that came, at the end."""
    sent: int
    """Packets that we sent there."""
    remote_lost: int | None = None
    """Of those, how many the far end missed; None: it did not tell."""
    round_trip_ms: float | None = None
    """To the far end and back (RTCP); None: it did not tell."""
    mos: float | None = None
    """Estimated mean opinion score of what came from there; None: nothing came."""
    silent_s: float = 0.0
    """How long before its end nothing came any more, though the party was not on hold."""

    @property
    def loss(self) -> float:
        """Share of what should have come that did not."""
        return self.lost / (self.packets + self.lost) if self.lost else 0.0

    @property
    def remote_loss(self) -> float:
        """Share of what we sent that the far end told it missed."""
        return min(1.0, (self.remote_lost or 0) / self.sent) if self.sent else 0.0

    @property
    def is_unheard(self) -> bool:
        """Whether the far end ought to have been heard, and was not (one-way audio)."""
        return not self.packets and self.seconds >= LEAST_TALK_S


def leg_in_words(leg: LegQuality) -> str:
    """Return one line such as "Anna Nowak: PCMA, 0.2 % lost, jitter 4 ms, MOS 4.3"."""
    parts = [f"{leg.codec or 'no codec agreed'}{' encrypted' if leg.is_encrypted else ''}"]
    if leg.is_unheard:
        parts.append(f"nothing was heard from {leg.who}")
    elif leg.packets:
        parts.append(f"{100 * leg.loss:.1f} % lost")
        parts.append(f"jitter {leg.jitter_ms:.0f} ms")
        if leg.silent_s >= LEAST_TALK_S:
            parts.append(f"nothing came in the last {leg.silent_s:.0f} s")
    if leg.round_trip_ms is not None:
        parts.append(f"round trip {leg.round_trip_ms:.0f} ms")
    if leg.mos is not None:
        parts.append(f"MOS {leg.mos:.1f}")
    if leg.remote_loss >= NOTED_LOSS:
        parts.append(f"{100 * leg.remote_loss:.1f} % of what we sent did not arrive")
    if not leg.sent and leg.seconds >= LEAST_TALK_S:
        parts.append("nothing was sent there")
    return f"{leg.who}: {', '.join(parts)}"
