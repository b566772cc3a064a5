"""SRTP, loaded with the first leg that needs it: 5 MB of memory, and 20 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.sdp.crypto import StreamKeys

if TYPE_CHECKING:
    from media.srtp import SrtpSession


def srtp_session(keys: StreamKeys, *, is_resumed: bool = False) -> SrtpSession:
    """Return the crypto contexts of a leg; resumed: the far end's stream began long ago."""
    from media.srtp import SrtpSession

    return SrtpSession(keys, is_resumed=is_resumed)
