"""What became of one target that was rung: for the scheme, for the journal, in words for the office."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from b2bua.call.callee import Dial
from b2bua.sip.causes import CALLER_HUNG_UP, COMPLETED_ELSEWHERE, NO_ANSWER
from b2bua.sip.session import Refused


class Reply(StrEnum):
    """What became of ringing one target; all but the last three are words of the scheme's edges."""

    ANSWERED = "answered"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    OFFLINE = "offline"
    REJECTED = "rejected"
    ERROR = "error"
    ELSEWHERE = "elsewhere"
    """Somebody else who rang took the call."""
    TAKEN_BACK = "taken-back"
    """The caller hung up."""
    FORWARDED = "forwarded"
    """A phone sent the call to somebody else, who rings in its place."""


WORDS = {
    Reply.ANSWERED: "answered",
    Reply.NO_ANSWER: "no answer",
    Reply.BUSY: "busy",
    Reply.REJECTED: "declined",
    Reply.ELSEWHERE: "somebody else took the call",
    Reply.TAKEN_BACK: "",
}
"""As the office says it; that the caller hung up is an event of its own."""
REASONS = {
    Reply.ELSEWHERE: COMPLETED_ELSEWHERE,
    Reply.TAKEN_BACK: CALLER_HUNG_UP,
    Reply.NO_ANSWER: NO_ANSWER,
}
"""What a phone is told that is to stop ringing (RFC 3326)."""


BY_CAUSE = {
    17: Reply.BUSY,
    18: Reply.NO_ANSWER,
    19: Reply.NO_ANSWER,
    20: Reply.OFFLINE,
    21: Reply.REJECTED,
    27: Reply.OFFLINE,
}
"""What became of who was called, by the telephone network's own words (Q.850)."""
LINE_WORDS = {
    **dict.fromkeys((300, 301, 302, 305), "the line sends the call elsewhere, and follow-redirects is off"),
    **dict.fromkeys((401, 407), "the line does not accept our user name and password"),
    402: "the line wants to be paid first",
    403: "the line does not allow this call",
    **dict.fromkeys((404, 484, 604), "the line knows no such number"),
    410: "the number is not in use any more",
    **dict.fromkeys((500, 502, 503, 504), "the line could not put the call through"),
}
"""What refusals mean that a provider gives for a number, and nobody's phone."""
DO_NOT_DISTURB = 480
"""What phones answer that are on, and do not want to ring (RFC 3261 §21.4.18)."""
CLEAR = frozenset((486, 600, 603, 607))
"""Statuses that say it themselves; gateways that know no better send any other one with such a cause."""


def reply_of(status: int, telephone_cause: int | None = None) -> Reply:
    """Return what a final response means for the scheme. No status ever ends it (row F17)."""
    if telephone_cause in BY_CAUSE and status not in CLEAR:
        return BY_CAUSE[telephone_cause]
    match status:
        case 486 | 600:
            return Reply.BUSY
        case 603 | 607 | 403:
            return Reply.REJECTED
        case 404 | 410 | 480 | 408 | 430 | 502 | 503 | 504 | 604:
            return Reply.OFFLINE
        case 487:
            return Reply.NO_ANSWER
        case _:
            return Reply.ERROR


def said_by(dial: Dial, refused: Refused) -> str:
    """Return what a refusal says beyond what it is for the scheme, in words; empty: nothing."""
    if refused.is_local or (refused.telephone_cause in BY_CAUSE and refused.status not in CLEAR):
        return ""
    if dial.person is not None:
        return "phone takes no calls now (do not disturb?)" if refused.status == DO_NOT_DISTURB else ""
    return LINE_WORDS.get(refused.status, "") if dial.trunk else ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One target that was rung."""

    dial: Dial
    """Whom."""
    reply: Reply
    """With what result."""
    seconds: float
    """From its INVITE to its end."""
    status: int | None = None
    """Final SIP status, when there was one."""
    is_local: bool = False
    """Whether ``status`` is our own: no peer said so."""
    reason: str = ""
    """Why it failed, or where it was sent, in words, where the reply alone does not say it."""

    @property
    def in_words(self) -> str:
        """How it ended in plain words: ``no answer``, ``busy``, ``did not respond``."""
        if self.reason:
            return self.reason
        if self.reply is Reply.OFFLINE:
            is_silent = self.status is None or self.is_local
            return "did not respond" if is_silent else "phone was off or unreachable"
        if self.reply is Reply.ERROR:
            return f"could not take the call (SIP {self.status})"
        return WORDS[self.reply]
