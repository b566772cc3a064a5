"""Reason phrases (RFC 3261 §21) and Reason header values (RFC 3326)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import find_parameter, parse_number, parse_parameters, quote, readable, split_list

_PHRASES = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    439: "First Hop Lacks Outbound Support",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}


def reason_phrase(status: int) -> str:
    """Return the phrase of the status, or the one of its class for a status nobody registered."""
    return _PHRASES.get(status) or _PHRASES.get(status // 100 * 100, "Session Progress")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request was sent: one value of a Reason header (RFC 3326 §2)."""

    protocol: str
    """``SIP`` or ``Q.850``."""
    cause: int | None = None
    """A SIP status or a Q.850 cause, or None."""
    text: str = ""
    """Words for people, unquoted."""

    @classmethod
    def parse(cls, value: str) -> Reason:
        """Return the reason.

        Raises:
            MalformedMessage: bad parameters or a cause that is no number.
        """
        protocol, semicolon, rest = value.strip().partition(";")
        parameters = parse_parameters(semicolon + rest)
        cause = find_parameter(parameters, "cause")
        return cls(
            protocol=protocol.strip(),
            cause=parse_number(cause, what="cause") if cause else None,
            text=find_parameter(parameters, "text") or "",
        )

    def __str__(self) -> str:
        """Return the header value."""
        cause = "" if self.cause is None else f";cause={self.cause}"
        return f"{self.protocol}{cause}" + (f";text={quote(self.text)}" if self.text else "")


MOST_WORDS = 80
"""A peer's own words are cut to that many characters."""
_NORMAL = (16, 31)
"""Q.850 causes of a call that simply ended."""


def ending_in_words(values: Iterable[str], *, otherwise: str = "hung up") -> tuple[str, int | None]:
    """Return why a peer ended a call, and the cause it named, from its Reason header lines (RFC 3326).

    What says nothing but that the call is over, or cannot be read, leaves ``otherwise``.
    """
    for reason in _readable_reasons(values):
        is_normal = reason.protocol.upper() == "Q.850" and reason.cause in _NORMAL
        text = "" if is_normal else readable(reason.text).strip()[:MOST_WORDS]
        if not text and not is_normal and reason.protocol.upper() == "SIP" and reason.cause in _PHRASES:
            text = _PHRASES[reason.cause or 0]
        return (f"{otherwise}: {text}" if text else otherwise), reason.cause
    return otherwise, None


OF_THE_CALLED = frozenset((17, 18, 19, 20, 21, 22, 27))
"""Q.850 causes that lie with whoever was called: busy, no answer, absent, rejected, changed, out of order."""


def telephone_cause(values: Iterable[str]) -> int | None:
    """Return the Q.850 cause among Reason header lines: what the telephone network beyond a server said."""
    for reason in _readable_reasons(values):
        if reason.protocol.upper() == "Q.850":
            return reason.cause
    return None


def _readable_reasons(values: Iterable[str]) -> Iterator[Reason]:
    for line in values:
        with contextlib.suppress(MalformedMessage):
            for value in split_list(line):
                yield Reason.parse(value)


ANSWERED_ELSEWHERE = 200
"""Cause of the CANCEL of an INVITE that somebody else has answered (RFC 3326 §1)."""
COMPLETED_ELSEWHERE = str(Reason("SIP", ANSWERED_ELSEWHERE, "Call completed elsewhere"))
"""For the CANCEL to phones that lost the race: they do not note a missed call."""
NO_ANSWER = str(Reason("SIP", 480, "No answer"))
"""For the CANCEL to a phone that rang long enough."""
CALLER_HUNG_UP = str(Reason("SIP", 487, "Caller hung up"))
"""For the CANCEL to phones whose caller gave up."""
