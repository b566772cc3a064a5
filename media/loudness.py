"""How loud sound is to people (ITU-R BS.1770-4), and sound brought to a loudness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.resample import resample

Pcm = NDArray[np.int16]

QUIETEST_LUFS = -70.0
"""Nothing below counts (BS.1770-4, annex 1: the absolute threshold)."""
MOST_GAIN_DB = 20.0
"""By so much at most: what is softer still is noise."""
HIGHEST_PEAK_DBTP = -1.0
"""True peaks stay below: a codec overshoots."""

_BLOCK_S, _STEP_S = 0.4, 0.1
_RELATIVE_LU = -10.0
_OVERSAMPLING = 4
_PIECE = 1 << 16


def loudness_lufs(pcm: Pcm, rate: int) -> float:
    """Return the integrated loudness of one channel; ``QUIETEST_LUFS`` where nothing is heard."""
    powers = _block_powers(pcm, rate)
    heard = powers[_lufs(powers) > QUIETEST_LUFS]
    if not len(heard):
        return QUIETEST_LUFS
    relative = _lufs(heard.mean()) + _RELATIVE_LU
    return float(_lufs(heard[_lufs(heard) > relative].mean()))


def brought_to(pcm: Pcm, rate: int, lufs: float, *, most_gain_db: float = MOST_GAIN_DB) -> Pcm:
    """Return ``pcm`` as loud as ``lufs``, or less where its peaks would be cut; silence as it is."""
    loudness = loudness_lufs(pcm, rate)
    if loudness <= QUIETEST_LUFS:
        return pcm
    room_db = HIGHEST_PEAK_DBTP - _true_peak_db(pcm, rate)
    return louder(pcm, max(-MOST_GAIN_DB, min(lufs - loudness, most_gain_db, room_db)))


def louder(pcm: Pcm, gain_db: float) -> Pcm:
    """Return ``pcm`` louder, or softer, by that; piece by piece, as what is multiplied takes much memory."""
    if not gain_db:
        return pcm
    factor, changed = 10 ** (gain_db / 20), np.empty_like(pcm)
    for start in range(0, len(pcm), _PIECE):
        piece = np.rint(pcm[start : start + _PIECE] * factor)
        changed[start : start + _PIECE] = np.clip(piece, -32768, 32767)
    return changed


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-12)), np.float64)


def _block_powers(pcm: Pcm, rate: int) -> NDArray[np.float64]:
    """Return the K-weighted power of each block of 0.4 s; of what is shorter, of all of it."""
    size, step = min(round(_BLOCK_S * rate), len(pcm)), round(_STEP_S * rate)
    if not size:
        return np.empty(0)
    weights = _weights(size, rate)
    powers = []
    for start in range(0, len(pcm) - size + 1, step):
        spectrum = np.fft.rfft(pcm[start : start + size] / 32768)
        powers.append(float(np.sum(np.abs(spectrum) ** 2 * weights)))
    return np.asarray(powers)


def _weights(size: int, rate: int) -> NDArray[np.float64]:
    """Return what each bin of a spectrum contributes to the mean square behind both filters of annex 1."""
    s = 2j * np.pi * np.fft.rfftfreq(size, 1 / rate)
    shelf, cut = 2 * np.pi * 1681.9744509555319, 2 * np.pi * 38.13547087613982
    high = 10 ** (3.999843853973347 / 20)
    q_shelf, q_cut = 0.7071752369554193, 0.5003270373253953
    shelving = (high * s**2 + high**0.4996667741545416 * shelf / q_shelf * s + shelf**2) / (
        s**2 + shelf / q_shelf * s + shelf**2
    )
    cutting = s**2 / (s**2 + cut / q_cut * s + cut**2)
    weights = np.abs(shelving * cutting) ** 2 * 2 / size**2
    weights[0] /= 2
    return np.asarray(weights, np.float64)


def _true_peak_db(pcm: Pcm, rate: int) -> float:
    """Return the highest peak between samples too, in dB of full scale (annex 2)."""
    peak = max(1, int(pcm.max(initial=0)), -int(pcm.min(initial=0)))
    for start in range(0, len(pcm), rate):
        piece = pcm[start : start + rate]
        highest = int(np.abs(piece.astype(np.int32)).max())
        if highest > peak / 2:  # between samples there is hardly more than twice of that
            halved = (piece // 2).astype(np.int16)  # so that a peak beyond full scale can be told
            between = resample(halved, rate, _OVERSAMPLING * rate)
            peak = max(peak, 2 * int(np.abs(between.astype(np.int32)).max()))
    return float(20 * np.log10(peak / 32768))
