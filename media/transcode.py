"""Payloads of one codec turned into another's."""

from __future__ import annotations

from media import codecs
from media.codecs.g711 import ALAW_TO_ULAW, ULAW_TO_ALAW
from media.relay import Convert
from media.resample import resample


def converter(source: str, target: str) -> Convert | None:
    """Return what turns payloads of ``source`` into ``target``; None where they are the same.

    G.711 to G.711 is a table. Anything else is decoded and encoded: keep one converter per stream.
    """
    if source == target:
        return None
    if (source, target) == ("PCMA", "PCMU"):
        return lambda payload: payload.translate(ALAW_TO_ULAW)
    if (source, target) == ("PCMU", "PCMA"):
        return lambda payload: payload.translate(ULAW_TO_ALAW)
    decoder, encoder = codecs.by_name(source), codecs.by_name(target)

    def convert(payload: bytes) -> bytes:
        pcm = resample(decoder.decode(payload), decoder.sample_rate_hz, encoder.sample_rate_hz)
        return encoder.encode(pcm)

    return convert
