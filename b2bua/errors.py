"""The errors that cross package borders. Each says whose fault it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class B2buaError(Exception):
    """Root of every error that this program raises on purpose."""


class MalformedMessage(B2buaError):
    """A peer sent something that breaks the grammar; carries the SIP status to answer."""

    def __init__(self, why: str, *, status: int = 400) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


class NotAcceptable(B2buaError):
    """An offer that cannot be met (488, RFC 3261 §21.4.26)."""


class Declined(B2buaError):
    """A request that we understand and refuse; carries the status and the words to answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status} {why}")
        self.status = status
        self.why = why


class WrongState(B2buaError):
    """Our bug: something was asked for that the present state does not allow."""


class LegEnded(B2buaError):
    """The far end hung up, cancelled or died while something waited for it. News, not an order."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Unavailable(B2buaError):
    """A resource is exhausted for now (RTP ports, trunk channels): 503 with Retry-After."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration, said so that its owner can mend it."""

    file: Path
    """The file it stands in."""
    line: int
    """1-based line of the key, or of the table it is missing from."""
    key: str
    """Dotted key, e.g. ``scheme.sales.step.2.for``."""
    message: str
    """What is wrong and what was expected."""
    is_warning: bool = False
    """A warning does not keep the office from starting."""

    def __str__(self) -> str:
        kind = "warning" if self.is_warning else "error"
        return f"{self.file}:{self.line}: {kind}: {self.key}: {self.message}"


class ConfigError(B2buaError):
    """A configuration that cannot be used; carries every problem found, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def in_words(error: BaseException) -> str:
    """Return what went wrong as an owner of an office reads it: "/data/x.wav: No space left on device"."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
