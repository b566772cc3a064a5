"""How the office treats sound, out of its configuration."""

from __future__ import annotations

from b2bua.call.sound import SoundProfile
from b2bua.config.models import Config
from media.call_tones import call_tones
from media.sdp.crypto import SrtpPolicy


def sound_profile(config: Config) -> SoundProfile:
    """Return how sound is negotiated with whoever has no way of their own."""
    return SoundProfile(
        codecs=config.media.codecs,
        public_addresses=config.rtp.public_addresses,
        rtp_timeout_s=config.media.rtp_timeout_s,
        srtp=SrtpPolicy(config.sip.srtp),
        tones=call_tones(config.office.country),
    )
