"""The certificate by which far ends know the legs of this process, made when the first of them needs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
        self._waiting: list[Callable[[Certificate], None]] = []

    def make(self, pem: str, made: Callable[[Certificate], None]) -> None:
        """Tell ``made`` of the certificate as soon as there is one: that in ``pem``, or a new one.

        One that was made here, and that no far end knows yet, gives way to that in ``pem``.
        """
        if self.certificate is not None and pem in ("", self.certificate.pem):
            made(self.certificate)
            return
        self._waiting.append(made)
        if len(self._waiting) == 1:
            self._loads.submit(partial(_certificate, pem), self._take)

    def _take(self, certificate: Certificate | Exception) -> None:
        waiting, self._waiting = self._waiting, []
        if isinstance(certificate, Exception):
            raise certificate
        self.certificate = certificate
        for made in waiting:
            made(certificate)


def _certificate(pem: str) -> Certificate:
    # Here, as it takes long and OpenSSL is large.
    from media.dtls import Certificate

    return Certificate(pem)
