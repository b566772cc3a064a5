"""The certificate by which far ends know the legs of this process, made when the first of them needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from media.background import Background

if TYPE_CHECKING:
    from media.dtls import Certificate


class Credential:
    """A certificate, or none yet."""

    def __init__(self, loads: Background) -> None:
        """Make it in the background ``loads``."""
        self.certificate: Certificate | None = None
        self._loads = loads
        self._waiting: list[Callable[[str], None]] = []

    def make(self, made: Callable[[str], None]) -> None:
        """Tell ``made`` the fingerprint, as SDP has it, as soon as there is one."""
        if self.certificate is not None:
            made(self.certificate.fingerprint)
            return
        self._waiting.append(made)
        if len(self._waiting) == 1:
            self._loads.submit(_new_certificate, self._take)

    def _take(self, certificate: Certificate | Exception) -> None:
        waiting, self._waiting = self._waiting, []
        if isinstance(certificate, Exception):
            raise certificate
        self.certificate = certificate
        for made in waiting:
            made(certificate.fingerprint)


def _new_certificate() -> Certificate:
    # Here, as it takes long and OpenSSL is large.
    from media.dtls import Certificate

    return Certificate()
