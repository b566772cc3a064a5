"""What went wrong with a request over HTTP, in words for people who do not read stack traces."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from enum import Enum, auto

from b2bua.errors import B2buaError


class Fault(Enum):
    """Whose fault it is that there is no answer."""

    DOWN = auto()
    """The server cannot be reached, is silent, or says by 5xx or 429 that it cannot work now."""
    REFUSED = auto()
    """The server understood and says no (4xx), or sends us somewhere we do not go."""
    BAD = auto()
    """There is an answer, and it is unusable."""


class NoAnswerError(B2buaError):
    """A request brought nothing usable."""

    def __init__(self, why: str, fault: Fault = Fault.DOWN, *, status: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        """In words that follow the server's name: "answered 500"."""
        self.fault = fault
        """Whose fault it is."""
        self.status = status
        """What was answered instead of a 2xx."""


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


def of_status(status: int) -> NoAnswerError:
    """Return the failure that a final status other than 2xx means."""
    is_down = status >= 500 or status == 429
    return NoAnswerError(f"answered {status}", Fault.DOWN if is_down else Fault.REFUSED, status=status)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what it came from, which the HTTP library wraps more than once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from (found for inner in error.exceptions for found in _causes(inner))
        error = error.__cause__ or error.__context__
