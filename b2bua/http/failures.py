"""What went wrong with a request over HTTP, in words for people who do not read stack traces."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from enum import Enum, auto

from b2bua.errors import B2buaError

_NOT_NOW = frozenset({408, 425, 429})
"""What is answered in place of 503 by servers that mean "later"."""


class Fault(Enum):
    """Whose fault it is that there is no answer."""

    DOWN = auto()
    """The server cannot be reached, is silent, or says that it cannot work now: 5xx, 408, 425 or 429."""
    REFUSED = auto()
    """The server understood and says no (4xx), or sends us somewhere we do not go."""
    BAD = auto()
    """There is an answer, and it is unusable."""


class NoAnswerError(B2buaError):
    """A request brought nothing usable."""

    def __init__(
        self, why: str, fault: Fault = Fault.DOWN, *, status: int | None = None, again_after_s: float = 0.0
    ) -> None:
        super().__init__(why)
        self.why = why
        """In words that follow the server's name: "answered 500"."""
        self.fault = fault
        """Whose fault it is."""
        self.status = status
        """What was answered instead of a 2xx."""
        self.again_after_s = again_after_s
        """For how long the server wants to be left alone."""


def in_words(error: BaseException) -> str:
    """Return what a failed connection or transfer was, in words that follow the server's name."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"shows a certificate that is not trusted ({cause.verify_message})"
            case ssl.SSLError():
                return f"could not agree on TLS ({cause.reason or cause})"
            case socket.gaierror():
                return "has a name that no name server knows"
            case ConnectionRefusedError():
                return "refuses connections"
            case ConnectionResetError():
                return "closed the connection"
            case _:
                continue
    return f"could not be asked ({str(error) or type(error).__name__})"


def of_status(status: int, headers: Mapping[str, str]) -> NoAnswerError:
    """Return the failure that a final status other than 2xx means."""
    fault = Fault.DOWN if status >= 500 or status in _NOT_NOW else Fault.REFUSED
    return NoAnswerError(f"answered {status}", fault, status=status, again_after_s=retry_after_s(headers))


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Return for how many seconds a server wants to be left alone, 0 when it does not say (RFC 9110 §10.2.3).

    A moment counts from the server's own ``Date``: its clock need not be ours.
    """
    wish = headers.get("retry-after", "").strip()
    if wish.isdecimal() and wish.isascii():
        return float(wish[:12])
    try:
        left = parsedate_to_datetime(wish) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):  # no date, or one of them without a zone
        return 0.0
    return max(left.total_seconds(), 0.0)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what it came from, which the HTTP library wraps more than once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from (found for inner in error.exceptions for found in _causes(inner))
        error = error.__cause__ or error.__context__
