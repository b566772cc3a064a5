"""How the office treats sound, out of its configuration."""

from __future__ import annotations

from b2bua.call.aiming import TellHosts, nobody_finds
from b2bua.call.sound import SoundProfile
from b2bua.config.models import Config
from b2bua.sip.endpoint import SipEndpoint
from media.call_tones import call_tones
from media.sdp.crypto import SrtpPolicy


def sound_profile(config: Config, endpoint: SipEndpoint) -> SoundProfile:
    """Return how sound is negotiated with whoever has no way of their own."""

    def find_hosts(name: str, told: TellHosts) -> None:
        find = nobody_finds if endpoint.servers is None else endpoint.servers.find_hosts
        find(name, told)

    return SoundProfile(
        codecs=config.media.codecs,
        public_addresses=config.rtp.public_addresses,
        rtp_timeout_s=config.media.rtp_timeout_s,
        srtp=SrtpPolicy(config.sip.srtp),
        tones=call_tones(config.office.country),
        find_hosts=find_hosts,
    )
